"""Action items of a team after drills. They are in the GameDay, so that they are reviewed and kept as the plan is."""

from datetime import date
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from gameday.schema.base import ApiModel

DAY: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
LINK: Final = r"^https?://[^\s<>\"]+$"


class ActionItem(ApiModel):
    """Something to do. Each report shows it until it is closed."""

    text: Annotated[str, Field(min_length=1, max_length=256)]
    """What is to be done."""
    owner: Annotated[str, Field(max_length=63)] = ""
    """Who does it."""
    due: Annotated[str | None, Field(pattern=DAY, max_length=10)] = None
    """By which day, such as 2026-12-18; a report marks what is open after it."""
    link: Annotated[str | None, Field(pattern=LINK, max_length=512)] = None
    """Where the work on it is tracked."""
    closed: Annotated[str | None, Field(pattern=DAY, max_length=10)] = None
    """On which day it was done; without it the item is open."""

    @model_validator(mode="after")
    def _has_days(self) -> Self:
        for name, text in (("due", self.due), ("closed", self.closed)):
            if text is not None:
                try:
                    date.fromisoformat(text)
                except ValueError as error:
                    raise ValueError(
                        f"{name}: {text} is not a date that exists: write a day such as 2026-12-18"
                    ) from error
        return self
