"""Changes as a simulated world shows them to the engine, by the rules of the real kinds where they are pure."""

from dataclasses import dataclass
from typing import Any

from gameday.actions.job import SHOWN
from gameday.actions.scale.kind import Scale, observed
from gameday.model.change import Change, Observed, Presence, Ran, RunState
from gameday.model.names import policy
from gameday.model.plan import Plan


@dataclass(frozen=True, slots=True)
class Workers:
    """The Deployment that a step scales; pods are -1 while its controller has not seen the number.

    Its status leaves out the pods that are ending, as that of a real one does.
    """

    replicas: int
    ready: int
    pods: int
    version: str = ""
    ending: int = 0

    @property
    def left(self) -> int:
        """Pods that have not ended."""
        return max(self.pods, 0) + self.ending

    def deployment(self) -> dict[str, Any]:
        """As the API server shows it."""
        status = {"observedGeneration": 1, "readyReplicas": self.ready, "replicas": self.pods}
        return {
            "metadata": {"generation": 1, "resourceVersion": self.version},
            "spec": {"replicas": self.replicas},
            "status": status if self.pods >= 0 else {},
        }


def cut(drill: str, fault: str, uid: str | None, changed: str = "") -> Observed:
    """The policy of a fault; ``uid`` None where there is none."""
    if uid is None:
        return Observed(Presence.ABSENT, "NetworkPolicy", policy(drill, fault), shown="its policy is gone")
    presence = Presence.TAMPERED if changed else Presence.PRESENT
    shown = "its policy is still there"
    return Observed(presence, "NetworkPolicy", policy(drill, fault), uid=uid, detail=changed, shown=shown)


def scaled(plan: Plan, workers: Workers, changes: tuple[Change, ...], read: frozenset[str]) -> dict[str, Observed]:
    """What each scaling fault and step shows; ``read`` names the steps that are watched, faults always are."""
    found = {}
    watched = read | {fault.name for fault in plan.outage.faults}
    for name, action in plan.actions():
        if isinstance(action, Scale) and name in watched:
            change = next((one for one in changes if one.name == name), None)
            wanted = change.wanted["replicas"] if change is not None and change.wanted else action.replicas
            found[name] = observed(action.workload, workers.deployment(), wanted, change, workers.left)
    return found


def runs(plan: Plan, known: dict[str, RunState]) -> dict[str, Ran]:
    """How far each irreversible step has come; ``known`` is by its name."""
    found = {name: known.get(name, RunState.ABSENT) for name, action in plan.actions() if not action.REVERSIBLE}
    return {
        name: Ran(
            state,
            shown=SHOWN[state].format(name),
            waits=state is RunState.NEXT,
            carried_out=state is RunState.DONE,
        )
        for name, state in found.items()
    }
