"""The kind ``manual``: a person acts, on a dashboard for example, and takes it back; probes show both.

Nothing of the cluster is changed, and no fuse can undo it. The drill asks for the act, and asks for its undo again and
again, until ``undone`` is true. Who only confirms proves nothing: see ``engine/drill/by_hand.py``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from gameday.actions.kind import ActionContext, ActionKind, PreflightContext, Use, Watch
from gameday.errors import PlanInvalid
from gameday.model.change import ASKED, Change, Observed, Presence, State
from gameday.model.plan import Action
from gameday.preflight.findings import Finding, Severity
from gameday.schema.base import ApiModel, Cel, Duration, cel
from gameday.schema.durations import seconds
from gameday.schema.named import Dependencies

WITHOUT_FUSE = "nothing undoes a manual fault when nobody does: say withoutFuse: true"
INSTRUCTIONS = 300
"""Characters of what a person is to do. With the fault's name they fit into a line of the timeline, and escaped as JSON
into the undo log."""

Text = Annotated[str, Field(min_length=1, max_length=INSTRUCTIONS)]


class ManualSpec(ApiModel):
    """Has a person break something that no action of a drill can reach, and put it back."""

    model_config: ClassVar[ConfigDict] = {
        "json_schema_extra": cel(
            ("self.withoutFuse", WITHOUT_FUSE),
            ("duration(self.within) <= duration('1h')", "within must be at most 1h"),
        )
    }

    do: Text
    """What the person does, in words. The drill asks for it when the steady state is over."""
    undo: Text
    """What the person does to put it back. The drill asks for it from the end of the outage on, every minute."""
    seen: Cel | None = None
    """False in the steady state, true once it is done. Without it the drill never passes: it is NotProven."""
    undone: Cel
    """True in the steady state, false once it is done, and true again once it is put back."""
    within: Duration = "10m"
    """How long the person has, from the moment at which the drill asks. Earlier faults stand meanwhile, so the
    administrator's maxOutage counts it."""
    without_fuse: bool = False
    """Says that you know that nothing undoes this fault when nobody does. Must be true."""


@dataclass(frozen=True, slots=True)
class Manual(Action):
    """A person's act; ``within`` is in seconds."""

    KIND: ClassVar[str] = "manual"
    BY_HAND: ClassVar[bool] = True

    do: str
    undo: str
    undone: str
    seen: str | None = None
    within: float = 600.0

    @property
    def signs(self) -> dict[str, str]:
        """By what it is seen."""
        return ({"seen": self.seen} if self.seen is not None else {}) | {"undone": self.undone}

    @property
    def patience(self) -> float | None:
        """How long the person has."""
        return self.within


class ManualKind(ActionKind[ManualSpec, Manual]):
    """A person's act. The undo log names the Drill in the place of an object, since no object is changed."""

    name = Manual.KIND
    description = "Ask a person to break something, and to put it back."
    spec = ManualSpec
    planned = Manual
    uses = frozenset({Use.FAULT})
    fuse_acts = False
    fused = False
    objects = ("Drill",)

    def parse(self, spec: ManualSpec, named: Dependencies) -> Manual:
        """See the base class."""
        if not spec.without_fuse:
            raise PlanInvalid(((f"{named.path}.withoutFuse", WITHOUT_FUSE),))
        return Manual(spec.do, spec.undo, spec.undone, spec.seen, seconds(spec.within))

    def preflight(self, action: Manual, ctx: PreflightContext) -> Iterator[Finding]:
        """Somebody should know it before the drill begins."""
        text = "a person must undo this fault: no fuse does, and the namespace stays locked until it is undone"
        remedy = "have somebody at hand who can"
        yield Finding("WithoutFuse", ctx.path, text, remedy, Severity.WARN)
        if action.seen is None:
            text = "without seen the drill can only be Inconclusive (NotProven)"
            yield Finding("NotSeen", ctx.path, text, "give an expression that the fault makes true", Severity.WARN)

    def notes(self, action: Manual) -> State:
        """What is noted of the act, with how it is put back."""
        return {"acted": True, ASKED: action.undo}

    def watches(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Iterator[Watch]:
        """Nothing: probes see it."""
        return iter(())

    def observe(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Observed:
        """What a person is asked for; whether it was done is for probes to say."""
        seen = Observed(
            Presence.ABSENT, "Drill", ctx.drill, before={"acted": False}, by_hand=True, settled=False,
        )  # fmt: skip
        if change is not None and change.touched:
            shown = f"undo it now: {change.asked}"
            return Observed(
                Presence.PRESENT, "Drill", ctx.drill, before=change.before, wanted=change.wanted, by_hand=True,
                settled=False, shown=shown,
            )  # fmt: skip
        if not isinstance(action, Manual):
            return seen
        shown = f"do it within {action.within:.0f} s: {action.do}"
        return Observed(
            Presence.ABSENT, "Drill", ctx.drill, before={"acted": False},
            wanted=self.notes(action), by_hand=True, settled=False, shown=shown,
        )  # fmt: skip

    async def apply(self, ctx: ActionContext, action: Action, change: Change, version: str) -> None:
        """Do nothing: the timeline asks for it."""

    async def revert(self, ctx: ActionContext, change: Change) -> None:
        """Do nothing: the timeline asks for it."""
