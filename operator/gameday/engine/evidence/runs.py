"""Searching a track for a run of true samples that begins in time and holds.

Every question has two answers. *Certainly* there is such a run when samples show it without a hole; *possibly* there is
one when it needs nothing but what we did not see: a sample that is Unknown and a gap may both have been true. What is
not certain is never met, and what is possible is never missed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gameday.engine.evidence.tracks import Gap, Point, Track

MOMENT = 1e-6
"""Seconds: less than any two samples of a probe are apart."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The run that is sought: it begins at a sample sent from ``since`` to ``until``, and holds from ``zero`` on."""

    since: float
    until: float
    holds: float = 0.0
    zero: float = float("-inf")


@dataclass(slots=True)
class Found:
    """``start`` is the first sample of a run that held; ``under_way`` that of one that may still hold.

    ``longest`` is the length of the longest run that began in time, in seconds.
    """

    start: Point | None = None
    under_way: Point | None = None
    longest: float = 0.0


def certainly(track: Track, wanted: Wanted) -> Found:
    """Search for a run that the samples show; a gap, a silence or an Unknown sample ends one."""
    return _search(track.points, wanted, track)


def possibly(track: Track, wanted: Wanted) -> Found:
    """Search for a run that nothing speaks against: what was not seen counts as true."""
    points = [point if point.value is not None else replace(point, value=True) for point in track.points]
    return _search(_with_gaps(points, track.gaps, wanted.since), wanted, None)


def _with_gaps(points: Sequence[Point], gaps: Iterable[Gap], since: float) -> Sequence[Point]:
    """The points, and for each gap a true one right behind its beginning and one right before its end."""
    unseen = [
        Point(moment, moment, True)
        for gap in gaps
        if gap.until > since
        for moment in (max(gap.since + MOMENT, since), gap.until - MOMENT)
    ]
    return sorted([*points, *unseen], key=lambda point: point.sent) if unseen else points


def _search(points: Sequence[Point], wanted: Wanted, track: Track | None) -> Found:
    found = Found()
    start = last = None
    for index, point in enumerate(points):
        if point.sent < wanted.since:
            continue
        if start is not None and last is not None and track is not None and broken(track, last, index):
            start = None
        if point.value is not True:
            start = None
            continue
        if start is None and point.sent <= wanted.until:
            start = point
        last = point
        if start is None:
            continue
        held = point.sent - max(start.sent, wanted.zero)
        found.longest = max(found.longest, held)
        if wanted.holds == 0 or held >= wanted.holds:
            found.start = start
            return found
    found.under_way = start
    return found


def broken(track: Track, last: Point, index: int) -> str:
    """Why the value between a sample and the one at ``index`` is unknown, or ""."""
    point = track.points[index]
    if point.value is None:
        return point.why or "a sample could not be judged"
    if point.sent - last.sent > track.patience:
        return f"no sample for {point.sent - last.sent:.1f} s"
    gap = track.gap_before(index, last)
    return gap.why if gap is not None else ""
