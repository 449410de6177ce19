"""What a plan would cut now, counted for the administrator's limits: pods, and how much of each workload.

A workload is what controls a pod: its Deployment, StatefulSet, DaemonSet, Job or whatever else owns it; a pod that
nothing controls is one of its own. Its share is that of its ready pods; where none is ready, of all that run.
"""

from collections.abc import Iterable

from gameday.actions.network_partition.targets import targets
from gameday.cluster.kinds import PODS, REPLICA_SETS, Object
from gameday.model.labels import ours
from gameday.model.limits import Reach, Share
from gameday.model.plan import Plan
from gameday.preflight.snapshot import Sight, labels_of


def reach(sight: Sight, plan: Plan) -> Reach:
    """The pods that the plan's faults select in this namespace."""
    pods: dict[str, int] = {}
    shares: list[tuple[str, Share]] = []
    for fault, partition in plan.partitions():
        cut = targets(sight, partition.pod_selector)
        pods[fault] = len(cut)
        shares += [(fault, share) for share in _shares(sight, cut)]
    return Reach(pods, tuple(shares))


def _shares(sight: Sight, cut: Iterable[Object]) -> Iterable[Share]:
    names = {_name(pod) for pod in cut}
    workloads: dict[str, list[Object]] = {}
    for pod in sight.of(PODS):
        running = pod.get("status", {}).get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
        if running and not ours(labels_of(pod)):
            workloads.setdefault(workload(sight, pod), []).append(pod)
    for name, pods in sorted(workloads.items()):
        counted = [pod for pod in pods if _ready(pod)] or pods
        hit = [pod for pod in counted if _name(pod) in names]
        if hit:
            yield Share(name, len(hit), len(counted))


def workload(sight: Sight, pod: Object) -> str:
    """What controls a pod, as ``Deployment api``."""
    owner = _controller(pod)
    if owner is None:
        return f"Pod {_name(pod)}"
    if owner["kind"] == REPLICA_SETS.name:
        found = next((s for s in sight.of(REPLICA_SETS) if s["metadata"].get("uid") == owner.get("uid")), None)
        owner = (_controller(found) if found is not None else None) or owner
    return f"{owner['kind']} {owner['name']}"


def _controller(thing: Object) -> Object | None:
    owners: list[Object] = thing["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def _ready(pod: Object) -> bool:
    conditions: list[Object] = pod.get("status", {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _name(pod: Object) -> str:
    name: str = pod["metadata"]["name"]
    return name
