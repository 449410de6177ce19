"""The kind ``podDelete``: some ready pods of a workload are deleted once, as if their node had failed.

The undo log names these pods, with their UIDs, before the first one is deleted. So a repeated request deletes the same
pods and no others. The operator puts nothing back: the workload's controller creates new pods.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final

from pydantic import ConfigDict, Field

from gameday.actions.kind import ActionContext, ActionKind, PreflightContext, Use, Watch
from gameday.actions.watched_pods import ALL_PODS, SETS, are, pod_names, snapshot_of, watches_of
from gameday.actions.workload import FIELDS, KINDS, Named, Workload, changed
from gameday.actions.workload_checks import is_cut_off, not_found, pods_of
from gameday.cluster.resources import DEPLOYMENTS, PODS, REPLICA_SETS, Object, Resource
from gameday.errors import Conflict, PlanInvalid, Rejected
from gameday.model.change import Change, Observed, Presence, State
from gameday.model.finding import Finding as PlanFinding
from gameday.model.plan import Action
from gameday.model.words import counted
from gameday.preflight.findings import Finding
from gameday.preflight.impact import ready
from gameday.preflight.rights import WATCH, Right
from gameday.preflight.rollout import rolls_out
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.schema.base import MOST, cel
from gameday.schema.bounds import NAME
from gameday.schema.named import Dependencies
from gameday.schema.one_of import exactly_one

COUNTS: Final = ("pods", "percent")
"""The fields that say how many pods."""
GRACE: Final = 1
"""Seconds that a pod has to end. With 0 the API server would forget a pod whose containers still run."""


class PodDeleteSpec(Named):
    """Deletes running, ready pods of a workload once, the oldest first. The workload's controller makes new ones."""

    model_config: ClassVar[ConfigDict] = {
        "json_schema_extra": cel(exactly_one(tuple(FIELDS.values())), exactly_one(COUNTS))
    }

    pods: Annotated[int, Field(ge=1, le=MOST)] | None = None
    """How many pods to delete."""
    percent: Annotated[int, Field(ge=1, le=100)] | None = None
    """How many per cent of the ready pods to delete, rounded up."""


