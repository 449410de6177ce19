"""The pods of a workload as a drill's watches have them, for kinds that delete or evict pods."""

from collections.abc import Iterator, Sequence
from typing import Final

from gameday.actions.kind import ActionContext, Watch
from gameday.actions.workload import Workload
from gameday.cluster.resources import DEPLOYMENTS, PODS, REPLICA_SETS
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


def sight_of(ctx: ActionContext) -> NamespaceSnapshot:
    """What the watches have seen, as the preflight would see it."""
    watches = {PODS.plural: ALL_PODS, REPLICA_SETS.plural: SETS}
    return NamespaceSnapshot(
        ctx.namespace, {plural: tuple(ctx.cache.objects(own).values()) for plural, own in watches.items()}
    )


def pod_names(pods: Sequence[str]) -> str:
    """Pods in a sentence."""
    more = [f"{len(pods) - NAMED} more"] if len(pods) > NAMED else []
    return listed([*pods[:NAMED], *more])


def are(many: int) -> str:
    """The verb for so many pods."""
    return "is" if many == 1 else "are"
