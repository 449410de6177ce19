"""The kind ``noEvictions``: a PodDisruptionBudget lets nobody evict some pods, as an upgrade of the nodes would."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from pydantic import Field

from gameday.actions.kind import ActionKind, Asked, Scene, Use, Watch
from gameday.cluster.kinds import JOBS, Kind, Object
from gameday.errors import AlreadyExists, Refused
from gameday.model import names
from gameday.model.change import Change, Observed, Presence
from gameday.model.finding import Finding as PlanFinding
from gameday.model.labels import DRILL, marks
from gameday.model.plan import Action
from gameday.preflight.findings import Finding
from gameday.preflight.rights import WATCH, WRITE, Right
from gameday.schema.base import MOST, ApiModel
from gameday.schema.named import Dependencies

BUDGETS: Final = Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")


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

    def preflight(self, action: NoEvictions, asked: Asked) -> Iterator[Finding]:
        """Two budgets for one pod make every eviction fail, so that ours would show nothing."""
        for budget in asked.sight.of(BUDGETS):
            if budget["spec"]["selector"] == {"matchLabels": dict(action.match_labels)}:
                text = f"PodDisruptionBudget {budget['metadata']['name']} holds these pods already"
                yield Finding("AlreadyHeld", f"{asked.path}.matchLabels", text, "select other pods, or delete it")

    def watches(self, scene: Scene, name: str, action: Action | None, change: Change | None) -> Iterator[Watch]:
        """The drill's budgets."""
        yield Watch(self.name, BUDGETS, labels=f"{DRILL}={scene.drill}")

    def observe(self, scene: Scene, name: str, action: Action | None, change: Change | None) -> Observed:
        """How the budget stands."""
        own = change.object_name if change is not None else names.derived(scene.drill, name)
        if not scene.seen.listed(self.name):
            return Observed()
        there = scene.seen.objects(self.name).get(own)
        if there is None:
            return Observed(Presence.ABSENT, BUDGETS.name, own, shown="its budget is gone")
        uid = there["metadata"]["uid"]
        if there["spec"].get("maxUnavailable") != 0 or "deletionTimestamp" in there["metadata"]:
            return Observed(
                Presence.TAMPERED, BUDGETS.name, own, uid=uid, detail="its spec differs from what the drill wrote"
            )
        return Observed(Presence.PRESENT, BUDGETS.name, own, uid=uid, shown="its budget is still there")

    async def apply(self, scene: Scene, action: Action, change: Change, version: str) -> None:
        """Create the budget; a second time finds the first."""
        if not isinstance(action, NoEvictions):
            raise Refused(f"{change.name} is not a {self.name}: somebody else changed the Drill's status")
        try:
            made = await scene.account.create(BUDGETS, scene.namespace, _budget(scene, action, change))
        except AlreadyExists:
            there = await scene.account.get(BUDGETS, scene.namespace, change.object_name)
            if there is None or not _is_ours(scene, there):
                text = (
                    f"PodDisruptionBudget {change.object_name} belongs to somebody else: delete it, or rename the Drill"
                )
                raise Refused(text) from None
            made = there
        scene.seen.learn(self.name, made)

    async def revert(self, scene: Scene, change: Change) -> None:
        """Delete the budget, where it is still ours."""
        there = await scene.account.get(BUDGETS, scene.namespace, change.object_name)
        if there is not None and _is_ours(scene, there):
            await scene.account.delete(BUDGETS, scene.namespace, change.object_name, uid=there["metadata"]["uid"])
        scene.seen.forget(self.name, change.object_name)


def _budget(scene: Scene, action: NoEvictions, change: Change) -> Object:
    owner = {"apiVersion": JOBS.api_version, "kind": JOBS.name, "name": change.fuse_name, "uid": change.fuse_uid or ""}
    labels = marks(scene.drill, "budget")
    return {
        "apiVersion": BUDGETS.api_version,
        "kind": BUDGETS.name,
        "metadata": {"name": change.object_name, "labels": labels, "ownerReferences": [owner]},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": dict(action.match_labels)}},
    }


def _is_ours(scene: Scene, budget: Object) -> bool:
    labels: Mapping[str, str] = budget["metadata"].get("labels") or {}
    return labels.get(DRILL) == scene.drill
