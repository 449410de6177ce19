"""The slots of a cron expression in a time zone, daylight saving time included.

The rules are those of Debian's cron. An expression with fixed hours and minutes runs once per matching day: a time that
a clock change skips runs at the first minute after the gap, and a repeated time runs at its first occurrence. An
expression whose minute or hour field begins with a star follows the local clock: it has no slot in the gap, and slots
in both of the repeated hours.
"""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim

from gameday.model.local_time import first_occurrence, occurrences
from gameday.model.schedule import Blackout, Schedule, Window

DAY: Final = timedelta(days=1)
"""A clock is put back at most once in this time."""

HORIZONS: Final = (3600.0, 86_400.0, 32 * 86_400.0, 366 * 86_400.0, 5 * 366 * 86_400.0)
"""How far back the newest slot is looked for, in seconds: near first, since near ones are many."""

COUNTED: Final = 1000
"""Most missed slots that are counted one by one."""

LOOKS: Final = 200
"""Most blackouts that are passed over in search of the next runs."""


def upcoming(cron: str, zone: str, after: float) -> Iterator[float]:
    """The slots later than ``after``, in order; ends if there is no slot within the next 50 years.

    cronsim computes local times only. Its own handling of clock changes never ends in some zones, and loses slots if
    the clock moves by half an hour.

    Raises:
        CronSimError: when the expression is not valid.
        ZoneInfoNotFoundError: when there is no such zone.

    """
    place = ZoneInfo(zone)
    now = datetime.fromtimestamp(after, UTC)
    # Shortly before the clock is put back, what it will show again is still to come.
    start = min((now + ahead).astimezone(place).replace(tzinfo=None) - ahead for ahead in (timedelta(), DAY))
    walls = CronSim(cron, start)
    followed = any(field.startswith("*") for field in cron.split()[:2])
    last = after
    for at in _all_occurrences(walls, place) if followed else (first_occurrence(wall, place) for wall in walls):
        if at > last:
            last = at
            yield at


def _all_occurrences(walls: Iterator[datetime], place: ZoneInfo) -> Iterator[float]:
    """Each moment at which the clock shows one of ``walls``, in order."""
    again: deque[float] = deque()
    for wall in walls:
        for number, at in enumerate(occurrences(wall, place)):
            if number == 1:
                again.append(at)
                continue
            while again and again[0] < at:
                yield again.popleft()
            yield at
    yield from again


def newest(schedule: Schedule, after: float, now: float) -> float | None:
    """The newest slot later than ``after`` and not later than ``now``, or None."""
    for horizon in HORIZONS:
        since = max(after, now - horizon)
        found = None
        for at in upcoming(schedule.cron, schedule.zone, since):
            if at > now:
                break
            found = at
        if found is not None or since == after:
            return found
    return None


def count(schedule: Schedule, after: float, before: float) -> int:
    """How many slots lie between two times, both excluded; at most ``COUNTED``."""
    slots = takewhile(lambda at: at < before, upcoming(schedule.cron, schedule.zone, after))
    return sum(1 for _ in islice(slots, COUNTED))


def blackout_at(schedule: Schedule, at: float) -> Blackout | None:
    """The blackout that covers a moment, or None."""
    return next((one for one in schedule.blackouts if _covered_until(one, at) is not None), None)


def next_runs(schedule: Schedule, after: float, most: int) -> tuple[float, ...]:
    """The next slots that are to run: none in a blackout, none while suspended.

    It ends if ``LOOKS`` blackouts in a row cover all of them.
    """
    if schedule.suspend:
        return ()
    if not schedule.blackouts:
        return tuple(islice(upcoming(schedule.cron, schedule.zone, after), most))
    runs: list[float] = []
    since = after
    for _ in range(LOOKS):
        at = next(upcoming(schedule.cron, schedule.zone, since), None)
        if at is None:
            break
        ends = [_covered_until(one, at) for one in schedule.blackouts]
        until = max((end for end in ends if end is not None), default=None)
        since = at if until is None else max(at, until - 1)
        runs += [at] if until is None else []
        if len(runs) == most:
            break
    return tuple(runs)


def _covered_until(blackout: Blackout, at: float) -> float | None:
    """Until when a blackout that covers a moment lasts, or None when it does not cover it."""
    if isinstance(blackout, Window):
        return blackout.until if blackout.since <= at < blackout.until else None
    return blackout.hours.end_after(at)
