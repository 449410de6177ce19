"""The part of a GameDay that lets it run by itself: its schedule, and how many of those drills are kept."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from gameday.schema import renamed
from gameday.schema.base import ApiModel, Duration, Name, cel, keyed
from gameday.schema.moments import Moment
from gameday.schema.when import When

ONE_OF: Final = "give either when, or from and until"

Cron = Annotated[str, Field(min_length=9, max_length=100)]
"""Five fields: minute, hour, day of month, month, day of week."""


class Blackout(ApiModel):
    """A time in which no slot starts: once, by from and until, or every week, by when."""

    model_config = {
        "json_schema_extra": cel(
            ("has(self.from) == has(self.until) && has(self.from) != has(self.when)", ONE_OF),
        )
    }
    RENAMED = renamed.BLACKOUT
    name: Name
    """Why, in words; a slot that does not start names it."""
    when: When | None = None
    """Days, hours and their time zone, such as Mon-Thu 09:00-17:00 Europe/Berlin; 22:00-06:00 ends on the next day."""
    from_: Annotated[Moment | None, Field(alias="from")] = None
    """First moment, with its distance from UTC: 2026-12-18T18:00:00+01:00."""
    until: Moment | None = None
    """First moment after it."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.from_ is None) != (self.until is None) or (self.from_ is None) == (self.when is None):
            raise ValueError(ONE_OF)
        return self


class Schedule(ApiModel):
    """When drills start by themselves. A slot runs once or not at all; one that does not run leaves its reason."""

    model_config = {
        "json_schema_extra": cel(
            (
                "duration(self.startingDeadline) >= duration('10s')"
                " && duration(self.startingDeadline) <= duration('24h')",
                "startingDeadline must be from 10s to 24h",
            ),
        )
    }
    cron: Cron
    """Five fields: minute, hour, day of month, month, day of week; read in timeZone."""
    time_zone: Annotated[str, Field(min_length=1, max_length=64)]
    """IANA time zone, such as Europe/Berlin or Etc/UTC."""
    starting_deadline: Duration = "5m"
    """How long after its time a slot may still start; later it is TooLate."""
    blackouts: Annotated[tuple[Blackout, ...], Field(max_length=16, json_schema_extra=keyed())] = ()
    """Times in which no drill of the schedule starts. One that has started goes on."""
    suspend: bool = False
    """Whether slots pass without starting. A drill that runs goes on."""


class History(ApiModel):
    """What is kept of drills that have ended: Drills of the schedule, and the samples of all drills."""

    keep: Annotated[int, Field(ge=1, le=100)] = 10
    """Drills of the schedule: the newest so many, and the last one that failed. Those that people create all stay."""
    samples: Annotated[int, Field(ge=0, le=100)] = 10
    """For how many drills, the newest ones, samples are kept for reports: a ConfigMap of at most 64 KiB for each."""
