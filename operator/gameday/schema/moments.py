"""A moment in a spec: a day, a time and its distance from UTC, as RFC 3339 has it."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from gameday.schema.base import cel
from gameday.schema.bounds import cut
from gameday.schema.times import moment

FORM: Final = "write a time with its offset from UTC, such as 2026-12-18T18:00:00+01:00 or 2026-12-18T17:00:00Z"
MOST_CHARACTERS: Final = 40

_DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ZONE: Final = "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_WHOLE: Final = f"^{_DAY}T[0-9]{{2}}:[0-9]{{2}}:[0-5][0-9]([.][0-9]+)?{_ZONE}$"


def _checked(text: str) -> str:
    if not re.match(_WHOLE, text):
        raise ValueError(f"{cut(text, MOST_CHARACTERS)!r} is not a valid time: {FORM}")
    try:
        moment(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a date that exists: {FORM}") from error
    return text


Moment = Annotated[
    str,
    Field(max_length=MOST_CHARACTERS, json_schema_extra=cel((f"self.matches('{_WHOLE}')", FORM))),
    AfterValidator(_checked),
]
"""No ``format: date-time``: its message would not say what to write, and rules would see no text."""
