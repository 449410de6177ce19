"""Slots against an oracle that knows no cron library: every minute of three years is looked at, in ten zones."""

import calendar
import re
from array import array
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameday.engine.schedule.slots import blackout_at, count, newest, next_runs, upcoming
from gameday.model.schedule import Recurring, Schedule, Window
from gameday.schema.when import hours_of

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
    "Pacific/Chatham",  # changes at a quarter to
    "Africa/Casablanca",  # changes its clock for Ramadan
    "Atlantic/Azores",  # in which midnight of the change does not exist
)
FIXED: Final = ("30 2 * * *", "0 0 * * *", "15 1,2,3 * * 0", "0,30 2 1-7 3,4,9,10,11 *", "45 0-3 13 * 5")
WALL: Final = ("*/20 * * * 0", "7 * * 3,10,11 *", "*/30 0-3 28-31 * *")
FOUND_WRONG: Final = ("44 */3 * * *", "*/7 16 * * *", "*/30 */22 * * *")
"""cronsim's own way with clock changes never ends in Chatham for the first, and loses slots on Lord Howe for others."""
FEW: Final = 4000
"""Slots of three years up to which an expression is compared over all of them, and not only around clock changes."""
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class Scan:
    """Every minute of three years in one zone: what the clock on the wall shows then, as a count of minutes.

    ``leaps`` are the clock's changes: the number of the minute after it, and the minutes that are never shown.
    """

    def __init__(self, zone: str) -> None:
        self.shown = array("l")
        self.leaps: list[tuple[int, range]] = []
        place, before = ZoneInfo(zone), None
        for number, at in enumerate(range(int(BEGIN), int(END), 60)):
            wall = datetime.fromtimestamp(at, place)
            shown = (wall.toordinal() * 24 + wall.hour) * 60 + wall.minute
            self.shown.append(shown)
            if before is not None and shown != before + 1:
                self.leaps.append((number, range(before + 1, shown)))
            before = shown


scan = lru_cache(maxsize=1)(Scan)


def numbers(field: str, low: int, high: int, names: tuple[str, ...] = (), first: int = 0) -> set[int]:
    """The numbers of a field, by the words of crontab(5); special days are left out."""

    def number(text: str) -> int:
        return names.index(text) + first if text in names else int(text)

    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if "L" in span or "#" in span:
            continue
        start, _, stop = span.partition("-")
        begin, end = (low, high) if span == "*" else (number(start), number(stop or start))
        found |= set(range(begin, end + 1, int(step or 1)))
    return found


def names_day(cron: str, day: date) -> bool:
    """Whether an expression names a day: by both of its fields where one of them begins with a star, else by either."""
    _, _, of_month, months, of_week = cron.split()
    if day.month not in numbers(months, 1, 12, MONTHS, 1):
        return False
    last, weekday = calendar.monthrange(day.year, day.month)[1], day.isoweekday() % 7
    specials = {f"{weekday}#{(day.day - 1) // 7 + 1}"} | ({f"{weekday}L"} if day.day + 7 > last else set())
    in_week = {number % 7 for number in numbers(of_week, 0, 7, DAYS)}
    by_week = weekday in in_week or bool(specials & set(of_week.split(",")))
    by_month = day.day in numbers(of_month, 1, 31) or (day.day == last and "L" in of_month.split(","))
    return (by_month and by_week) if "*" in {of_month[0], of_week[0]} else (by_month or by_week)


