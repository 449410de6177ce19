"""The kind ``restart``: the pods of a workload are evicted one after another, each once the one before it is replaced.

The Drill's status names these pods, with their UIDs, before the first one is evicted. So a later process continues with
the same pods, and evicts none of the new ones. Pods are evicted, not deleted: the API server rejects an eviction that a
PodDisruptionBudget does not allow, and the request is repeated until the step's time is over.

Pods that are not ready are evicted first, because restarts are for workloads that hang. So an eviction waits only for
new pods to become ready. A StatefulSet's new pod has the same name and another UID.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final, NamedTuple

from gameday.actions.kind import ActionContext, PreflightContext, RunKind, Use, Watch
from gameday.actions.watched_pods import ALL_PODS, are, pod_names, snapshot_of, watches_of
from gameday.actions.workload import KINDS, Named, Workload
from gameday.actions.workload_checks import is_cut_off, not_found, pods_of
from gameday.cluster.resources import BUDGETS, DEPLOYMENTS, PODS, REPLICA_SETS, Object, Resource
from gameday.errors import Rejected
from gameday.model.change import Ran, RunState, State
from gameday.model.finding import Finding as PlanFinding
from gameday.model.plan import Action
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.impact import ready
from gameday.preflight.policies.selectors import selects
from gameday.preflight.rights import WATCH, Right
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of
from gameday.schema.base import MOST
from gameday.schema.bounds import NAME
from gameday.schema.named import Dependencies

UNPROTECTED: Final = "AlwaysAllow"
"""The unhealthyPodEvictionPolicy of a PodDisruptionBudget that protects no pod which is not ready."""


class RestartSpec(Named):
    """Evicts the running pods of a workload one after another, and waits until each has a ready replacement."""


@dataclass(frozen=True, slots=True)
class Restart(Action):
    """Evicts a workload's pods one after another; what was evicted does not come back."""

    KIND: ClassVar[str] = "restart"
    REVERSIBLE: ClassVar[bool] = False

    workload: Workload

    @property
    def subject(self) -> tuple[str, str]:
        """The workload."""
        return self.workload.resource.kind, self.workload.name


def _rights(resource: Resource) -> tuple[Right, ...]:
    evicts = Right(PODS, ("create",), "eviction", why="As kubectl drain does: PodDisruptionBudgets may refuse.")
    if resource is not DEPLOYMENTS:
        return evicts, Right(resource, WATCH)
    return (
        evicts,
        Right(resource, WATCH),
        Right(REPLICA_SETS, WATCH, why="They say which pods are those of a Deployment."),
    )


