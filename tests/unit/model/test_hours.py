"""Hours of the week against the clock on the wall, looked at minute by minute, also where it is put on or back."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameday.model.hours import DAYS, Hours
from gameday.schema.when import hours_of

CHANGES = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),  # by half an hour
    "Pacific/Chatham": ("2026-04-05", "2026-09-27"),  # at a quarter to
    "Atlantic/Azores": ("2026-03-29", "2026-10-25"),  # midnight of the change does not exist
}
"""Days on which a clock is put on or back."""


def at(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def shown(hours: Hours, moment: float) -> bool:
    """What a person says who looks at a clock and at the text."""
    here = datetime.fromtimestamp(moment, ZoneInfo(hours.zone))
    minute, today = 60 * here.hour + here.minute, here.weekday()
    begun = {today: 0, (today - 1) % 7: 24 * 60}
    long = (hours.ends - hours.begins) % 1440 or 1440
    return any(
        day in hours.days and hours.begins <= minute + passed < hours.begins + long for day, passed in begun.items()
    )


HOURS = st.builds(
    lambda days, begins, ends, zone: hours_of(
        f"{','.join(days)} {begins // 60:02}:{begins % 60:02}-{ends // 60:02}:{ends % 60:02} {zone}"
    ),
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=7),
    st.integers(0, 287).map(lambda five: 5 * five),
    st.integers(0, 287).map(lambda five: 5 * five + 1),
    st.sampled_from(sorted(CHANGES)),
)


@settings(max_examples=150, deadline=None)
@given(HOURS, st.sampled_from([0, 1]), st.integers(-24 * 60, 24 * 60), st.floats(0, 59.9))
def test_a_moment_lies_in_hours_as_the_clock_shows_and_they_end_where_it_does_no_more(
    hours: Hours, change: int, minutes: int, seconds: float
) -> None:
    moment = at(f"{CHANGES[hours.zone][change]} 03:00", hours.zone) + 60 * minutes + seconds
    assert hours.cover(moment) is shown(hours, moment)
    end = hours.end_after(moment)
    if not shown(hours, moment):
        assert end is None
        return
    later = moment // 60 * 60 + 60
    while shown(hours, later):
        later += 60
    assert end == pytest.approx(later, abs=0.001)


def test_whole_days_have_as_many_hours_as_the_day() -> None:
    sunday = hours_of("Sun 00:00-24:00 Europe/Berlin")
    for day, length in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-29", 24)):
        begin = at(f"{day} 00:00")
        assert sunday.end_after(begin) == begin + length * 3600
        assert not sunday.cover(begin - 1)
        assert not sunday.cover(begin + length * 3600)


def test_a_time_that_comes_twice_is_covered_both_times_and_the_time_between_is_not() -> None:
    hours = hours_of("Sun 02:15-02:45 Europe/Berlin")
    for fold in (0, 1):
        begin = at("2026-10-25 02:15", fold=fold)
        assert not hours.cover(begin - 60)
        assert hours.end_after(begin) == begin + 1800


def test_hours_that_begin_in_a_time_that_is_skipped_begin_after_it() -> None:
    hours = hours_of("Sun 02:30-04:00 Europe/Berlin")
    gap = at("2026-03-29 03:00")
    assert not hours.cover(gap - 1)
    assert hours.end_after(gap) == gap + 3600


def test_hours_that_end_in_a_time_that_is_skipped_end_before_it() -> None:
    hours = hours_of("Sun 01:00-02:30 Europe/Berlin")
    assert hours.end_after(at("2026-03-29 01:00")) == at("2026-03-29 03:00")


def test_hours_over_midnight_belong_to_the_day_on_which_they_begin() -> None:
    night = hours_of("Fri 22:00-06:00 Europe/Berlin")
    assert night.end_after(at("2026-11-27 23:00")) == at("2026-11-28 06:00")
    assert night.end_after(at("2026-11-28 05:59:59")) == at("2026-11-28 06:00")
    assert not night.cover(at("2026-11-27 05:59"))
    assert hours_of("Fri 22:00-00:00 Europe/Berlin").end_after(at("2026-11-27 23:00")) == at("2026-11-28 00:00")


@pytest.mark.parametrize(("zone", "day"), [(zone, day) for zone, days in CHANGES.items() for day in days])
def test_hours_without_a_pause_end_with_each_day_also_where_the_clock_changes(zone: str, day: str) -> None:
    """Such hours cover every minute there is: who looks for one that they do not looks for ever."""
    always = hours_of(f"Mon-Sun 00:00-24:00 {zone}")
    begins = at(f"{day}T12:00", zone) - 24 * 3600
    for moment in range(int(begins), int(begins) + 48 * 3600, 1800):
        end = always.end_after(float(moment))
        assert end is not None
        here, last = (datetime.fromtimestamp(one, ZoneInfo(zone)) for one in (moment, end - 60))
        assert moment < end
        assert last.date() == here.date()
        assert datetime.fromtimestamp(end, ZoneInfo(zone)).date() > here.date()
