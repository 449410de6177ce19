"""A fault that a person makes and takes back: probes show both, or, where the plan has no ``seen``, a person says so.

``undone`` is an expression that is true while nothing is broken. It must have been false since the request before its
truth says that the fault is gone: an expression that never noticed the fault cannot notice its end either.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from gameday.engine.drill.context import Context
from gameday.engine.drill.sign_proof import SEEN, UNDONE, SignProof, effect_from, sent_from
from gameday.model.change import Change, ChangeState, Observed
from gameday.model.effect import Effect, End, Ending
from gameday.model.record import Doubt, Reason

DONE: Final = "done"
"""With ``undone`` the words by which a person confirms."""
CONFIRM: Final = "kubectl annotate drill {drill} --overwrite confirm.gameday.dev/{fault}={word}"
"""How a person confirms."""


@dataclass(frozen=True, slots=True)
class ByHand(SignProof):
    """The proof by what probes see, or by a person's word."""

    who: ClassVar[str] = "nobody has done anything"
    when: ClassVar[str] = "do it when the drill asks"

    def unsteady(self, since: float) -> End | None:
        """See the base class; nor may a word stand on the Drill that nobody has asked for, as in a copied manifest."""
        return told_too_early(self.ctx, self.name, since) or SignProof.unsteady(self, since)

    def effect(self, change: Change) -> Effect | None:
        """``undone`` is false, and ``seen`` is true, or a person says that it is done."""
        requested = change.requested_at
        if change.state is not ChangeState.ACTIVE or requested is None:
            return None
        if SEEN in self._signs():
            return self._seen(change, f"{self._signs()[SEEN]} is true")
        gone = next((one for one in sent_from(self._track(UNDONE), requested) if one.value is False), None)
        said = gone is not None and self._confirmed() == DONE
        return (
            effect_from(gone, self._track(UNDONE), requested, "a person says that it is done")
            if gone and said
            else None
        )

    def doubt(self, change: Change) -> Doubt | None:
        """A person's word alone proves nothing."""
        if SEEN in self._signs() or change.requested_at is None:
            return None
        why = f"fault {self.name} was confirmed by a person, and no probe has seen it: give {self._path(SEEN)}"
        return Doubt(Reason.NOT_PROVEN, why, change.requested_at)

    def lacking(self, change: Change) -> str:
        """What was not seen, or not said."""
        parts = self._not_seen(change)
        if SEEN not in self._signs() and self._confirmed() != DONE:
            parts.append(f"nobody confirmed it with `{self._command(DONE)}`")
        return "; ".join(parts)

    def undone(self, change: Change, seen: Observed, asked: float) -> Ending | None:
        """``undone`` stays true after it was false; where no probe can tell, a person's word ends the wait.

        So does it that there is no Drill any more to say it on.
        """
        if not seen.by_hand:
            return Ending(seen.shown)
        run, said = self._run(asked), self._confirmed()
        if run is None:
            why = self._taken_for_undone(asked)
            return Ending(why, seen=False) if why else None
        if (
            change.proven_at is None
            and said != UNDONE
            and self.ctx.now < (change.requested_at or 0.0) + self.patience()
        ):
            # Who was asked a moment ago may still do it: nobody can call that back.
            return None
        if said != UNDONE and self._contradicted(change, unknown=True):
            # ``undone`` is true whether the fault stands or not; the person alone knows then.
            return None
        if self._stood(change):
            return Ending(f"{self._signs()[UNDONE]} is true again")
        if said != DONE:
            return Ending("it was never seen, and nobody says that it was done")
        return None

    def _command(self, word: str) -> str:
        return CONFIRM.format(drill=self.ctx.observed.drill, fault=self.name, word=word)


def told_too_early(ctx: Context, name: str, since: float) -> End | None:
    """Why the drill must end that carries a word about a fault which nobody has asked for, or None."""
    said = ctx.observed.confirmed.get(name)
    if said is None:
        return None
    why = f"fault {name} was confirmed as {said} before the drill asked for it"
    remedy = f"create a Drill without the annotation confirm.gameday.dev/{name}; nothing was touched"
    return End(Reason.ALREADY_TRUE, f"{why}: {remedy}", since)
