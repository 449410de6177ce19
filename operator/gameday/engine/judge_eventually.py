"""``eventually``: true by the deadline, and for as long as ``holds`` asks.

::

    requested   zero                          deadline
      |--F--F----|--F--F--N--F--T--T--T--T--T----|--T--T--T
                 |              |-----------------------| holds: it may end after the deadline
                 |-- seconds ---|  (to the moment at which the first true sample was received)

True between the request and zero is 0 s. ``holds`` counts from zero at the earliest. A false sample ends a hold; a gap
or a sample that cannot be judged breaks it too, but then nobody knows whether it was missed.
"""

from dataclasses import dataclass
from itertools import pairwise

from gameday.engine.judgement import PENDING, SKEW_VOIDS, SKEW_WIDENS, Judgement, Window
from gameday.engine.tracks import Point, Track
from gameday.model.plan import Expectation
from gameday.model.record import ResultState


@dataclass(slots=True)
class _Search:
    """What the track tells about holds that began in time."""

    met: Point | None = None
    under_way: Point | None = None
    broken: str = ""
    """Why a hold ended that may well have gone on."""
    longest: float = 0.0


def judge_eventually(expectation: Expectation, track: Track, window: Window) -> Judgement:
    """Judge an ``eventually`` expectation on the samples sent from ``requested_at`` on."""
    if (zero := window.zero_at) is None:
        return PENDING
    within = expectation.within
    deadline = zero + (within if within is not None else max(0.0, window.length - expectation.holds))
    search = _search(track, window.requested_at, zero, deadline, expectation.holds)
    if search.met is not None and track.through >= window.requested_at:
        return _met(search.met, track, window, zero)
    if search.under_way is not None:
        limit = max(search.under_way.sent, zero) + expectation.holds
        return _wait(window, limit, "the samples ended while it held")
    if track.through <= deadline:
        return _wait(window, deadline, f"no sample after the deadline ({track.excuse()})")
    return _not_met(expectation, search, track, window, (zero, deadline))


def _search(track: Track, requested: float, zero: float, deadline: float, holds: float) -> _Search:
    search = _Search()
    start = last = None
    for point in track.points:
        if point.sent < requested:
            continue
        if start is not None and last is not None and (broken := _broken(track, last, point)):
            search.broken, start = broken, None
        if point.value is not True:
            start = None
            continue
        if start is None and point.sent <= deadline:
            start = point
        last = point
        if start is None:
            continue
        search.longest = max(search.longest, point.sent - max(start.sent, zero))
        if holds == 0 or point.sent - max(start.sent, zero) >= holds:
            search.met = start
            return search
    search.under_way = start
    return search


def _broken(track: Track, last: Point, point: Point) -> str:
    """Why nobody knows whether it held from one sample to the next, or ""."""
    if point.value is None:
        return point.why or "a sample could not be judged"
    if point.sent - last.sent > track.patience:
        return f"no sample for {point.sent - last.sent:.1f} s"
    gap = track.gap_within(last.sent, point.sent)
    return gap.why if gap is not None else ""


def _met(start: Point, track: Track, window: Window, zero: float) -> Judgement:
    before = track.last_judgeable_before(window.requested_at)
    if before is not None and before.value is True:
        return Judgement(ResultState.MET_BEFORE, start.received, why="it was true before the change was asked for")
    if window.skew > SKEW_VOIDS:
        return Judgement(ResultState.MET, start.received, why=f"no time: clocks of nodes differ by {window.skew:.1f} s")
    unmet = window.requested_at
    for point in track.points:
        if point is start:
            break
        if point.value is False:
            unmet = point.sent
    resolution = max(0.0, start.received - unmet) + window.zero_resolution
    if window.skew > SKEW_WIDENS:
        resolution += window.skew
    return Judgement(ResultState.MET, start.received, max(0.0, start.received - zero), resolution)


def _not_met(
    expectation: Expectation, search: _Search, track: Track, window: Window, span: tuple[float, float]
) -> Judgement:
    zero, deadline = span
    if search.broken:
        return _unknown(deadline, f"it held, and then nobody knows: {search.broken}")
    if (gap := track.gap_within(zero, deadline)) is not None:
        return _unknown(deadline, f"not every sample is known: {gap.why}")
    judgeable = [p for p in track.points if p.value is not None and p.sent >= zero]
    inside = [p for p in judgeable if p.sent <= deadline]
    after = [p.sent for p in judgeable if p.sent > deadline]
    if not after:
        return _wait(window, deadline, f"no sample could be judged at the deadline ({track.excuse()})")
    times = [zero, *sorted(p.sent for p in inside), min(after)]
    if any(later - earlier > track.patience for earlier, later in pairwise(times)):
        return _unknown(deadline, f"no sample could be judged for too long ({track.excuse()})")
    why = f"not true within {deadline - zero:g} s of zero, at none of {len(inside)} samples"
    if search.longest > 0:
        why = f"true for at most {search.longest:.1f} s, it had to hold for {expectation.holds:g} s"
    detail = next((p.why for p in reversed(inside) if p.why), "")
    return Judgement(ResultState.MISSED, deadline, why=f"{why} ({detail})" if detail else why)


def _wait(window: Window, limit: float, why: str) -> Judgement:
    return _unknown(limit, why) if window.now > limit + window.grace else PENDING


def _unknown(at: float, why: str) -> Judgement:
    return Judgement(ResultState.UNKNOWN, at, why=why)
