"""Searches a series for a run of true samples that begins in time and lasts long enough.

Every question has two answers. There is *certainly* such a run if samples show it without a gap. There is *possibly*
one if all Unknown samples and all gaps would have been true. An expectation without a certain run is never Met, and one
with a possible run is never Missed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gameday.engine.evidence.series import Evaluation, Gap, Series

MOMENT = 1e-6
"""Seconds: less than any two samples of a probe are apart."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The run that is sought: it begins at a sample sent from ``since`` to ``until``, and holds from ``started_at`` on.

    Where it ``lasts``, one that began before ``started_at`` counts only if a sample sent from then on is part of it.
    """

    since: float
    until: float
    holds: float = 0.0
    started_at: float = float("-inf")
    lasts: bool = False


@dataclass(slots=True)
class Found:
    """``start`` is the first sample of a run that held; ``under_way`` that of one that may still hold.

    ``longest`` is the length of the longest run that began in time, in seconds.
    """

    start: Evaluation | None = None
    under_way: Evaluation | None = None
    longest: float = 0.0


def certainly(series: Series, wanted: Wanted) -> Found:
    """Search for a run that the samples show; a gap, a silence or an Unknown sample ends one."""
    return _search(series.evaluations, wanted, series)


def possibly(series: Series, wanted: Wanted) -> Found:
    """Search for a run that nothing speaks against: what was not seen counts as true."""
    evaluations = [
        evaluation if evaluation.value is not None else replace(evaluation, value=True)
        for evaluation in series.evaluations
    ]
    return _search(_with_gaps(evaluations, series.gaps, wanted.since), wanted, None)


def _with_gaps(evaluations: Sequence[Evaluation], gaps: Iterable[Gap], since: float) -> Sequence[Evaluation]:
    """The points, and for each gap a true one right behind its beginning and one right before its end."""
    unseen = [
        Evaluation(moment, moment, True)
        for gap in gaps
        if gap.until > since
        for moment in (max(gap.since + MOMENT, since), gap.until - MOMENT)
    ]
    return sorted([*evaluations, *unseen], key=lambda evaluation: evaluation.sent) if unseen else evaluations


def _search(evaluations: Sequence[Evaluation], wanted: Wanted, series: Series | None) -> Found:
    found = Found()
    start = last = None
    for index, evaluation in enumerate(evaluations):
        if evaluation.sent < wanted.since:
            continue
        if start is not None and last is not None and series is not None and broken(series, last, index):
            start = None
        if evaluation.value is not True:
            start = None
            continue
        if start is None and evaluation.sent <= wanted.until:
            start = evaluation
        last = evaluation
        if start is None:
            continue
        held = evaluation.sent - max(start.sent, wanted.started_at)
        found.longest = max(found.longest, held)
        if held >= wanted.holds or (wanted.holds == 0 and not wanted.lasts):
            found.start = start
            return found
    found.under_way = start
    return found


def run_until_now(series: Series, since: float, now: float) -> Evaluation | None:
    """The first sample of the run of true samples, sent from ``since`` on, that lasts until now.

    None where the newest sample is not true, or is too old to say what is so now.
    """
    evaluations = series.evaluations
    first: Evaluation | None = None
    for index in range(len(evaluations) - 1, -1, -1):
        evaluation = evaluations[index]
        interrupted = first is not None and broken(series, evaluation, index + 1)
        if evaluation.sent < since or evaluation.value is not True or interrupted:
            break
        first = evaluation
    if first is None or now - evaluations[-1].received > series.patience:
        return None
    return first if series.gap_within(evaluations[-1].sent, now) is None else None


def broken(series: Series, last: Evaluation, index: int) -> str:
    """Why the value between a sample and the one at ``index`` is unknown, or ""."""
    evaluation = series.evaluations[index]
    if evaluation.value is None:
        return evaluation.why or "a sample could not be judged"
    if evaluation.sent - last.sent > series.patience:
        return f"no sample for {evaluation.sent - last.sent:.1f} s"
    gap = series.gap_before(index, last)
    return gap.why if gap is not None else ""
