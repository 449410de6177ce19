"""Slots against an oracle that knows no cron library: every minute of three years is looked at, in ten zones."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameday.engine.slots import blackout_at, count, newest, next_runs, upcoming
from gameday.model.schedule import Recurring, Schedule, Window

BEGIN: Final = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
END: Final = datetime(2028, 1, 1, tzinfo=UTC).timestamp()
ZONES: Final = (
    "Etc/UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Lord_Howe",  # half an hour of daylight saving time
    "Pacific/Chatham",
    "Africa/Casablanca",  # changes its clock for Ramadan
    "Atlantic/Azores",  # in which midnight of the change does not exist
)
FIXED: Final = ("30 2 * * *", "0 0 * * *", "15 1,2,3 * * 0", "0,30 2 1-7 3,4,9,10,11 *", "45 0-3 13 * 5")
WALL: Final = ("*/20 * * * 0", "7 * * 3,10,11 *", "*/30 0-3 28-31 * *")

Minute = tuple[float, int, int, datetime]
"""A minute: its Unix second, and what the zone's clock shows: minute, hour, all of it."""


@lru_cache(maxsize=1)
def minutes(zone: str) -> tuple[tuple[Minute, ...], tuple[tuple[float, datetime, datetime], ...]]:
    """The minutes of three years, and each change of the clock: when, and what it showed before and after.

    Only every fifth minute and those two after them are kept: no expression here names another.
    """
    place, kept, changes = ZoneInfo(zone), [], []
    before: datetime | None = None
    for at in range(int(BEGIN), int(END), 60):
        if at // 60 % 5 not in {0, 2}:
            continue
        wall = datetime.fromtimestamp(at, place).replace(tzinfo=None)
        kept.append((float(at), wall.minute, wall.hour, wall))
        if before is not None and not timedelta() < wall - before <= timedelta(minutes=3):
            changes.append((float(at), before, wall))
        before = wall
    return tuple(kept), tuple(changes)


def allowed(field: str, low: int, high: int) -> set[int]:
    """The numbers of a field, by the words of crontab(5)."""
    numbers: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        elif "-" in span:
            first, last = (int(number) for number in span.split("-"))
        else:
            first = last = int(span)
        numbers |= set(range(first, last + 1, int(step or 1)))
    return numbers


@cache
def matcher(cron: str) -> tuple[list[set[int]], bool]:
    """The fields' numbers, and whether both days must match."""
    fields = cron.split()
    ranges = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
    both = fields[2].startswith("*") or fields[4].startswith("*")
    return [allowed(field, low, high) for field, (low, high) in zip(fields, ranges, strict=True)], both


def means(cron: str, wall: datetime) -> bool:
    """Whether a wall clock's minute is named."""
    (minute, hour, day, month, weekday), both = matcher(cron)
    if wall.minute not in minute or wall.hour not in hour or wall.month not in month:
        return False
    days = (wall.day in day, wall.isoweekday() % 7 in weekday)
    return all(days) if both else any(days)


def oracle(cron: str, zone: str) -> list[float]:
    """All slots of three years, by looking at every minute."""
    scanned, changes = minutes(zone)
    (minute, hour, *_), _ = matcher(cron)
    named = [(at, wall) for at, m, h, wall in scanned if m in minute and h in hour and means(cron, wall)]
    if cron.startswith("*") or cron.split()[1].startswith("*"):
        return [at for at, _ in named]
    moved = [(at, wall) for at, before, wall in changes if any(means(cron, gone) for gone in _skipped(before, wall))]
    slots: dict[datetime, float] = {}
    for at, wall in sorted({*named, *moved}):
        slots.setdefault(wall, at)
    return sorted(slots.values())


def _skipped(before: datetime, wall: datetime) -> Iterator[datetime]:
    """The minutes that a clock never showed because it was put forward."""
    minute = before + timedelta(minutes=3)
    while minute < wall:
        yield minute
        minute += timedelta(minutes=1)


