"""Proof by signs: expressions over probes that show a fault which no object of the cluster shows.

``undone`` is an expression that is true while nothing is broken. It must have been false since the request before its
truth says that the fault is gone: an expression that never noticed the fault cannot notice its end either.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Final

from gameday.engine.drill.effect_proof import EffectProof
from gameday.engine.evidence.series import Evaluation, Issue, Series
from gameday.model.change import Change
from gameday.model.effect import Effect, End, Moment
from gameday.model.plan import Action
from gameday.model.record import Reason

SEEN: Final = "seen"
UNDONE: Final = "undone"
"""The signs of an action: fields of its spec."""
STAYS: Final = 5.0
"""Seconds for which ``undone`` must stay true: one good sample may come from a cache, or from another replica."""
BLIND: Final = 30.0
"""Seconds without a sample that tells anything, after which something else ends the wait."""


@dataclass(frozen=True, slots=True)
class SignProof(EffectProof, ABC):
    """The proof by what probes see."""

    who: ClassVar[str]
    """What ``unsteady`` says of who has done nothing yet."""
    when: ClassVar[str]
    """What is to be done about a fault that was there before it was requested."""

    def patience(self) -> float:
        """As long as the plan gives."""
        action = self._action()
        return (action.patience if action is not None else None) or EffectProof.patience(self)

    @abstractmethod
    def lacking(self, change: Change) -> str:
        """What was not seen of a change that has had no effect in time."""

    def unsteady(self, since: float) -> End | None:
        """A sign that says in the steady state what it may say of the fault only."""
        for sign, wanted in ((SEEN, False), (UNDONE, True)):
            if sign not in self._signs():
                continue
            series, where = self._track(sign), f"{self._word()} {self.name}: {sign} ({self._signs()[sign]})"
            evaluations = sent_from(series, since)
            unknown = next((evaluation for evaluation in evaluations if evaluation.value is None), None)
            if unknown is not None:
                reason = Reason.EXPRESSION_FAILED if unknown.issue is Issue.TYPE_ERROR else Reason.UNKNOWN_RESULT
                return End(reason, f"{where} cannot be evaluated: {unknown.why}; nothing was touched", unknown.sent)
            if not evaluations or series.gap_within(since, self.ctx.now) is not None:
                why = f"{where} is not known for all of the steady state: {series.excuse()}; nothing was touched"
                return End(Reason.UNKNOWN_RESULT, why, since)
            wrong = next((evaluation for evaluation in evaluations if evaluation.value is not wanted), None)
            if wrong is not None:
                reason = Reason.ALREADY_TRUE if sign == SEEN else Reason.NOT_STEADY
                said = f"{where} is {str(wrong.value).lower()} although {self.who}"
                return End(
                    reason,
                    f"{said}: write an expression that only the {self._word()} changes; nothing was touched",
                    wrong.sent,
                )
        return None

    def broken(self, change: Change, requested: float) -> End | None:
        """It was there before it was asked for, somebody has taken it back, or nobody can tell."""
        steady = self.ctx.record.steady_from
        for evaluation in sent_from(self._track(SEEN), steady if steady is not None else requested):
            if evaluation.sent < requested and evaluation.value is True:
                why = f"fault {self.name} was seen before it was requested: {self.when}"
                return End(Reason.ALREADY_TRUE, why, evaluation.sent)
        if change.proven_at is None or change.effect_at is None:
            return None
        started_at = self.ctx.record.outage_started_at
        ends = started_at + self.ctx.plan.outage.duration if started_at is not None else float("inf")
        series = self._track(UNDONE)
        # ``seen`` may notice the fault earlier than ``undone``, which was true all the time until then.
        noticed = next((one.sent for one in sent_from(series, requested) if one.value is False), change.effect_at)
        since = max(change.effect_at, noticed)
        evaluations = [evaluation for evaluation in sent_from(series, since) if evaluation.sent < ends]
        for one, two in pairwise(evaluations):
            if one.value is True and two.value is True:
                why = f"was taken back before the drill asked: `undone` ({self._signs().get(UNDONE, '')}) is true again"
                return End(Reason.CUT_REMOVED, f"fault {self.name} {why}", one.sent)
        last = series.last_judgeable_before(self.ctx.now)
        if last is None or (self.ctx.now < ends and self._is_old(last, series)):
            since = last.received if last is not None else requested
            why = f"nobody can tell whether fault {self.name} still stands: {series.excuse()}"
            return End(Reason.UNKNOWN_RESULT, why, since)
        return None

    def over_since(self, change: Change, asked: float) -> Moment | None:
        """When the first sample of ``undone`` was sent that stays true; it was not yet at the sample before it."""
        run = self._run(asked)
        if run is None:
            return Moment(change.undone_at, 0.0) if change.undone_at is not None else None
        before = (one.sent for one in reversed(sent_from(self._track(UNDONE), asked)) if one.sent < run.sent)
        return Moment(run.sent, run.sent - next(before, asked))

    def _run(self, asked: float) -> Evaluation | None:
        """The first sample of the run of good ones that lasts until now, once it is long enough."""
        if UNDONE not in self._signs():
            return None
        series = self._track(UNDONE)
        first: Evaluation | None = None
        for evaluation in reversed(series.evaluations):
            if evaluation.sent < asked or evaluation.value is not True:
                break
            if first is not None and series.gap_within(evaluation.sent, first.sent) is not None:
                break
            first = evaluation
        if first is None or self._is_old(series.evaluations[-1], series):
            return None
        return first if series.evaluations[-1].sent - first.sent >= STAYS else None

    def _stood(self, change: Change) -> bool:
        """Whether ``undone`` has noticed the fault."""
        since = change.requested_at or 0.0
        return change.proven_at is not None or any(p.value is False for p in sent_from(self._track(UNDONE), since))

    def _seen(self, change: Change, how: str) -> Effect | None:
        """The effect as both signs show it: ``undone`` was false since the request, and ``seen`` true."""
        requested = change.requested_at if change.requested_at is not None else self.ctx.now
        gone = any(one.value is False for one in sent_from(self._track(UNDONE), requested))
        first = next((one for one in sent_from(self._track(SEEN), requested) if one.value is True), None)
        return effect_from(first, self._track(SEEN), requested, how) if gone and first is not None else None

    def _contradicted(self, change: Change, *, unknown: bool) -> bool:
        """Whether ``seen`` has noticed the fault and still does, although ``undone``, being true, never did.

        ``unknown`` is the answer where ``seen`` has noticed it and cannot tell any more.
        """
        since = change.requested_at or 0.0
        told = [one for one in sent_from(self._track(SEEN), since) if one.value is not None]
        if self._stood(change) or not any(one.value for one in told):
            return False
        stale = self._is_old(told[-1], self._track(SEEN))
        return unknown if stale else told[-1].value is True

    def _not_seen(self, change: Change) -> list[str]:
        """Which signs have not shown it."""
        since = change.requested_at or self.ctx.now
        parts = []
        if not any(one.value is False for one in sent_from(self._track(UNDONE), since)):
            parts.append(f"undone ({self._signs().get(UNDONE, '')}) was never false")
        if SEEN in self._signs() and not any(one.value is True for one in sent_from(self._track(SEEN), since)):
            parts.append(f"seen ({self._signs()[SEEN]}) was never true")
        return parts

    def _blind_since(self, moment: float) -> bool:
        """Whether probes should have told something for long, since then or since they told something last."""
        last = self._track(UNDONE).last_judgeable_before(self.ctx.now)
        told = last.received + self.ctx.observed.offset if last is not None else float("-inf")
        return self.ctx.now > max(moment, told) + BLIND

    def _is_old(self, evaluation: Evaluation, series: Series) -> bool:
        """Whether there should be a newer one by now, also where the operator's clock is ahead of the agents'."""
        return self.ctx.now - evaluation.received > series.patience + self.ctx.observed.offset

    def _taken_for_undone(self, asked: float) -> str:
        """Why the wait for a person ends although no probe can tell that it is undone, or ""."""
        if not self._blind_since(asked):
            return ""
        if self._confirmed() == UNDONE:
            return "a person says that it is undone, and no probe can tell"
        if self.ctx.observed.deleted and not self.ctx.observed.finalizer:
            return "no probe can tell whether it is undone, and nobody can say so on a Drill that is gone"
        return ""

    def _confirmed(self) -> str | None:
        """What a person says on the Drill."""
        return self.ctx.observed.confirmed.get(self.name)

    def _word(self) -> str:
        """What it is, for people."""
        return "fault" if any(fault.name == self.name for fault in self.ctx.plan.outage.faults) else "step"

    def _action(self) -> Action | None:
        return next((action for name, action in self.ctx.plan.actions() if name == self.name), None)

    def _signs(self) -> Mapping[str, str]:
        action = self._action()
        return action.signs if action is not None else {}

    def _path(self, sign: str) -> str:
        """The field that holds a sign, for people."""
        action = self._action()
        return action.path_of(sign) if action is not None else sign

    def _track(self, sign: str) -> Series:
        text = self._signs().get(sign)
        return self.ctx.evidence.track_of(text) if text is not None else Series(0.0)


def sent_from(series: Series, since: float) -> Sequence[Evaluation]:
    return [evaluation for evaluation in series.evaluations if evaluation.sent >= since]


def effect_from(first: Evaluation, series: Series, requested: float, how: str) -> Effect:
    """The effect that a sample shows first: it began between that and the sample before it, or the request."""
    before = next((p.sent for p in reversed(series.evaluations) if requested <= p.sent < first.sent), requested)
    took = first.received - requested
    return Effect(first.sent, first.received - before, f"{how} {took:.2f} s after it was asked for")