class RestartKind(RunKind[RestartSpec, Restart]):
    """Pods that are evicted one after another. There is nothing to put back, so it has no fuse."""

    name = Restart.KIND
    description = "Restart a Deployment or StatefulSet: evict its pods one after another."
    spec = RestartSpec
    planned = Restart
    uses = frozenset({Use.STEP})
    rules = (("!has(self.restart) || self.irreversible", "a restart cannot be undone: write irreversible: true"),)
    grants = tuple(dict.fromkeys(right for resource in KINDS.values() for right in _rights(resource)))
    reads = (*KINDS.values(), REPLICA_SETS, BUDGETS)

    def parse(self, spec: RestartSpec, named: Dependencies) -> Restart:
        """See the base class."""
        return Restart(spec.workload(named))

    def check(self, action: Restart, earlier: Sequence[Action]) -> Iterator[PlanFinding]:
        """No earlier step has the workload at another number of pods: there may be none to evict."""
        held: list[Action] = []
        for one in earlier:
            held = [known for known in held if (known.KIND, known.subject) != (one.REVERTS, one.subject)]
            if one.REVERSIBLE and not one.REVERTS and one.subject == action.subject:
                held.append(one)
        if held:
            text = f"an earlier step ({held[0].KIND}) holds {action.workload.name}: restore it before its restart"
            yield PlanFinding(action.workload.field, text)

    def preflight(self, action: Restart, ctx: PreflightContext) -> Iterator[Finding]:
        """The workload is there, and PodDisruptionBudgets let its pods be evicted."""
        path, snapshot = f"{ctx.path}.{action.workload.field}", ctx.snapshot
        if (missing := not_found(snapshot, path, action.workload)) is not None:
            yield missing
            return
        yield from is_cut_off(ctx, path, action.workload, "restart it in the rollback, or remove this step")
        own = pods_of(snapshot, action.workload)
        if len(own) > MOST:
            text = f"{action.workload} has {len(own)} pods, and at most {MOST} can be evicted in one step"
            yield Finding("TooManyPods", path, text, "restart a smaller workload, or remove this entry")
        yield from _budgets(snapshot, path, action.workload, own)

    def rights(self, action: Restart, snapshot: NamespaceSnapshot) -> Iterator[Right]:
        """What a workload of this kind needs."""
        yield from _rights(action.workload.resource)

    def notes(self, action: Restart) -> State | None:
        """The names and UIDs of as many pods as it may evict."""
        return {"pods": {f"{number:02}".ljust(NAME, "x"): "x" * 36 for number in range(MOST)}}

    def watches(self, ctx: ActionContext, name: str, action: Action) -> Iterator[Watch]:
        """The workload and its pods."""
        if isinstance(action, Restart):
            yield from watches_of(action.workload)

    def ran(self, ctx: ActionContext, name: str, action: Action, noted: State | None) -> Ran:
        """How many of the noted pods are replaced, and whether the next one may go."""
        if not isinstance(action, Restart):
            return Ran(RunState.FAILED, shown="the plan has another action: somebody else changed the Drill's status")
        if not all(ctx.cache.listed(watch.name) for watch in watches_of(action.workload)):
            return Ran(RunState.UNKNOWN, shown=f"{action.workload} was not read yet")
        there = ctx.cache.objects(action.workload.watch).get(action.workload.name)
        if there is None:
            return Ran(RunState.FAILED, shown=f"{action.workload} was deleted by somebody else")
        if noted is None:
            return _before(pods_of(snapshot_of(ctx), action.workload), action.workload)
        return _under_way(action.workload, _progress(ctx, name, action.workload, there, noted["pods"]))

    async def run(self, ctx: ActionContext, name: str, action: Action, noted: State | None) -> None:
        """Have the next noted pod evicted, unless its turn has not come: another pod of its name is spared.

        Raises:
            Rejected: when it was not noted which pods are to go.
            TooManyRequests: when a PodDisruptionBudget does not allow it now.

        """
        if not isinstance(action, Restart) or noted is None:
            raise Rejected(f"step {name} does not name the pods to evict: somebody else changed the Drill's status")
        if self.ran(ctx, name, action, noted).state is not RunState.NEXT:
            return
        there = ctx.cache.objects(action.workload.watch)[action.workload.name]
        pod = _progress(ctx, name, action.workload, there, noted["pods"]).intact[0]
        if await ctx.account.evict(ctx.namespace, pod, uid=noted["pods"][pod]):
            # The watch may be later than the next observation, which must not evict another pod.
            ctx.memo.setdefault(name, set()).add(noted["pods"][pod])


class _Progress(NamedTuple):
    """``intact`` pods are to be evicted, in this order; ``ending`` ones are, and are still there.

    ``gone`` counts the noted pods that were evicted or are lost otherwise, ``replaced`` the new pods that are ready,
    ``due`` how many of these there must be before the next one goes.
    """

    intact: tuple[str, ...]
    ending: tuple[str, ...]
    gone: int
    replaced: int
    due: int


def _before(own: Sequence[Object], workload: Workload) -> Ran:
    if not own:
        return Ran(RunState.FAILED, shown=f"no pod of {workload} runs, so there is none to restart")
    if len(own) > MOST:
        return Ran(RunState.FAILED, shown=f"{workload} has {len(own)} pods by now, and at most {MOST} can be evicted")
    pods = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in own}
    shown = f"{pod_names(sorted(pods))} of {workload.name} {are(len(pods))} to be evicted, one after another"
    return Ran(RunState.ABSENT, {"pods": pods}, shown)


