"""Proof of a call that nothing takes back: probes show its effect, and when what it started has ended.

It must stand through the outage as any other fault: one that ends before is ``CutRemoved``, since the system was tried
for a shorter time than the plan says. From then on it is waited for, and a person is asked to end it.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from gameday.engine.drill.by_hand import told_too_early
from gameday.engine.drill.call_proof import CallProof
from gameday.engine.drill.sign_proof import UNDONE
from gameday.model.change import Change, Observed, Presence
from gameday.model.effect import End, Ending

SENDS_FOR: Final = 45.0
"""Seconds from the request after which its pod surely sends nothing any more, whatever became of that pod; never made
shorter, because a pod of an earlier version goes by that version's times."""


@dataclass(frozen=True, slots=True)
class EndingCall(CallProof):
    """The proof by what probes see; where none can tell, a person's word ends the wait for its end."""

    own_clock: ClassVar[bool] = False

    def unsteady(self, since: float) -> End | None:
        """See the base class; nor may a word stand on the Drill that nobody has asked for, as in a copied manifest."""
        return told_too_early(self.ctx, self.name, since) or CallProof.unsteady(self, since)

    def undone(self, change: Change, seen: Observed, asked: float) -> Ending | None:
        """``undone`` stays true since the end of the outage, after it was false, and nothing can be sent any more."""
        if seen.presence is Presence.ABSENT and not seen.may_arrive:
            return Ending(seen.shown)
        since = change.requested_at or 0.0
        # What was not proven may still come, whatever else `undone` has noticed meanwhile.
        waits = SENDS_FOR if change.proven_at is not None else max(self.patience(), SENDS_FOR)
        if (seen.may_arrive or change.proven_at is None) and self.ctx.now < since + waits:
            return None
        if self._run(asked) is None:
            why = self._taken_for_undone(asked)
            return Ending(why, seen=False) if why else None
        if self._confirmed() != UNDONE and self._contradicted(change, unknown=True):
            # ``undone`` is true whether the fault stands or not; a person alone knows then.
            return None
        return Ending(f"{self._signs()[UNDONE]} is true again" if self._stood(change) else "it was never seen")
