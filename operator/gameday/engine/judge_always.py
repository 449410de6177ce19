"""``always``: no violation longer than tolerated, from the start of the window to its end.

::

    requested                                                ends
      |--T--T--F--F--N--F--T--T-- ... --T--[gap]--T--T--T------|--T
               |--------|                                         `- only now it can be Met
            the certain length of a violation: from its first false sample to its last

A sample that cannot be judged (N) neither ends a violation nor counts by itself. A gap ends its certain length, so that
no miss ever comes from what we did not see.
"""

from collections.abc import Iterator

from gameday.engine.judgement import PENDING, Judgement, Window
from gameday.engine.tracks import Point, Track
from gameday.model.plan import Expectation
from gameday.model.record import ResultState


def judge_always(expectation: Expectation, track: Track, window: Window) -> Judgement:
    """Judge an ``always`` expectation on the samples sent from ``requested_at`` to ``ends_at``."""
    until = window.ends_at if window.ends_at is not None else float("inf")
    points = [p for p in track.points if window.requested_at <= p.sent <= until]
    tolerates = _tolerates(expectation, track)
    for first, last in _violations(points, track):
        length = max(0.0, last.sent - first.sent)
        if tolerates == 0 or length > tolerates:
            why = f"violated {first.sent - window.requested_at:.1f} s after the start"
            if tolerates:
                why += f", for at least {length:.1f} s where {tolerates:g} s are tolerated"
            return Judgement(ResultState.MISSED, last.sent, why=f"{why} ({first.why})" if first.why else why)
    if window.ends_at is None or window.now < window.ends_at:
        return PENDING
    if track.through <= window.ends_at:
        late = window.now > window.ends_at + window.grace
        return _unknown(window.ends_at, f"no sample after the end ({track.excuse()})") if late else PENDING
    return _at_the_end(points, track, window.requested_at, window.ends_at)


def _tolerates(expectation: Expectation, track: Track) -> float:
    if expectation.tolerates is not None:
        return expectation.tolerates
    return track.patience if expectation.guardrail else 0.0


def _violations(points: list[Point], track: Track) -> Iterator[tuple[Point, Point]]:
    """Each false sample with the first one of the unbroken violation that it belongs to."""
    first = last = None
    for point in points:
        if point.value is True:
            first = last = None
        elif point.value is False:
            if first is None or last is None or track.gap_within(last.sent, point.sent) is not None:
                first = point
            last = point
            yield first, last


def _at_the_end(points: list[Point], track: Track, start: float, end: float) -> Judgement:
    if (gap := track.gap_within(start, end)) is not None:
        return _unknown(end, f"not every sample is known: {gap.why}")
    if not points or points[0].sent - start > track.patience:
        return _unknown(end, f"no sample at the start ({track.excuse()})")
    if all(point.value is None for point in points):
        return _unknown(end, f"no sample could be judged ({points[-1].why})")
    return Judgement(ResultState.MET, end)


def _unknown(at: float, why: str) -> Judgement:
    return Judgement(ResultState.UNKNOWN, at, why=why)
