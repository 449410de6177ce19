"""The pods of a workload as a drill's watches have them, for kinds that delete or evict pods, or wait for their end."""

from collections.abc import Iterator, Sequence
from typing import Final

from gameday.actions.kind import ActionContext, Watch
from gameday.actions.workload import Workload
from gameday.cluster.resources import DEPLOYMENTS, PODS, REPLICA_SETS, Object
from gameday.preflight.impact import workload as workload_of
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.schema.one_of import listed

ALL_PODS: Final = "workload/pods"
"""The watch of the namespace's pods. It selects no labels: a pod that loses one would seem to be gone."""
SETS: Final = "workload/replicasets"
"""The watch of the ReplicaSets, which say whose pods are those of a Deployment."""
NAMED: Final = 3
"""Pods that a sentence names."""


def watches_of(workload: Workload) -> Iterator[Watch]:
    """The workload, all pods, and what stands between a Deployment and its pods."""
    yield Watch(workload.watch, workload.resource, fields=f"metadata.name={workload.name}")
    yield Watch(ALL_PODS, PODS)
    if workload.resource is DEPLOYMENTS:
        yield Watch(SETS, REPLICA_SETS)


def snapshot_of(ctx: ActionContext) -> NamespaceSnapshot:
    """What the watches have seen, as the preflight would see it."""
    watches = {PODS.plural: ALL_PODS, REPLICA_SETS.plural: SETS}
    return NamespaceSnapshot(
        ctx.namespace, {plural: tuple(ctx.cache.objects(own).values()) for plural, own in watches.items()}
    )


def seen_left(ctx: ActionContext, workload: Workload) -> int | None:
    """How many pods of a workload have not ended, those that are ending included; None while that is not known."""
    if not all(ctx.cache.listed(watch.name) for watch in watches_of(workload)):
        return None
    snapshot = snapshot_of(ctx)
    return sum(not _has_ended(pod) and _may_be_of(snapshot, workload, pod) for pod in snapshot.of(PODS))


def _has_ended(pod: Object) -> bool:
    """Whether none of its containers runs any more, or will."""
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}


def _may_be_of(snapshot: NamespaceSnapshot, workload: Workload, pod: Object) -> bool:
    """Whether a pod is one of a workload's, or may be.

    An old ReplicaSet may be deleted while its last pods are ending. The name of such a ReplicaSet still says of which
    Deployment it was: the Deployment's name, and a hash behind it.
    """
    controller = workload_of(snapshot, pod)
    kind, _, name = controller.partition(" ")
    if controller == str(workload) or workload.resource is not DEPLOYMENTS or kind != REPLICA_SETS.kind:
        return controller == str(workload)
    there = any(one["metadata"]["name"] == name for one in snapshot.of(REPLICA_SETS))
    return not there and name.rpartition("-")[0] == workload.name


def pod_names(pods: Sequence[str]) -> str:
    """Pods in a sentence."""
    more = [f"{len(pods) - NAMED} more"] if len(pods) > NAMED else []
    return listed([*pods[:NAMED], *more])


def are(many: int) -> str:
    """The verb for so many pods."""
    return "is" if many == 1 else "are"
