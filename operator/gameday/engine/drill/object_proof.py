"""Proof by the changed object: it is as the fault set it, and what follows from that has happened.

That somebody else changed the object ends the drill whatever proves the fault: see ``stop_conditions``.
"""

from dataclasses import dataclass
from typing import ClassVar

from gameday.engine.drill.effect_proof import EffectProof
from gameday.model.change import Change, ChangeState, Observed, Presence
from gameday.model.effect import Effect, Ending, Moment


@dataclass(frozen=True, slots=True)
class ObjectProof(EffectProof):
    """The proof by the object that is changed."""

    own_clock: ClassVar[bool] = True

    def effect(self, change: Change) -> Effect | None:
        """It began at some time between the request and this look."""
        seen = self.ctx.observed.change(change.name)
        if change.state is not ChangeState.ACTIVE or change.requested_at is None:
            return None
        if seen.presence is not Presence.PRESENT or not seen.settled:
            return None
        took = self.ctx.now - change.requested_at
        return Effect(self.ctx.now, took, f"{seen.shown} {took:.2f} s after the request")

    def lacking(self, change: Change) -> str:
        """How the object stands."""
        shown = self.ctx.observed.change(change.name).shown or f"{change.object_kind} {change.object_name} was not seen"
        return f"{shown}, but the change has not taken full effect"

    def undone(self, change: Change, seen: Observed, asked: float) -> Ending | None:
        """It is over when the object is put back."""
        return Ending(seen.shown)

    def over_since(self, change: Change, asked: float) -> Moment | None:
        """When the object was seen to be put back: that was done at some time between the request and this look."""
        return seen_undone(change, asked, self.ctx.now)


def seen_undone(change: Change, asked: float, now: float) -> Moment:
    """When a change was seen to be put back, where no sample tells: after the request, however late that was seen."""
    at = change.undone_at or now
    since = change.undo_requested_at if change.undo_requested_at is not None else asked
    return Moment(at, max(0.0, at - since))