def _progress(ctx: ActionContext, name: str, workload: Workload, there: Object, pods: Mapping[str, str]) -> _Progress:
    known = ctx.cache.objects(ALL_PODS)
    evicted = ctx.memo.get(name, set())
    left = {pod: known[pod] for pod, uid in pods.items() if known.get(pod, {}).get("metadata", {}).get("uid") == uid}
    waiting = [pod for pod, one in left.items() if not _is_ending(one) and pods[pod] not in evicted]
    intact = sorted(waiting, key=lambda pod: (ready(left[pod]), pod))
    own = pods_of(snapshot_of(ctx), workload)
    replaced = sum(ready(pod) and pod["metadata"]["uid"] not in pods.values() for pod in own)
    gone = len(pods) - len(intact)
    # Somebody may have scaled it down meanwhile: then not every pod gets a replacement.
    due = min(gone, there["spec"].get("replicas", 1))
    return _Progress(tuple(intact), tuple(sorted(left.keys() - intact)), gone, replaced, due)


def _under_way(workload: Workload, stands: _Progress) -> Ran:
    return replace(_how_far(workload, stands), carried_out=stands.gone > 0)


def _how_far(workload: Workload, stands: _Progress) -> Ran:
    every = stands.gone + len(stands.intact)
    if stands.replaced < stands.due:
        shown = f"{stands.gone} of {every} pods of {workload.name} {are(stands.gone)} evicted, and not all replacements"
        return Ran(RunState.RUNNING, shown=f"{shown} are ready: {stands.replaced} of {stands.due}")
    if stands.intact:
        return Ran(RunState.NEXT, shown=f"{stands.gone} of {every} pods of {workload.name} {are(stands.gone)} replaced")
    if stands.ending:
        return Ran(RunState.RUNNING, shown=f"{pod_names(stands.ending)} of {workload.name} still ends")
    return Ran(RunState.DONE, shown=f"{every} pods of {workload.name} were evicted, and replacements are ready")


def _is_ending(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _budgets(snapshot: NamespaceSnapshot, path: str, workload: Workload, own: Sequence[Object]) -> Iterator[Finding]:
    """What PodDisruptionBudgets would say; the eviction API knows one for each pod."""
    of_pods = [
        budget
        for budget in snapshot.of(BUDGETS)
        if any(selects(budget["spec"].get("selector"), labels_of(pod)) for pod in own)
    ]
    if any(sum(selects(b["spec"].get("selector"), labels_of(pod)) for b in of_pods) > 1 for pod in own):
        names = ", ".join(sorted(budget["metadata"]["name"] for budget in of_pods))
        text = f"pods of {workload} have more than one PodDisruptionBudget ({names}), so none can be evicted"
        yield Finding("SeveralBudgets", path, text, "leave one of them")
    for budget in of_pods:
        name, status = budget["metadata"]["name"], budget.get("status", {})
        healthy, pods = status.get("currentHealthy", 0), status.get("expectedPods", 0)
        if pods and healthy >= pods and status.get("disruptionsAllowed", 0) == 0:
            text = f"PodDisruptionBudget {name} lets no pod of {workload} be evicted although all {pods} are ready"
            yield Finding("BudgetAllowsNone", path, text, "have it allow one, or remove this entry")
        elif budget["spec"].get("unhealthyPodEvictionPolicy") != UNPROTECTED:
            text = f"PodDisruptionBudget {name} may keep pods of {workload} that are not ready from being evicted"
            remedy = f"set its unhealthyPodEvictionPolicy to {UNPROTECTED} if the restart is to end that"
            yield Finding("BudgetProtectsUnready", path, text, remedy, Severity.WARN)
