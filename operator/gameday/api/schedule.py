"""The part of a GameDay that lets it run by itself: its schedule, and how many of those drills are kept."""

from typing import Annotated

from pydantic import Field

from gameday.schema.base import ApiModel, Duration, Name, cel, keyed

Cron = Annotated[str, Field(min_length=9, max_length=100)]
"""Five fields: minute, hour, day of month, month, day of week."""
LocalTime = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?$", max_length=16)]
"""A day or a minute in the schedule's time zone; a day alone means its first minute."""


class Blackout(ApiModel):
    """A time in which no slot starts: once, by from and until, or again and again, by cron and lasts."""

    model_config = {
        "json_schema_extra": cel(
            (
                "has(self.from) == has(self.until) && has(self.cron) == has(self.lasts)"
                " && has(self.from) != has(self.cron)",
                "give either from and until, or cron and lasts",
            ),
        )
    }
    name: Name
    """Why, in words; a slot that does not start names it."""
    from_: Annotated[LocalTime | None, Field(alias="from")] = None
    """First moment, in the schedule's time zone: 2026-12-20 or 2026-12-20T18:00."""
    until: LocalTime | None = None
    """First moment after it."""
    cron: Cron | None = None
    """When it begins, again and again; five fields, in the schedule's time zone."""
    lasts: Duration | None = None
    """How long it then lasts."""


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
    """Times in which no slot starts."""
    suspend: bool = False
    """Whether slots pass without starting. A drill that runs goes on."""


class History(ApiModel):
    """How many drills of the schedule are kept once they have ended; those that people created are never deleted."""

    keep: Annotated[int, Field(ge=1, le=100)] = 10
    """The newest so many, and the last one that failed."""
