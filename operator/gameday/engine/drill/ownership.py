"""Whether a workload that a step scaled is still at the number that the step set, or somebody else has its replicas.

KEDA, an HPA, a GitOps controller or a person may set them at any moment. A drill never fights for them: it stops.
"""

from gameday.model.record import Hold, Record, StepState
from gameday.model.world import Workload


def taken_over(record: Record, hold: Hold, workload: Workload | None) -> str:
    """What was seen of somebody else who has the replicas, or nothing. ``hold`` is active; None is not known yet."""
    if workload is None:
        return ""
    was = f"{hold.object_name} was set to {hold.wanted} by step {hold.name}"
    if not workload.exists:
        return f"{was} and is gone: somebody deleted it"
    if workload.replicas != hold.wanted:
        return f"{was} and is at {workload.replicas}: KEDA, an HPA, GitOps or a person owns its replicas"
    step = next((entry for entry in record.steps if entry.name == hold.name), None)
    done = step is not None and step.state is StepState.DONE
    if done and hold.wanted == 0 and workload.pods > 0:
        return f"{was} and has {workload.pods} pods again: KEDA, an HPA, GitOps or a person scaled it in between"
    return ""


def still_ours(hold: Hold, workload: Workload) -> bool:
    """Whether the workload is at the number that we set, so that the number from before is to be put back."""
    return workload.exists and workload.replicas == hold.wanted and hold.wanted != hold.before