class Oracle:
    """All slots of an expression, by looking at every minute."""

    def __init__(self, cron: str, zone: str) -> None:
        self.seen = scan(zone)
        minutes, hours = (numbers(field, 0, most) for field, most in zip(cron.split(), (59, 23), strict=False))
        self.minutes = {60 * hour + minute for hour in hours for minute in minutes}
        ordinals = range(date(2024, 12, 30).toordinal(), date(2028, 1, 3).toordinal())
        self.days = {ordinal for ordinal in ordinals if names_day(cron, date.fromordinal(ordinal))}
        self.follows = "*" in {field[0] for field in cron.split()[:2]}

    def __call__(self, since: float = BEGIN, until: float = END) -> list[float]:
        """The slots from ``since`` until just before ``until``."""
        first = max(0, int(since - BEGIN) // 60 - (0 if self.follows else 1440))
        last = max(0, int(until - BEGIN + 59) // 60)
        shown = enumerate(self.seen.shown[first:last], first)
        named = [(n, wall) for n, wall in shown if wall % 1440 in self.minutes and wall // 1440 in self.days]
        if not self.follows:
            earliest: dict[int, int] = {}
            for n, wall in named:
                earliest.setdefault(wall, n)
            moved = {n for n, skipped in self.seen.leaps if any(map(self._names, skipped))}
            named = [(n, 0) for n in {*earliest.values(), *moved}]
        slots = sorted(BEGIN + 60 * n for n, _ in named)
        return [at for at in slots if since <= at < until]

    def _names(self, wall: int) -> bool:
        return wall % 1440 in self.minutes and wall // 1440 in self.days


def compare(cron: str, zone: str) -> None:
    """See that the slots are the oracle's: all of them where they are few, and always across every clock change."""
    oracle = Oracle(cron, zone)
    if len(oracle.minutes) * len(oracle.days) <= FEW:
        assert list(takewhile(lambda at: at < END, upcoming(cron, zone, BEGIN - 1))) == oracle(), cron
    # A zone without clock changes is looked at around noon of some day, so that no zone is passed over.
    for number in [number for number, _ in scan(zone).leaps] or [400 * 1440]:
        change = BEGIN + 60 * number
        since, until = change - 30 * 3600, change + 30 * 3600
        expected = oracle(since, until)
        assert list(takewhile(lambda at: at < until, upcoming(cron, zone, since - 1))) == expected, cron  # noqa: B023
        for start in range(int(change) - 9000, int(change) + 9000, 1500):
            found = next(upcoming(cron, zone, float(start)), END)
            assert found == next((at for at in expected if at > start), max(found, until)), (cron, start)


def fields(low: int, high: int, extra: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[str]:
    """One field of an expression."""
    number = st.integers(low, high)
    span = st.tuples(number, number).filter(lambda two: two[0] < two[1]).map(lambda two: f"{two[0]}-{two[1]}")
    stepped = st.tuples(st.one_of(st.just("*"), span), st.integers(2, 15)).map(lambda two: f"{two[0]}/{two[1]}")
    item = st.one_of(number.map(str), number.map(str), span, *([extra] if extra is not None else []))
    several = st.lists(item, min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), stepped, several, several)


EXPRESSIONS: Final = st.tuples(
    fields(0, 59),
    fields(0, 23),
    st.one_of(st.just("*"), fields(1, 28, st.just("L"))),
    st.one_of(st.just("*"), st.just("*"), fields(1, 12, st.sampled_from(MONTHS))),
    st.one_of(st.just("*"), fields(0, 7, st.sampled_from([*DAYS, "2#1", "0#5", "5L", "1#3"]))),
).map(" ".join)


@pytest.mark.parametrize("zone", ZONES)
def test_slots_are_those_of_a_scan_over_every_minute_wherever_the_search_began(zone: str) -> None:
    @settings(max_examples=25)
    @given(cron=EXPRESSIONS)
    def of_any_expression(cron: str) -> None:
        compare(cron, zone)

    for cron in (*FIXED, *WALL, *FOUND_WRONG):
        compare(cron, zone)
    of_any_expression()


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


@settings(max_examples=100)
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
        blackouts=(Window("freeze", since, until), Recurring("weekend", hours_of("Sat,Sun 00:00-24:00 Europe/Berlin"))),
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


def test_the_next_run_after_a_long_blackout_is_found() -> None:
    began = datetime(2026, 12, 18, tzinfo=UTC).timestamp()
    freeze = Window("freeze", began, began + 21 * 86_400)
    schedule = Schedule(
        "*/2 * * * *", "Etc/UTC", blackouts=(freeze, Recurring("night", hours_of("Mon-Sun 22:00-06:00 UTC")))
    )
    until = began + 21 * 86_400 + 6 * 3600
    assert next_runs(schedule, began, 2) == (until, until + 120)
    nightly = Schedule("30 23 * * *", "Etc/UTC", blackouts=schedule.blackouts)
    assert next_runs(nightly, began, 5) == ()
