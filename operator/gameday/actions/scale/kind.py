"""Scaling a workload, there and back: the exact number, on the version of the object that was read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, NamedTuple

from pydantic import Field

from gameday.actions.kind import ActionContext, ActionKind, AgentPod, PreflightContext, Use, Watch
from gameday.actions.scale import ends, owners
from gameday.actions.watched_pods import seen_left, watch_of, watches_of
from gameday.actions.workload import KINDS, Named, Workload, changed
from gameday.actions.workload_checks import READS, is_cut_off, not_found, planned_of, pods_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import AUTOSCALERS, DEPLOYMENTS, REPLICA_SETS, SCALED_OBJECTS, Object, Resource
from gameday.errors import NotFound
from gameday.model.agent import FuseConfig
from gameday.model.change import Change, Observed, Presence
from gameday.model.finding import Finding as PlanFinding
from gameday.model.plan import Action
from gameday.model.words import counted
from gameday.preflight import agent_egress
from gameday.preflight.findings import Finding
from gameday.preflight.rights import WATCH, Right
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.schema.named import Dependencies


class ScaleSpec(Named):
    """Sets a workload's replicas. The exact number before comes back, whatever dies."""

    replicas: Annotated[int, Field(ge=0, le=1000)]
    """Replicas to set."""


@dataclass(frozen=True, slots=True)
class Scale(Action):
    """Sets a workload's replicas; the exact number before is put back by a restore step or at the end."""

    KIND: ClassVar[str] = "scale"

    workload: Workload
    replicas: int

    @property
    def subject(self) -> tuple[str, str]:
        """The workload."""
        return self.workload.resource.kind, self.workload.name

    @property
    def proven_within(self) -> float:
        """Longer than usual: pods that are scaled away have their grace period to end."""
        return ends.PROVEN_WITHIN


async def scale(
    account: Cluster, namespace: str, workload: Workload, replicas: int, version: str, uid: str | None = None
) -> None:
    """Set the replicas where ``version`` is still the workload's; one that is gone holds nothing any more.

    With ``uid``, where it is known, only that very workload is scaled.

    Raises:
        Conflict: when the workload changed in between, or is another one; the caller looks again.

    """
    metadata = {"resourceVersion": version} | ({"uid": uid} if uid is not None else {})
    body = {"metadata": metadata, "spec": {"replicas": replicas}}
    try:
        await account.patch(workload.resource, namespace, workload.name, body, "scale")
    except NotFound:
        return


async def put_back(
    account: Cluster, namespace: str, workload: Workload, before: int, wanted: int, uid: str | None = None
) -> None:
    """Set the number from before where the newest one is ours, ``wanted``; any other is somebody else's, and stays.

    So does another workload of the same name, where it is known that ``uid`` is the UID of the one that was scaled.

    Raises:
        Conflict: when the workload changed in between; the caller looks again.

    """
    current = await account.get(workload.resource, namespace, workload.name, "scale")
    if current is None or (uid is not None and current["metadata"].get("uid") != uid):
        return
    if current["spec"].get("replicas", 0) == wanted:
        await scale(account, namespace, workload, before, current["metadata"]["resourceVersion"], uid)


def _rights(resource: Resource) -> tuple[Right, ...]:
    # Every drill may list and watch pods already: its own agents are pods.
    return (*_of_scale(resource), *_of_pods(resource))


def _of_pods(resource: Resource) -> tuple[Right, ...]:
    if resource is not DEPLOYMENTS:
        return ()
    return (Right(REPLICA_SETS, WATCH, why="They say which pods are those of a Deployment: all must have ended."),)


def _of_scale(resource: Resource) -> tuple[Right, ...]:
    why = f"Not the {resource.kind}s themselves: whoever can change those can run anything."
    return Right(resource, WATCH), Right(resource, ("get", "patch"), "scale", why=why)


