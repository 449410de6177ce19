"""Blackouts on their way in: their ends are times on the wall, which may come twice or not at all."""

from datetime import datetime

import pytest

from gameday.api.calendar import calendar_fields, calendar_of, schedule_of
from gameday.api.parse import PlanInvalid
from gameday.model.schedule import Calendar, Decision, Slot, Window


def window(since: str, until: str) -> Window:
    spec = {
        "cron": "*/15 * * * *",
        "timeZone": "Europe/Berlin",
        "blackouts": [{"name": "freeze", "from": since, "until": until}],
    }
    schedule = schedule_of({"schedule": spec})
    assert schedule is not None
    (blackout,) = schedule.blackouts
    assert isinstance(blackout, Window)
    return blackout


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("since", "until", "begins", "ends"),
    [
        pytest.param("2026-12-18", "2027-01-07", "2026-12-18T00:00+01:00", "2027-01-07T00:00+01:00", id="days"),
        pytest.param(
            "2026-10-25T02:00", "2026-10-25T02:30", "2026-10-25T02:00+02:00", "2026-10-25T02:30+01:00",
            id="both comings of an hour that comes twice",
        ),
        pytest.param(
            "2026-03-29T02:30", "2026-03-29T04:00", "2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00",
            id="from a time that is skipped: from the end of the gap, where the slots of the gap run",
        ),
        pytest.param(
            "2026-03-29T01:00", "2026-03-29T02:30", "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00",
            id="until a time that is skipped: until the end of the gap",
        ),
    ],
)  # fmt: skip
def test_a_blackout_covers_the_times_that_the_wall_shows(since: str, until: str, begins: str, ends: str) -> None:
    assert window(since, until) == Window("freeze", at(begins), at(ends))


def test_a_day_that_is_none_says_where() -> None:
    with pytest.raises(PlanInvalid, match=r"blackouts\[0\].until: '2026-02-30' is no date"):
        window("2026-02-01", "2026-02-30")


def test_a_calendar_comes_back_from_a_status_as_it_was() -> None:
    slots = (Slot(60.0, Decision.TOO_LATE, "missed", 7), Slot(120.0, Decision.STARTED, "drill a-2", drill="uid"))
    known = Calendar("digest", 3, 30.0, 120.0, slots)
    assert calendar_of(calendar_fields(known)) == known
