"""Hours of the week on the clocks of a time zone: whether a moment lies in them, and until when.

The clock on the wall decides. A time that the clock shows twice lies in the hours both times; hours that begin in a
time that the clock skips begin with the first minute after it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""The days of the week as people write them; Monday is 0."""
MIDNIGHT: Final = 24 * 60
"""The end of a day, in minutes."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of the week on the clocks of a time zone.

    ``days`` are those on which the hours begin; ``begins`` and ``ends`` are minutes of the day. Hours that end no later
    than they begin go on into the next day. ``text`` is how a person wrote them.
    """

    text: str
    days: frozenset[int]
    begins: int
    ends: int
    zone: str

    def cover(self, at: float) -> bool:
        """Whether a moment, as a Unix second, lies in these hours."""
        here = datetime.fromtimestamp(at, ZoneInfo(self.zone))
        today, minute = here.weekday(), 60 * here.hour + here.minute
        if self.begins < self.ends:
            return today in self.days and self.begins <= minute < self.ends
        begun_yesterday = (today - 1) % 7 in self.days and minute < self.ends
        return begun_yesterday or (today in self.days and minute >= self.begins)

    def end_after(self, at: float) -> float | None:
        """When the hours that cover a moment end, as a Unix second, or None where none cover it.

        Hours of the next day that follow without a pause have an end of their own.
        """
        if not self.cover(at):
            return None
        zone = ZoneInfo(self.zone)
        here = datetime.fromtimestamp(at, zone)
        passed = 60 * (60 * here.hour + here.minute) + here.second + here.microsecond / 1e6
        left = 60 * self.ends - passed
        end = at + (left if left > 0 else left + 60 * MIDNIGHT)
        if datetime.fromtimestamp(end, zone).utcoffset() == here.utcoffset():
            return end
        # A clock changes by whole minutes: the end is the first minute that does not lie in these hours any more.
        wall = here.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=self.ends)
        if self.begins >= self.ends and 60 * here.hour + here.minute >= self.begins:
            wall += timedelta(days=1)
        minute = at - (here.second + here.microsecond / 1e6)
        while self.cover(minute) and datetime.fromtimestamp(minute, zone).replace(tzinfo=None) < wall:
            minute += 60
        return minute