@dataclass(frozen=True, slots=True)
class PodDelete(Action):
    """Deletes ready pods of a workload once; exactly one of ``pods`` and ``percent`` is given."""

    KIND: ClassVar[str] = "podDelete"

    workload: Workload
    pods: int | None = None
    percent: int | None = None

    @property
    def subject(self) -> tuple[str, str]:
        """The workload."""
        return self.workload.resource.kind, self.workload.name

    @property
    def count(self) -> str:
        """The field that says how many pods."""
        return "pods" if self.pods is not None else "percent"

    def of(self, many: int) -> int:
        """How many pods are deleted where so many are ready."""
        return self.pods if self.pods is not None else -(-many * (self.percent or 0) // 100)


def _rights(resource: Resource) -> tuple[Right, ...]:
    # Every drill may list, watch and delete pods already: its own agents are pods.
    if resource is not DEPLOYMENTS:
        return (Right(resource, WATCH),)
    return Right(resource, WATCH), Right(REPLICA_SETS, WATCH, why="They say which pods are those of a Deployment.")


class PodDeleteKind(ActionKind[PodDeleteSpec, PodDelete]):
    """Pods that are deleted once. Its fuse has nothing to do: the workload's controller replaces them."""

    name = PodDelete.KIND
    description = "Delete pods of a Deployment or StatefulSet once."
    spec = PodDeleteSpec
    planned = PodDelete
    uses = frozenset({Use.FAULT})
    hits_any = True
    fuse_acts = False
    fuse_does = "end"
    objects = tuple(KINDS)
    grants = tuple(right for resource in KINDS.values() for right in _rights(resource))
    reads = (*KINDS.values(), REPLICA_SETS)

    def parse(self, spec: PodDeleteSpec, named: Dependencies) -> PodDelete:
        """See the base class."""
        if (spec.pods is None) == (spec.percent is None):
            raise PlanInvalid(((named.path, exactly_one(COUNTS)[1]),))
        return PodDelete(spec.workload(named), spec.pods, spec.percent)

    def check(self, action: PodDelete, earlier: Sequence[Action]) -> Iterator[PlanFinding]:
        """No fault before it acts on the same workload."""
        if any(one.subject == action.subject for one in earlier):
            yield PlanFinding(action.workload.field, _shared(action, "an earlier fault"))

    def preflight(self, action: PodDelete, ctx: PreflightContext) -> Iterator[Finding]:
        """The workload is there with enough ready pods, and no other fault takes them away."""
        path, snapshot = f"{ctx.path}.{action.workload.field}", ctx.snapshot
        if (missing := not_found(snapshot, path, action.workload)) is not None:
            yield missing
        else:
            if not self.rolling(action, snapshot):
                yield from _too_few_or_many(action, len(_ready(snapshot, action.workload)), ctx.path)
            yield from is_cut_off(ctx, path, action.workload, "name another workload, or remove this fault")
        for fault in ctx.plan.outage.faults:
            if fault.name != ctx.name and fault.action.subject == action.subject:
                text, _, remedy = _shared(action, f"fault {fault.name}").partition(": ")
                yield Finding("SharedWorkload", path, text, remedy)

    def hits(self, action: PodDelete, snapshot: NamespaceSnapshot) -> tuple[str, tuple[Object, ...]]:
        """The pods that would be deleted now."""
        return action.workload.field, _chosen(snapshot, action)

    def rolling(self, action: PodDelete, snapshot: NamespaceSnapshot) -> tuple[str, ...]:
        """The workload, where it is in a rollout: its pods are being replaced already."""
        resource, name = action.workload
        there = snapshot.named(resource, name)
        return (str(action.workload),) if there is not None and rolls_out(resource, there) else ()

    def rights(self, action: PodDelete, snapshot: NamespaceSnapshot) -> Iterator[Right]:
        """What a workload of this kind needs."""
        yield from _rights(action.workload.resource)

    def notes(self, action: PodDelete) -> State:
        """The names and UIDs of as many pods as it may delete."""
        return _noted((f"{number:02}".ljust(NAME, "x"), "x" * 36) for number in range(action.pods or MOST))

    def watches(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Iterator[Watch]:
        """The workload, all pods, and what stands between a Deployment and its pods until the undo log names some."""
        if (workload := _workload(action, change)) is not None:
            yield from (watch for watch in watches_of(workload) if change is None or watch.name != SETS)

    def observe(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Observed:
        """Before it is registered, which pods would be deleted; from then on, what became of these very pods.

        There is nothing to put back, so that an undo waits for no list.
        """
        workload = _workload(action, change)
        if workload is None:
            return Observed()
        if not all(ctx.cache.listed(watch.name) for watch in self.watches(ctx, name, action, change)):
            return _unseen(change) if change is not None and change.undo_requested_at is not None else Observed()
        there = ctx.cache.objects(workload.watch).get(workload.name)
        if there is None:
            gone = "was deleted by somebody else" if change is not None else f"{workload} does not exist"
            return Observed(
                Presence.GONE, workload.resource.kind, workload.name, detail=gone, shown="its workload is gone"
            )
        seen = Observed(
            Presence.ABSENT, workload.resource.kind, workload.name, uid=there["metadata"]["uid"],
            version=there["metadata"]["resourceVersion"],
        )  # fmt: skip
        if change is not None:
            return _of_change(ctx, seen, change)
        return _before(ctx, seen, action) if isinstance(action, PodDelete) else Observed()

    async def apply(self, ctx: ActionContext, action: Action, change: Change, version: str) -> None:
        """Delete the pods that the undo log names, and no other that has such a name by now."""
        for pod, uid in sorted(_pods(change).items()):
            try:
                await ctx.account.delete(PODS, ctx.namespace, pod, uid=uid, grace=GRACE)
            except Conflict:
                # A StatefulSet recreates a pod under the same name: the pod with the recorded UID is deleted.
                continue
        # The watch may be later than the engine, and a change that is not observed counts as removed by somebody.
        ctx.memo[change.name] = True

    async def revert(self, ctx: ActionContext, change: Change) -> None:
        """Do nothing: the workload's controller makes new pods.

        How long that takes is the system's recovery, which the drill measures from here on.
        """


def _too_few_or_many(action: PodDelete, many: int, path: str) -> Iterator[Finding]:
    wanted = max(1, action.of(many))
    has = f"{action.workload} has {counted(many, 'ready pod')}"
    if many < wanted:
        remedy = "wait until more are ready, or delete fewer" if many else "wait until some are ready"
        yield Finding("TooFewPods", f"{path}.{action.count}", f"{has}, but the fault is to delete {wanted}", remedy)
    elif wanted > MOST:
        text = f"{has}, and the fault would delete {wanted}, but at most {MOST} may be deleted"
        yield Finding("TooManyPods", f"{path}.{action.count}", text, "delete fewer")


def _shared(action: PodDelete, other: str) -> str:
    text = f"{other} acts on {action.workload} as well, so their effects could not be told apart"
    return f"{text}: name another workload, or remove one of them"


def _ready(snapshot: NamespaceSnapshot, workload: Workload) -> tuple[Object, ...]:
    """The ready pods of a workload, the oldest first."""
    found = (pod for pod in pods_of(snapshot, workload) if ready(pod))
    return tuple(sorted(found, key=lambda pod: (pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"])))


def _chosen(snapshot: NamespaceSnapshot, action: PodDelete) -> tuple[Object, ...]:
    own = _ready(snapshot, action.workload)
    return own[: action.of(len(own))]


def _workload(action: Action | None, change: Change | None) -> Workload | None:
    if change is not None:
        return changed(change)
    return action.workload if isinstance(action, PodDelete) else None


def _noted(pods: Iterable[tuple[str, str]]) -> State:
    return {"pods": dict(pods)}


def _pods(change: Change) -> Mapping[str, str]:
    """UIDs of the pods that a change deletes, by name.

    Raises:
        Rejected: when the undo log names none: somebody has edited it.

    """
    found: Mapping[str, str] = (change.wanted or {}).get("pods") or {}
    if not found:
        raise Rejected(
            f"the undo log does not name the pods that {change.name} deletes: somebody else changed the Drill's status"
        )
    return found


def _before(ctx: ActionContext, seen: Observed, action: PodDelete) -> Observed:
    """What is to be registered; too few ready pods, or too many to note, and nothing is begun."""
    snapshot = snapshot_of(ctx)
    many = len(_ready(snapshot, action.workload))
    wrong = next(_too_few_or_many(action, many, ""), None)
    if wrong is not None:
        return replace(seen, presence=Presence.TAMPERED, detail=wrong.message)
    chosen = [(pod["metadata"]["name"], pod["metadata"]["uid"]) for pod in _chosen(snapshot, action)]
    shown = f"{pod_names([name for name, _ in chosen])} of {action.workload.name} will be deleted"
    return replace(seen, before={"readyPods": many}, wanted=_noted(chosen), shown=shown)


def _unseen(change: Change) -> Observed:
    """The state of a change whose undo is requested and whose pods cannot be seen."""
    shown = f"the pods of {change.object_name} were not seen; its controller creates new ones for those that are gone"
    return Observed(
        Presence.ABSENT, change.object_kind, change.object_name, before=change.before, wanted=change.wanted,
        uid=change.object_uid, shown=shown, may_arrive=True,
    )  # fmt: skip


def _of_change(ctx: ActionContext, seen: Observed, change: Change) -> Observed:
    """The state of a change's pods. Once the undo is requested there is nothing to put back."""
    seen = replace(seen, before=change.before, wanted=change.wanted, may_arrive=True)
    known, named = ctx.cache.objects(ALL_PODS), (change.wanted or {}).get("pods") or {}
    left = [name for name in sorted(named) if known.get(name, {}).get("metadata", {}).get("uid") == named[name]]
    intact = [name for name in left if "deletionTimestamp" not in known[name]["metadata"]]
    asked = ctx.memo.get(change.name, False)
    if not change.touched:
        lost = [name for name in sorted(named) if name not in intact]
        if not lost:
            return seen
        detail = f"lost {pod_names(lost)}, which this drill was about to delete"
        return replace(seen, presence=Presence.TAMPERED, detail=detail)
    if len(intact) == len(named) and not asked:
        return replace(seen, shown=f"no pod of {change.object_name} was deleted")
    if change.undo_requested_at is not None:
        stay = "stays" if len(named) == 1 else "stay"
        new = f"the controller of {change.object_name} creates new ones"
        return replace(seen, shown=f"{pod_names(sorted(named))} {stay} gone: {new}")
    if left:
        shown = f"{pod_names(left)} of {change.object_name} {are(len(left))} not deleted yet"
        presence = Presence.DRIFTED if intact and not asked else Presence.PRESENT
        return replace(seen, presence=presence, shown=shown, settled=False)
    every = sorted(named)
    return replace(
        seen, presence=Presence.PRESENT, shown=f"{pod_names(every)} of {change.object_name} {are(len(every))} gone"
    )
