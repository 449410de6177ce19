"""The one text for hours of the week, in limits and in blackouts: ``Mon-Thu 09:00-17:00 Europe/Berlin``.

Days are single ones, ranges or lists of both; hours may go over midnight, and 00:00-24:00 is a whole day.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from gameday.model.hours import DAYS, Hours
from gameday.model.local_time import is_zone
from gameday.schema import renamed
from gameday.schema.base import cel
from gameday.schema.bounds import cut

EXAMPLE: Final = "Mon-Thu 09:00-17:00 Europe/Berlin"
FORM: Final = renamed.HOURS
"""What to do, for whoever wrote something else."""
MOST_CHARACTERS: Final = 100

_WEEK: Final = f"write {', '.join(DAYS)}, a range such as Mon-Thu or a list such as Mon,Wed"
_DAY: Final = f"({'|'.join(DAYS)})"
_RANGE: Final = f"{_DAY}(-{_DAY})?"
_TIME: Final = "([01][0-9]|2[0-3]):[0-5][0-9]"
_HOURS: Final = f"{_TIME}-({_TIME}|24:00)"
_WHOLE: Final = f"^{_RANGE}(,{_RANGE})* {_HOURS} [A-Za-z0-9_+/-]+$"


def hours_of(text: str) -> Hours:
    """The hours that a text names.

    Raises:
        ValueError: when it names none; the message quotes the text, and says what is wrong in it and what to write.

    """
    found = next(_problems(text), None)
    if found is not None:
        raise ValueError(f"{cut(text, MOST_CHARACTERS)!r}: {found}")
    days, hours, zone = text.split(" ")
    begins, ends = (60 * int(time[:2]) + int(time[3:]) for time in hours.split("-"))
    return Hours(text, frozenset(_numbers(days)), begins, ends, zone)


def _problems(text: str) -> Iterator[str]:
    """What is wrong in a text, the first of which is to be said."""
    parts = text.split(" ")
    if len(parts) != 3 or "" in parts:
        yield _missing(text.split())
        return
    days, hours, zone = parts
    for part in days.split(","):
        if not re.fullmatch(_RANGE, part):
            yield f"{part!r} is not a day of the week: {_WEEK}"
    if not re.fullmatch(_HOURS, hours):
        yield f"{hours!r} are not hours of a day: write hours from 00:00 to 24:00, such as 09:00-17:00"
    elif hours[:5] == hours[6:]:
        yield f"{hours!r} ends when it begins: write 00:00-24:00 for a whole day"
    if not is_zone(zone):
        yield f"{zone!r} is not an IANA time zone: write one such as Europe/Berlin or Etc/UTC"


def _missing(parts: list[str]) -> str:
    """What to say of a text that has not three parts with one space between them."""
    timed = [":" in part for part in parts]
    if len(parts) == 2 and timed == [True, False]:
        return f"the days are missing: write them before the hours, Mon-Sun for every day, such as {EXAMPLE}"
    if len(parts) == 2 and timed == [False, True]:
        return f"the time zone is missing: write it after the hours, such as {EXAMPLE}"
    if len(parts) == 2:
        return f"the hours are missing: write 00:00-24:00 for whole days, such as {EXAMPLE}"
    return f"{FORM}, with one space between them"


def _numbers(days: str) -> Iterator[int]:
    for part in days.split(","):
        first, _, last = part.partition("-")
        begins, ends = DAYS.index(first), DAYS.index(last or first)
        yield from ((begins + day) % 7 for day in range((ends - begins) % 7 + 1))


def _checked(text: str) -> str:
    hours_of(text)
    return text


When = Annotated[
    str,
    Field(max_length=MOST_CHARACTERS, json_schema_extra=cel((f"self.matches('{_WHOLE}')", FORM))),
    AfterValidator(_checked),
]
"""Hours of the week in a time zone; lengths and form are checked by the API server, the rest by the operator."""