class ScaleKind(ActionKind[ScaleSpec, Scale]):
    """A workload at another number of replicas."""

    name = Scale.KIND
    description = "Scale a Deployment or StatefulSet."
    spec = ScaleSpec
    planned = Scale
    uses = frozenset({Use.FAULT, Use.STEP})
    hits_any = True
    fuse_acts = True
    fuse_does = "put replicas back"
    objects = tuple(KINDS)
    grants = tuple(right for resource in KINDS.values() for right in _rights(resource))
    reads = (*READS, AUTOSCALERS, SCALED_OBJECTS)

    def parse(self, spec: ScaleSpec, named: Dependencies) -> Scale:
        """See the base class."""
        return Scale(spec.workload(named), spec.replicas)

    def check(self, action: Scale, earlier: Sequence[Action]) -> Iterator[PlanFinding]:
        """A workload is scaled once: a second number from before would be that of the first step."""
        if any(isinstance(one, Scale) and one.workload == action.workload for one in earlier):
            text = f"{action.workload.name} is scaled twice: remove this one, or use restore in a step"
            yield PlanFinding(action.workload.field, text)

    def preflight(self, action: Scale, ctx: PreflightContext) -> Iterator[Finding]:
        """What keeps the workload from being scaled, who else scales it, and what its fuse cannot reach."""
        path = f"{ctx.path}.{action.workload.field}"
        if (missing := not_found(ctx.snapshot, path, action.workload)) is not None:
            yield missing
        else:
            yield from owners.check(ctx.snapshot, path, action.workload, action.replicas)
            yield from ends.check(ctx, path, action.workload, action.replicas)
            yield from is_cut_off(ctx, path, action.workload, "scale another workload, or remove this fault")
        scaled = [name for name, one in ctx.plan.actions() if isinstance(one, Scale)]
        if ctx.name == scaled[0]:
            # All fuses are alike to policies, so one finding says it for all.
            yield from agent_egress.of_api_server(ctx.snapshot, ctx.path, "nothing could be scaled")

    def hits(self, action: Scale, snapshot: NamespaceSnapshot) -> tuple[str, tuple[Object, ...]]:
        """As many pods of the workload as are to go."""
        own = pods_of(snapshot, action.workload)
        return action.workload.field, own[: max(0, len(own) - action.replicas)]

    def placed_like(self, action: Scale, snapshot: NamespaceSnapshot) -> tuple[Object, ...]:
        """The pods of the workload; if it has no pod, one as its template describes it."""
        return pods_of(snapshot, action.workload) or planned_of(snapshot, action.workload)

    def rights(self, action: Scale, snapshot: NamespaceSnapshot) -> Iterator[Right]:
        """What scaling a workload of this kind needs."""
        yield from _rights(action.workload.resource)

    def registers(self, action: Scale, snapshot: NamespaceSnapshot) -> Observed:
        """The workload as it is now."""
        there = snapshot.named(action.workload.resource, action.workload.name)
        return observed(action.workload, there, action.replicas, None, None)

    def fuse_pod(self, change: Change, namespace: str, lasts: float, ends_after: float) -> AgentPod:
        """The fuse sets the number from before."""
        config = FuseConfig(
            workload=change.object_name,
            kind=change.object_kind,
            namespace=namespace,
            replicas=(change.before or {}).get("replicas", 0),
            wanted=(change.wanted or {}).get("replicas"),
            uid=change.object_uid or "",
            lasts=lasts,
            ends_after=ends_after,
        )
        return AgentPod("fuse", "fuse", config)

    def watches(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Iterator[Watch]:
        """The workload and its pods; the workload alone once the undo is requested, which waits for no pod's end."""
        if (workload := _workload(action, change)) is None:
            return
        if change is not None and change.undo_requested_at is not None:
            yield watch_of(workload)
        else:
            yield from watches_of(workload)

    def observe(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Observed:
        """How the workload stands; nothing is known before a change whose effect could not be seen."""
        workload = _workload(action, change)
        if workload is None or not ctx.cache.listed(workload.watch):
            return Observed()
        left = seen_left(ctx, workload)
        if left is None and (change is None or not change.touched):
            return Observed()
        there = ctx.cache.objects(workload.watch).get(workload.name)
        return observed(workload, there, _wanted(action, change), change, left)

    async def apply(self, ctx: ActionContext, action: Action, change: Change, version: str) -> None:
        """Scale the workload, then read it: otherwise a controller that scales back at once would never be noticed."""
        wanted = (change.wanted or {})["replicas"]
        await scale(ctx.account, ctx.namespace, changed(change), wanted, version, change.object_uid)
        await self.read(ctx, action, change)

    async def revert(self, ctx: ActionContext, change: Change) -> None:
        """Scale back, where the number is still the one that was set; where that is not known, to the one before."""
        before = (change.before or {})["replicas"]
        if change.wanted is None:
            await scale(ctx.account, ctx.namespace, changed(change), before, "", change.object_uid)
        else:
            wanted = change.wanted["replicas"]
            await put_back(ctx.account, ctx.namespace, changed(change), before, wanted, change.object_uid)

    async def read(self, ctx: ActionContext, action: Action | None, change: Change) -> Observed:
        """How the workload stands at this moment; it is known from then on."""
        workload = changed(change)
        found, _ = await ctx.account.list(workload.resource, ctx.namespace, fields=f"metadata.name={workload.name}")
        for there in found:
            ctx.cache.upsert(workload.watch, there)
        left = seen_left(ctx, workload)
        return observed(workload, next(iter(found), None), _wanted(action, change), change, left)


def _workload(action: Action | None, change: Change | None) -> Workload | None:
    if change is not None:
        return changed(change)
    return action.workload if isinstance(action, Scale) else None


def observed(
    workload: Workload, there: Object | None, wanted: int | None, change: Change | None, left: int | None
) -> Observed:
    """How a workload stands that is, or is to be, at ``wanted``; None where the number is not known any more.

    ``left`` is how many of its pods have not ended, None while nobody knows. The status of a Deployment leaves out pods
    that are ending, which work on for as long as their grace period lasts. So only the pods themselves show that they
    are gone, and pods that cannot be seen do not count as gone.

    KEDA, an HPA, a GitOps controller or a person may set its number at any moment: a drill never fights for it.
    """
    name = workload.name
    if there is None:
        gone = "was deleted by somebody else" if change is not None else f"{workload} does not exist"
        return Observed(Presence.GONE, workload.resource.kind, name, detail=gone, shown="its workload is gone")
    uid = there["metadata"].get("uid")
    if change is not None and change.object_uid is not None and uid != change.object_uid:
        gone, shown = "was deleted by somebody else, who created another one of its name", "its workload is gone"
        shown = f"{shown}; another {workload}, which was created since, is left alone"
        return Observed(Presence.GONE, workload.resource.kind, name, detail=gone, shown=shown)
    stands = _stands(there)
    before = change.before["replicas"] if change is not None and change.before else stands.replicas
    ready = stands.ready >= stands.replicas
    # Once the undo is requested only the workload is watched, and pods that are still ending hold up nothing.
    undoing = change is not None and change.undo_requested_at is not None
    ended = stands.pods == stands.ready == stands.replicas and left is not None and left <= stands.replicas
    seen = Observed(
        _presence(stands.replicas, before, wanted),
        workload.resource.kind,
        name,
        before={"replicas": stands.replicas},
        wanted={"replicas": wanted},
        # An entry of an earlier version names no UID, and what is seen must be the object of its entry.
        uid=uid if change is None else change.object_uid,
        version=there["metadata"].get("resourceVersion", ""),
        detail=f"is at {stands.replicas}: KEDA, an HPA, GitOps or a person changes its replicas",
        shown=f"{name} is at {_replicas(stands.replicas)}",
        settled=ready if undoing else ended,
        followed=stands.pods >= 0 and left is not None,
        may_arrive=True,
    )
    there_are = max(stands.pods, left or 0)
    if wanted == stands.replicas == 0 and there_are > 0:
        again = f"has {counted(there_are, 'pod')} again: KEDA, an HPA, GitOps or a person scaled it meanwhile"
        seen = replace(seen, relapsed=again)
    if change is None:
        return replace(seen, shown=f"{name} from {stands.replicas} to {_replicas(wanted)}")
    if seen.presence is Presence.PRESENT:
        seen = replace(seen, carried_out=_followed(stands, before))
    if seen.presence is Presence.ABSENT:
        # It is back with as many pods as it wants, whatever else of it is still ending.
        return replace(seen, shown=f"{name} is back at {_replicas(before)}", settled=ready)
    if seen.presence is Presence.TAMPERED:
        text = f"{name} stays at {_replicas(stands.replicas)}, which somebody else set; before the drill it had"
        return replace(seen, shown=f"{text} {before}")
    if left is not None and left > stands.replicas:
        extra = left - stands.replicas
        pods = counted(extra, "more pod" if stands.replicas else "pod")
        return replace(seen, shown=f"{seen.shown}, and {pods} of it {'has' if extra == 1 else 'have'} not ended")
    return seen


def _presence(replicas: int, before: int, wanted: int | None) -> Presence:
    if replicas == wanted:
        return Presence.PRESENT
    if replicas == before:
        return Presence.ABSENT
    return Presence.TAMPERED if wanted is not None else Presence.PRESENT


def _wanted(action: Action | None, change: Change | None) -> int | None:
    if change is not None:
        return change.wanted["replicas"] if change.wanted else None
    return action.replicas if isinstance(action, Scale) else None


class _Stands(NamedTuple):
    """Replicas that are wanted; pods that are ready and that are there, -1 while its controller is behind."""

    replicas: int
    ready: int
    pods: int


def _followed(stands: _Stands, before: int) -> bool:
    """Whether pods surely followed a change of the number: one more is ready, or those that are too many are deleted.

    The number alone helps nobody: there may be no room for another pod.
    """
    return stands.ready > before if stands.replicas > before else 0 <= stands.pods <= stands.replicas


def _stands(workload: Object) -> _Stands:
    status = workload.get("status", {})
    behind = status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0)
    replicas = workload["spec"].get("replicas", 1)
    ready, pods = status.get("readyReplicas", 0), status.get("replicas", 0)
    return _Stands(replicas, -1, -1) if behind else _Stands(replicas, ready, pods)


def _replicas(many: int | None) -> str:
    return "a number of replicas that is not known" if many is None else counted(many, "replica")
