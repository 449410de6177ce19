"""How much of each workload some pods are, for the administrator's limits.

A workload is what controls a pod: its Deployment, StatefulSet, DaemonSet, Job or whatever else owns it; a pod that
nothing controls is one of its own. Its share is that of its ready pods; where none is ready, of all that run.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from gameday.cluster.resources import PODS, REPLICA_SETS, Object
from gameday.model.labels import is_ours
from gameday.model.limits import WorkloadImpact
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of


class Hit(NamedTuple):
    """The pods that a fault hits; ``any_of_workload`` says that it may be as many others of the same workload."""

    pods: Sequence[Object]
    any_of_workload: bool = False


def workload_impacts(
    snapshot: NamespaceSnapshot, hits: Mapping[str, Hit]
) -> Iterator[tuple[tuple[str, ...], WorkloadImpact]]:
    """How much of each workload all faults hit together, behind the paths of those that hit it.

    A pod that several select counts once. Where only the number is known, the pods count as ready ones that no other
    fault selects: a limit holds whichever they are.
    """
    named = {path: _names(hit.pods) for path, hit in hits.items()}
    workloads: dict[str, list[Object]] = {}
    for pod in running(snapshot):
        workloads.setdefault(workload(snapshot, pod), []).append(pod)
    for name, pods in sorted(workloads.items()):
        every = _names(pods)
        counted = _names(pod for pod in pods if ready(pod)) or every
        known = {path: names & counted for path, names in named.items() if not hits[path].any_of_workload}
        others = {path: names & every for path, names in named.items() if hits[path].any_of_workload}
        cut = len(set().union(*known.values())) + sum(map(len, others.values()))
        if cut:
            paths = tuple(path for path in hits if known.get(path) or others.get(path))
            yield paths, WorkloadImpact(name, min(cut, len(counted)), len(counted))


def running(snapshot: NamespaceSnapshot) -> Iterator[Object]:
    """The namespace's pods that run and are not ending, without ours."""
    for pod in snapshot.of(PODS):
        runs = pod.get("status", {}).get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
        if runs and not is_ours(labels_of(pod)):
            yield pod


def workload(snapshot: NamespaceSnapshot, pod: Object) -> str:
    """What controls a pod, as ``Deployment api``."""
    owner = controller_of(pod)
    if owner is None:
        return f"Pod {_name(pod)}"
    if owner["kind"] == REPLICA_SETS.kind:
        found = next((s for s in snapshot.of(REPLICA_SETS) if s["metadata"].get("uid") == owner.get("uid")), None)
        owner = (controller_of(found) if found is not None else None) or owner
    return f"{owner['kind']} {owner['name']}"


def controller_of(thing: Object) -> Object | None:
    """The owner of an object that controls it, as its ownerReferences name it."""
    owners: list[Object] = thing["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def ready(pod: Object) -> bool:
    """Whether a pod is ready."""
    conditions: list[Object] = pod.get("status", {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _names(pods: Iterable[Object]) -> set[str]:
    return {_name(pod) for pod in pods}


def _name(pod: Object) -> str:
    name: str = pod["metadata"]["name"]
    return name
