"""The kind ``noEvictions``: a PodDisruptionBudget lets nobody evict some pods, as an upgrade of the nodes would."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from pydantic import Field

from gameday.actions.kind import ActionContext, ActionKind, PreflightContext, Use, Watch
from gameday.cluster.resources import JOBS, Object, Resource
from gameday.errors import AlreadyExists, Rejected
from gameday.model import names
from gameday.model.change import Change, Observed, Presence
from gameday.model.finding import Finding as PlanFinding
from gameday.model.labels import DRILL, ownership_labels
from gameday.model.plan import Action
from gameday.preflight.findings import Finding
from gameday.preflight.rights import WATCH, WRITE, Right
from gameday.schema.base import MOST, ApiModel
from gameday.schema.named import Dependencies

BUDGETS: Final = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")


class NoEvictionsSpec(ApiModel):
    """Lets nobody evict the pods that have some labels."""

    match_labels: Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(min_length=1, max_length=MOST)]
    """Labels that the pods have."""


@dataclass(frozen=True, slots=True)
class NoEvictions(Action):
    """Lets nobody evict the pods that have some labels."""

    KIND: ClassVar[str] = "noEvictions"

    match_labels: Mapping[str, str]


class NoEvictionsKind(ActionKind[NoEvictionsSpec, NoEvictions]):
    """A budget that allows no eviction. Its fuse owns it, and takes it away by its own end."""

    name = NoEvictions.KIND
    description = "Let nobody evict some pods."
    spec = NoEvictionsSpec
    planned = NoEvictions
    uses = frozenset({Use.FAULT})
    fuse_acts = False
    objects = ("PodDisruptionBudget",)
    grants = (Right(BUDGETS, ("get", *WATCH, *WRITE), why="Budgets that allow no eviction."),)
    reads = (BUDGETS,)

    def parse(self, spec: NoEvictionsSpec, named: Dependencies) -> NoEvictions:
        """See the base class."""
        return NoEvictions(dict(spec.match_labels))

    def check(self, action: NoEvictions, earlier: Sequence[Action]) -> Iterator[PlanFinding]:
        """No drill holds its own pods."""
        if DRILL in action.match_labels:
            yield PlanFinding("matchLabels", f"{DRILL} is a label of our own pods: select the pods by your own labels")

    def preflight(self, action: NoEvictions, ctx: PreflightContext) -> Iterator[Finding]:
        """Two budgets for one pod make every eviction fail, so that ours would show nothing."""
        for budget in ctx.snapshot.of(BUDGETS):
            if budget["spec"]["selector"] == {"matchLabels": dict(action.match_labels)}:
                text = f"PodDisruptionBudget {budget['metadata']['name']} holds these pods already"
                yield Finding("AlreadyHeld", f"{ctx.path}.matchLabels", text, "select other pods, or delete it")

    def watches(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Iterator[Watch]:
        """The drill's budgets."""
        yield Watch(self.name, BUDGETS, labels=f"{DRILL}={ctx.drill}", blocks=False)

    def observe(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Observed:
        """How the budget stands."""
        own = change.object_name if change is not None else names.object_name(ctx.drill, name)
        if not ctx.cache.listed(self.name):
            return Observed()
        there = ctx.cache.objects(self.name).get(own)
        if there is None:
            return Observed(Presence.ABSENT, BUDGETS.kind, own, shown="its budget is gone")
        uid = there["metadata"]["uid"]
        if there["spec"].get("maxUnavailable") != 0 or "deletionTimestamp" in there["metadata"]:
            return Observed(
                Presence.TAMPERED, BUDGETS.kind, own, uid=uid, detail="its spec differs from what the drill wrote"
            )
        return Observed(Presence.PRESENT, BUDGETS.kind, own, uid=uid, shown="its budget is still there")

    async def apply(self, ctx: ActionContext, action: Action, change: Change, version: str) -> None:
        """Create the budget; a second time finds the first."""
        if not isinstance(action, NoEvictions):
            raise Rejected(f"{change.name} is not a {self.name}: somebody else changed the Drill's status")
        try:
            made = await ctx.account.create(BUDGETS, ctx.namespace, _budget(ctx, action, change))
        except AlreadyExists:
            there = await ctx.account.get(BUDGETS, ctx.namespace, change.object_name)
            if there is None or not _is_ours(ctx, there):
                text = (
                    f"PodDisruptionBudget {change.object_name} belongs to somebody else: delete it, or rename the Drill"
                )
                raise Rejected(text) from None
            made = there
        ctx.cache.upsert(self.name, made)

    async def revert(self, ctx: ActionContext, change: Change) -> None:
        """Delete the budget, where it is still ours."""
        there = await ctx.account.get(BUDGETS, ctx.namespace, change.object_name)
        if there is not None and _is_ours(ctx, there):
            await ctx.account.delete(BUDGETS, ctx.namespace, change.object_name, uid=there["metadata"]["uid"])
        ctx.cache.evict(self.name, change.object_name)


def _budget(ctx: ActionContext, action: NoEvictions, change: Change) -> Object:
    owner = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "name": change.fuse_name, "uid": change.fuse_uid or ""}
    labels = ownership_labels(ctx.drill, "budget")
    return {
        "apiVersion": BUDGETS.api_version,
        "kind": BUDGETS.kind,
        "metadata": {"name": change.object_name, "labels": labels, "ownerReferences": [owner]},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": dict(action.match_labels)}},
    }


def _is_ours(ctx: ActionContext, budget: Object) -> bool:
    labels: Mapping[str, str] = budget["metadata"].get("labels") or {}
    return labels.get(DRILL) == ctx.drill
