"""Converts local times to Unix times, across gaps and repeated hours of daylight saving time."""

import re
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTE = timedelta(minutes=1)
NO_ZONES: Final = r"localtime$|posixrules$|Factory$|posix/|right/"
"""Names in the time zone database that are not time zones, and the machine's own local time."""


def is_zone(name: str) -> bool:
    """Whether it names an IANA time zone."""
    if re.match(NO_ZONES, name):
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def occurrences(wall: datetime, place: ZoneInfo) -> tuple[float, ...]:
    """The moments at which the clock shows ``wall``, as Unix seconds: one, two, or none where it is skipped."""
    first, second = (wall.replace(tzinfo=place, fold=fold) for fold in (0, 1))
    before, after = first.utcoffset(), second.utcoffset()
    if before == after:
        return (first.timestamp(),)
    if before is not None and after is not None and before < after:
        return ()
    return first.timestamp(), second.timestamp()


def first_occurrence(wall: datetime, place: ZoneInfo) -> float:
    """The first moment at which the clock shows ``wall``, or the end of the gap in which it is skipped."""
    while not (moments := occurrences(wall, place)):
        wall += MINUTE
    return moments[0]
