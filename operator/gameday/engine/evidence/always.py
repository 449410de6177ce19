"""``always``: no violation longer than tolerated, from the start of the window to its end.

::

    begins                                                   ends
      |--T--T--F--F--N--F--T--T-- ... --T--[gap]--T--T--T------|--T
               |-----|  |                                         `- only now it can be Met
               certain  a violation of its own: the value of N is unknown

*Certain* is a violation that the samples show: from its first false sample to its last, without a true one, an Unknown
one (N) or a gap in between. *Possible* is one if all Unknown samples and gaps were false. A miss needs a certain one
that is longer than tolerated; Met needs that no possible one is.

Without ``tolerates`` a false value violates at once, and a request without an answer only together with the next one of
its probe: one lost request is no outage.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gameday.engine.evidence.judgement import PENDING, Judgement, Window, unknown, wait
from gameday.engine.evidence.series import Evaluation, Series
from gameday.model.plan import Expectation
from gameday.model.record import ResultState


@dataclass(frozen=True, slots=True)
class Violation:
    """An unbroken row of false samples; ``plain`` says whether one of them cannot be excused by one lost request."""

    first: Evaluation
    last: Evaluation
    plain: bool

    @property
    def length(self) -> float:
        """Seconds from the first false sample to the last."""
        return max(0.0, self.last.sent - self.first.sent)


def judge_always(expectation: Expectation, series: Series, window: Window) -> Judgement:
    """Judge an ``always`` on the samples sent from the start of its window to its end."""
    begins = begins_at(expectation, window)
    if begins is None:
        return unknown(window.now, "the fault was not proven") if window.final else PENDING
    until = window.ends_at if window.ends_at is not None else float("inf")
    evaluations = [p for p in series.evaluations if begins <= p.sent <= until]
    tolerates = tolerated(expectation, series)
    for violation in _certain(series, begins, until):
        if _is_too_much(violation, tolerates):
            return Judgement(ResultState.MISSED, violation.last.sent, why=_told(violation, begins, tolerates))
    if window.ends_at is None or window.now < window.ends_at:
        return unknown(window.now, "the stage ended early") if window.final else PENDING
    if series.through < window.ends_at:
        why = f"no sample arrived after the end of the stage ({series.excuse()})"
        return wait(window, window.ends_at, why)
    return _at_the_end(evaluations, series, (begins, window.ends_at), tolerates)


def begins_at(expectation: Expectation, window: Window) -> float | None:
    """The Unix second from which it must be true; None while the start of the stage is not known."""
    if not expectation.after:
        return window.requested_at
    return window.started_at + expectation.after if window.started_at is not None else None


def tolerated(expectation: Expectation, series: Series) -> float | None:
    """The longest unbroken violation allowed, in seconds; None: no false value, and no two lost requests in a row."""
    if expectation.tolerates is not None:
        return expectation.tolerates
    return series.patience if expectation.guardrail else None


def longest_violation(expectation: Expectation, series: Series, window: Window) -> str:
    """The longest violation up to the end of the window, in words; for an expectation that was missed."""
    begins = begins_at(expectation, window)
    if begins is None:
        return ""
    until = window.ends_at if window.ends_at is not None else window.now
    tolerates = tolerated(expectation, series)
    worst: Violation | None = None
    for violation in _certain(series, begins, until):
        if _is_too_much(violation, tolerates) and (worst is None or violation.length > worst.length):
            worst = violation
    return _told(worst, begins, tolerates) if worst is not None else ""


def _is_too_much(violation: Violation, tolerates: float | None) -> bool:
    if tolerates is None:
        return violation.plain
    return tolerates == 0 or violation.length > tolerates


def _told(violation: Violation, begins: float, tolerates: float | None) -> str:
    why = f"false from {violation.first.sent - begins:.1f} s after the start, for at least {violation.length:.1f} s"
    if tolerates:
        why += f", and {tolerates:g} s are tolerated"
    return f"{why} ({violation.first.why})" if violation.first.why else why


def _certain(series: Series, begins: float, until: float) -> Iterator[Violation]:
    """Each false sample from ``begins`` to ``until`` with the unbroken violation that it belongs to."""
    current: Violation | None = None
    for index, evaluation in enumerate(series.evaluations):
        if not begins <= evaluation.sent <= until:
            continue
        if evaluation.value is not False:
            current = None
            continue
        if current is None or series.gap_before(index, current.last) is not None:
            current = Violation(evaluation, evaluation, plain=False)
        twice = evaluation.lost_before is not None and evaluation.lost_before >= current.first.sent
        current = Violation(current.first, evaluation, current.plain or not evaluation.lost or twice)
        yield current


def _at_the_end(
    evaluations: list[Evaluation], series: Series, span: tuple[float, float], tolerates: float | None
) -> Judgement:
    begins, ends = span
    if not evaluations or evaluations[0].sent - begins > series.patience:
        return unknown(ends, f"no sample arrived at the start of the stage ({series.excuse()})")
    if all(evaluation.value is None for evaluation in evaluations):
        return unknown(ends, f"no sample could be judged ({evaluations[-1].why})")
    if tolerates is None or tolerates == 0:
        if (gap := series.gap_within(begins, ends)) is not None:
            return unknown(ends, f"samples are missing: {gap.why}")
        if (unseen := next((p for p in evaluations if p.value is None), None)) is not None:
            return unknown(ends, f"a sample could not be judged: {unseen.why}")
    elif (why := _possible(evaluations, series, span, tolerates)) is not None:
        return unknown(ends, f"a violation longer than {tolerates:g} s may have gone unseen: {why}")
    return Judgement(ResultState.MET, ends, open_until=ends)


def _possible(
    evaluations: Iterable[Evaluation], series: Series, span: tuple[float, float], tolerates: float
) -> str | None:
    """What may hide a violation longer than tolerated; None when nothing can."""
    begins, ends = span
    bad = [(p.sent, p.sent, p.why) for p in evaluations if p.value is not True]
    bad += [(max(gap.since, begins), min(gap.until, ends), gap.why) for gap in series.gaps]
    good = sorted(p.sent for p in evaluations if p.value is True)
    first: float | None = None
    last, cause = 0.0, ""
    for since, until, why in sorted(piece for piece in bad if piece[1] >= begins and piece[0] <= ends):
        if first is None or any(last <= moment <= since for moment in good):
            first, cause = since, why
        cause = cause or why
        last = max(last, until)
        if last - first > tolerates:
            return cause
    return None
