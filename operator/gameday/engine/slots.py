"""The slots of a cron expression in a time zone: which minutes it means, daylight saving time included.

As Debian's cron has it: an expression with fixed hours and minutes runs once a day that it names: a time that a clock
change skips runs at the first minute after the gap, a time that comes twice runs at its first coming. An expression
whose minute or hour field begins with a star follows the clock on the wall: it has no slot in the gap, and slots in
both of the hours that repeat.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from gameday.model.schedule import Blackout, Schedule, Window

LOOK_BACK: Final = timedelta(days=1)
"""A fixed time is sought from this far before: inside a repeated hour cronsim would answer with one that is past."""

HORIZONS: Final = (3600.0, 86_400.0, 32 * 86_400.0, 366 * 86_400.0, 5 * 366 * 86_400.0)
"""How far back the newest slot is looked for, in seconds: near first, since near ones are many."""

COUNTED: Final = 1000
"""Most missed slots that are counted one by one."""


def upcoming(cron: str, zone: str, after: float) -> Iterator[float]:
    """The slots later than ``after``, in order; it ends where no slot comes any more within 50 years.

    Raises:
        CronSimError: when the expression is none.
        ZoneInfoNotFoundError: when the zone is none.

    """
    start = datetime.fromtimestamp(after, UTC).astimezone(ZoneInfo(zone))
    search = CronSim(cron, start)
    if search.fixup_tz is not None:
        search = CronSim(cron, start - LOOK_BACK)
    last = after
    while True:
        try:
            at = next(search).timestamp()
        except CronSimError:
            return
        if at > last:
            last = at
            yield at


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
    for blackout in schedule.blackouts:
        if isinstance(blackout, Window):
            if blackout.since <= at < blackout.until:
                return blackout
            continue
        began = next(upcoming(blackout.cron, schedule.zone, at - blackout.lasts), None)
        if began is not None and began <= at:
            return blackout
    return None


def next_runs(schedule: Schedule, after: float, most: int) -> tuple[float, ...]:
    """The next slots that are to run, as far as the calendar can tell: none in a blackout, none while suspended."""
    if schedule.suspend:
        return ()
    slots = islice(upcoming(schedule.cron, schedule.zone, after), COUNTED)
    return tuple(islice((at for at in slots if blackout_at(schedule, at) is None), most))
