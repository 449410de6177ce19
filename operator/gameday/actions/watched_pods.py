"""The pods of a workload as a drill's watches have them, for kinds that delete or evict pods, or wait for their end."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from gameday.actions.kind import ActionContext, Watch
from gameday.actions.workload import Workload
from gameday.cluster.pod_status import has_ended
from gameday.cluster.resources import DEPLOYMENTS, PODS, REPLICA_SETS, Object
from gameday.preflight.impact import controller_of
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.schema.one_of import listed

ALL_PODS: Final = "workload/pods"
"""The watch of the namespace's pods. It selects no labels: a pod that loses one would seem to be gone."""
SETS: Final = "workload/replicasets"
"""The watch of the ReplicaSets, which say whose pods are those of a Deployment."""
NAMED: Final = 3
"""Pods that a sentence names."""


def watches_of(workload: Workload) -> Iterator[Watch]:
    """The workload, all pods, and what stands between a Deployment and its pods; whoever reads them asks ``listed``."""
    yield watch_of(workload)
    yield Watch(ALL_PODS, PODS, blocks=False)
    if workload.resource is DEPLOYMENTS:
        yield Watch(SETS, REPLICA_SETS, blocks=False)


def watch_of(workload: Workload) -> Watch:
    """The workload alone."""
    return Watch(workload.watch, workload.resource, fields=f"metadata.name={workload.name}", blocks=False)


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
    sets = by_uid(ctx.cache.objects(SETS).values())
    return sum(not has_ended(pod) and may_be_of(sets, workload, pod) for pod in ctx.cache.objects(ALL_PODS).values())


def by_uid(things: Iterable[Object]) -> dict[str, Object]:
    """Objects by their UIDs."""
    return {one["metadata"]["uid"]: one for one in things if "uid" in one["metadata"]}


def may_be_of(sets: Mapping[str, Object], workload: Workload, pod: Object) -> bool:
    """Whether a pod is one of a workload's, or may be; ``sets`` are the ReplicaSets by their UIDs.

    An old ReplicaSet may be deleted while its last pods are ending. The name of such a ReplicaSet still says of which
    Deployment it was: the Deployment's name, and a hash behind it.
    """
    owner = controller_of(pod)
    if owner is not None and workload.resource is DEPLOYMENTS and owner["kind"] == REPLICA_SETS.kind:
        if (found := sets.get(owner.get("uid", ""))) is None:
            return str(owner["name"]).rpartition("-")[0] == workload.name
        owner = controller_of(found)
    return owner is not None and f"{owner['kind']} {owner['name']}" == str(workload)


def pod_names(pods: Sequence[str]) -> str:
    """Pods in a sentence."""
    more = [f"{len(pods) - NAMED} more"] if len(pods) > NAMED else []
    return listed([*pods[:NAMED], *more])


def are(many: int) -> str:
    """The verb for so many pods."""
    return "is" if many == 1 else "are"
