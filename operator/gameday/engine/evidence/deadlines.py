"""What ``becomes`` and ``eventually`` have in common: true by a deadline, and for as long as ``holds`` asks.

::

    requested   start                         deadline
      |--F--F----|--F--F--F--F--T--T--T--T--T----|--T--T--T
                 |              |-----------------------| holds: it may end after the deadline
                 |-- seconds ---|  (to the moment at which the first true sample was received)

True between the request and the start is 0 s. For an ``eventually`` it must still be true at the first sample after it:
before that, nothing shows that the fault was over, and a system that flaps under it has not recovered. ``holds`` counts
from the start at the earliest. A false sample ends a hold. What was not seen is never met and never missed; see
``runs``.
"""

from itertools import pairwise

from gameday.engine.evidence.judgement import SKEW_VOIDS, SKEW_WIDENS, Judgement, Window, unknown, wait
from gameday.engine.evidence.runs import Wanted, certainly, possibly
from gameday.engine.evidence.series import Evaluation, Series
from gameday.model.plan import Expectation, Mode
from gameday.model.record import ResultState
from gameday.model.words import counted


def deadline_of(expectation: Expectation, window: Window, started_at: float) -> float:
    """The Unix second by which it must be true; without ``within`` the stage is the limit."""
    within = expectation.within
    length = within if within is not None else max(0.0, window.length - expectation.holds)
    return started_at + length + window.leeway


def wanted_of(expectation: Expectation, window: Window, started_at: float, until: float) -> Wanted:
    """The run that meets the expectation where it begins by ``until``."""
    lasts = expectation.mode is Mode.EVENTUALLY
    return Wanted(window.requested_at, until, expectation.holds, started_at, lasts)


def judge_deadline(
    expectation: Expectation, series: Series, window: Window, started_at: float
) -> Judgement | Evaluation:
    """The first sample of the run that met the expectation, or a judgement when no run did."""
    wanted = wanted_of(expectation, window, started_at, deadline_of(expectation, window, started_at))
    found = certainly(series, wanted)
    if found.start is not None and series.through >= window.requested_at:
        return found.start
    maybe = possibly(series, wanted)
    if maybe.under_way is not None and expectation.holds:
        limit = max(maybe.under_way.sent, started_at) + expectation.holds
        return wait(window, limit, "it was true, but the samples ended before the time in `for` was over")
    if series.through <= wanted.until:
        return wait(window, wanted.until, f"no sample arrived after the deadline ({series.excuse()})")
    if maybe.start is not None:
        return unknown(wanted.until, _doubt(series, wanted))
    return _missed(expectation, series, window, wanted)


def lateness(expectation: Expectation, series: Series, window: Window, started_at: float) -> tuple[float | None, str]:
    """By how much it was missed: seconds past the deadline, None when it was never true, and the sentence for people.

    Samples sent until ``window.ends_at`` count.
    """
    deadline = deadline_of(expectation, window, started_at)
    until = window.ends_at if window.ends_at is not None else window.now
    wanted = wanted_of(expectation, window, started_at, until)
    start = certainly(series, wanted).start
    held = f" and held for {expectation.holds:g} s" if expectation.holds else ""
    if start is not None and start.sent > deadline:
        late = max(0.0, start.received - deadline)
        return late, f"true after {start.received - started_at:.1f} s{held}, {late:.1f} s late"
    return None, _never(expectation, series, wanted)


def measured(start: Evaluation, series: Series, window: Window, started_at: float) -> Judgement:
    """Met, with the time from the start and its resolution."""
    unmet = window.requested_at
    for evaluation in series.evaluations:
        if evaluation is start:
            break
        if evaluation.value is False:
            unmet = evaluation.sent
    if window.skew > SKEW_VOIDS:
        why = f"the time is not known, because the clocks of the nodes differ by {window.skew:.1f} s"
        return Judgement(ResultState.MET, start.received, why=why, open_until=unmet)
    resolution = max(0.0, start.received - unmet) + window.start_resolution
    if window.skew > SKEW_WIDENS:
        resolution += window.skew
    seconds = max(0.0, start.received - started_at)
    return Judgement(ResultState.MET, start.received, seconds, resolution, open_until=unmet)


def _missed(expectation: Expectation, series: Series, window: Window, wanted: Wanted) -> Judgement:
    inside = [p for p in series.evaluations if wanted.started_at <= p.sent <= wanted.until and p.value is not None]
    after = [p.sent for p in series.evaluations if p.sent > wanted.until and p.value is not None]
    if not after:
        return wait(window, wanted.until, f"no sample at the deadline could be judged ({series.excuse()})")
    times = [wanted.started_at, *sorted(p.sent for p in inside), min(after)]
    if any(later - earlier > series.patience for earlier, later in pairwise(times)):
        return unknown(wanted.until, f"no sample could be judged for too long ({series.excuse()})")
    why = f"not true within {wanted.until - wanted.started_at:g} s: {_never(expectation, series, wanted)}"
    return Judgement(ResultState.MISSED, wanted.until, why=why)


def _never(expectation: Expectation, series: Series, wanted: Wanted) -> str:
    inside = [p for p in series.evaluations if wanted.started_at <= p.sent <= wanted.until]
    longest = certainly(series, wanted).longest
    if longest > 0 or any(p.value for p in inside):
        return f"true for at most {longest:.1f} s, but it must be true for {expectation.holds:g} s"
    detail = next((p.why for p in reversed(inside) if p.why), "")
    return f"never true in {counted(len(inside), 'sample')}" + (f" ({detail})" if detail else "")


def _doubt(series: Series, wanted: Wanted) -> str:
    """What was not seen between the request and the deadline."""
    gap = series.gap_within(wanted.since, wanted.until)
    if gap is not None:
        return f"samples are missing: {gap.why}"
    unseen = [p.why for p in series.evaluations if p.value is None and p.sent >= wanted.since]
    return f"a sample could not be judged: {unseen[0] if unseen else series.excuse()}"