@pytest.mark.parametrize("zone", ZONES)
def test_slots_are_those_of_a_scan_over_every_minute_wherever_the_search_began(zone: str) -> None:
    for cron in (*FIXED, *WALL):
        found = list(takewhile(lambda at: at < END, upcoming(cron, zone, BEGIN - 1)))
        assert found == oracle(cron, zone), cron
    for cron in FIXED[:3]:
        slots = list(takewhile(lambda at: at < END, upcoming(cron, zone, BEGIN)))
        for change, _, _ in minutes(zone)[1]:
            for start in range(int(change) - 7200, int(change) + 7200, 600):
                expected = next((at for at in slots if at > start), None)
                assert next(upcoming(cron, zone, float(start))) == expected


def shown(cron: str, zone: str, day: str) -> list[str]:
    """The slots of one day, as the zone's clock shows them."""
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).timestamp()
    runs = takewhile(lambda at: at < start + 86_400, upcoming(cron, zone, start - 1))
    return [datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%H:%M%z") for at in runs]


def test_a_time_that_does_not_exist_runs_once_after_the_gap() -> None:
    assert shown("30 2 * * *", "Europe/Berlin", "2026-03-29") == ["03:00+0200"]
    assert shown("0,30 2 * * *", "Europe/Berlin", "2026-03-29") == ["03:00+0200"]


def test_a_time_that_exists_twice_runs_at_its_first_coming() -> None:
    assert shown("30 2 * * *", "Europe/Berlin", "2026-10-25") == ["02:30+0200"]


def test_an_expression_with_a_star_follows_the_wall() -> None:
    day = shown("0 * * * *", "Europe/Berlin", "2026-10-25")
    assert day[1:5] == ["01:00+0200", "02:00+0200", "02:00+0100", "03:00+0100"]


@settings(max_examples=100, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    cron=st.sampled_from([*FIXED, *WALL]),
    after=st.integers(int(BEGIN), int(END)),
    span=st.integers(0, 20 * 86_400),
)
def test_the_newest_slot_and_the_count_agree_with_the_list(zone: str, cron: str, after: int, span: int) -> None:
    schedule, now = Schedule(cron, zone), float(after + span)
    slots = list(takewhile(lambda at: at <= now, upcoming(cron, zone, float(after))))
    assert newest(schedule, float(after), now) == (slots[-1] if slots else None)
    assert count(schedule, float(after), now) == min(1000, sum(1 for at in slots if at < now))


def test_the_newest_slot_of_a_rare_schedule_is_found_years_back() -> None:
    leap = Schedule("0 12 29 2 *", "Etc/UTC")
    now = datetime(2027, 6, 1, tzinfo=UTC).timestamp()
    assert newest(leap, 0.0, now) == datetime(2024, 2, 29, 12, tzinfo=UTC).timestamp()


def test_blackouts_cover_their_time_and_nothing_else() -> None:
    zone = ZoneInfo("Europe/Berlin")
    since, until = (datetime(2026, 12, day, tzinfo=zone).timestamp() for day in (20, 27))
    schedule = Schedule(
        "0 10 * * *",
        "Europe/Berlin",
        blackouts=(Window("freeze", since, until), Recurring("weekend", "0 0 * * 6", 2 * 86_400.0)),
    )
    named = [
        blackout.name if (blackout := blackout_at(schedule, at)) is not None else ""
        for at in takewhile(lambda at: at < until + 86_400, upcoming(schedule.cron, schedule.zone, since - 86_400))
    ]
    assert named == ["weekend"] + ["freeze"] * 7 + ["weekend"]
    runs = next_runs(schedule, since - 86_400, 2)
    assert [re.sub("T.*", "", datetime.fromtimestamp(at, zone).isoformat()) for at in runs] == [
        "2026-12-28",
        "2026-12-29",
    ]
