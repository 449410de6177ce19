"""Proof of a call to something outside the cluster: probes show its effect, and its end.

An answer to a call says that it was taken, not that it was carried out. So where the plan gives no signs, a call with a
good answer counts, but the drill is ``NotProven``.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from gameday.engine.drill.object_proof import seen_undone
from gameday.engine.drill.sign_proof import SEEN, UNDONE, SignProof, sent_from
from gameday.model.change import Change, ChangeState, Observed, Presence
from gameday.model.effect import Effect, End, Ending, Moment
from gameday.model.record import Doubt, Reason

AGAIN_AFTER: Final = 30.0
"""Seconds from a call back with a good answer until it is sent once more, if what it was to take back is still seen."""


@dataclass(frozen=True, slots=True)
class CallProof(SignProof):
    """The proof by what probes see, or, without signs, by the answer alone."""

    who: ClassVar[str] = "no request was sent"
    when: ClassVar[str] = "see who else changes it"
    insists: ClassVar[bool] = True
    own_clock: ClassVar[bool] = True

    def effect(self, change: Change) -> Effect | None:
        """``undone`` is false and ``seen`` is true; without them, the request had a good answer."""
        seen = self.ctx.observed.change(change.name)
        if change.state is not ChangeState.ACTIVE or change.requested_at is None:
            return None
        if self._signs():
            return self._seen(change, f"{self._signs()[SEEN]} is true")
        if seen.presence is not Presence.PRESENT or not seen.settled:
            return None
        took = self.ctx.now - change.requested_at
        return Effect(self.ctx.now, took, f"{seen.shown} {took:.2f} s after it was requested")

    def unsteady(self, since: float) -> End | None:
        """See the base class."""
        return SignProof.unsteady(self, since) if self._signs() else None

    def doubt(self, change: Change) -> Doubt | None:
        """An answer alone proves nothing."""
        if self._signs() or change.requested_at is None:
            return None
        why = (
            f"the call of fault {self.name} got a good answer, but no probe has seen its effect: give "
            f"{self._path(SEEN)} and {self._path(UNDONE)} of this fault"
        )
        return Doubt(Reason.NOT_PROVEN, why, change.requested_at)

    def lacking(self, change: Change) -> str:
        """What came of the call, and which signs have not shown it."""
        return "; ".join([self.ctx.observed.change(change.name).shown, *self._not_seen_of(change)])

    def broken(self, change: Change, requested: float) -> End | None:
        """It was refused before anything was changed, or as in the base class; without signs nobody can tell."""
        seen = self.ctx.observed.change(change.name)
        if seen.refused and change.proven_at is None:
            return End(Reason.INJECTION_FAILED, f"fault {self.name}: {seen.refused}", requested)
        return SignProof.broken(self, change, requested) if self._signs() else None

    def undone(self, change: Change, seen: Observed, asked: float) -> Ending | None:
        """The call back had a good answer, and ``undone`` has stayed true since then.

        A call of which no sign has been seen may still be carried out: that is waited for as long as the plan gives.
        Where no probe can tell, only a call back is believed that was sent after that time.
        One that ``seen`` still shows is not over, although ``undone`` has never noticed it.
        """
        if not self._signs() or seen.refused:
            return Ending(seen.shown)
        if self._run(asked) is None:
            if self._blind() and self._came_last(change) and self._answered() >= self._sent(change):
                return Ending(f"{seen.shown}, and no probe can tell whether that had its effect", seen=False)
            return None
        late = self.ctx.now >= self._effect_by(change)
        if (not late and not self._stood(change)) or self._contradicted(change, unknown=False):
            return None
        return Ending(f"{self._signs()[UNDONE]} is true again")

    def again(self, change: Change) -> str:
        """What was to be taken back is still seen long after the call back, or nobody can tell which call came last."""
        since = max(self._answered(), change.undo_again_at or 0.0) + AGAIN_AFTER
        if any(one.value is False for one in sent_from(self._track(UNDONE), since)):
            return "its effect is still seen"
        if self._blind() and not self._came_last(change) and self.ctx.now >= self._effect_by(change):
            return "no probe can tell whether the effect of the first call came after that"
        return ""

    def over_since(self, change: Change, asked: float) -> Moment | None:
        """When the first sample of ``undone`` was sent that stays true; without signs, when the call was answered."""
        if self._signs():
            return SignProof.over_since(self, change, asked)
        return seen_undone(change, asked, self.ctx.now)

    def _answered(self) -> float:
        """When the call back was seen to be answered: its effect comes later, and probes are missed from then on."""
        return self.ctx.observed.put_back.get(self.name, self.ctx.now)

    def _blind(self) -> bool:
        """Whether probes have told nothing for long since the call back was answered."""
        return bool(self._signs()) and self._blind_since(self._answered())

    def _effect_by(self, change: Change) -> float:
        """By when the call that made the change has had its effect, if it ever has."""
        return (change.requested_at or 0.0) + self.patience()

    def _sent(self, change: Change) -> float:
        """When the newest call back was asked for."""
        return max(change.undo_requested_at or 0.0, change.undo_again_at or 0.0)

    def _came_last(self, change: Change) -> bool:
        """Whether the newest call back surely comes after the effect of the call that made the change."""
        return self._sent(change) >= self._effect_by(change)

    def _not_seen_of(self, change: Change) -> list[str]:
        return self._not_seen(change) if self._signs() else []
