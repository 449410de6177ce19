"""Blackouts on their way in: their ends are times on the wall, which may come twice or not at all."""

from datetime import datetime

import pytest

from gameday.api.calendar import calendar_fields, calendar_of, schedule_of
from gameday.api.parse import PlanInvalid
from gameday.cluster.kinds import GAMEDAYS
from gameday.controller.gameday.gamedays import _condition
from gameday.model.schedule import Calendar, Decision, Slot, Window
from gameday.schema.bounds import SLOTS
from largest import LETTERS
from simulation.store import Store
from simulation.town import SPECS
from simulation.world import World


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


def test_a_slot_that_cannot_be_read_is_left_out_and_stays_decided() -> None:
    slots = (Slot(60.0, Decision.TOO_LATE), Slot(120.0, Decision.STARTED), Slot(180.0, Decision.HALTED))
    fields = calendar_fields(Calendar("digest", 3, 30.0, 180.0, slots))
    fields["slots"][1]["decision"] = "Postponed"
    fields["slots"][2]["at"] = "0000-01-01T00:00:00Z"
    assert calendar_of(fields) == Calendar("digest", 3, 30.0, 180.0, slots[:1])


@pytest.mark.parametrize("damage", [{"lastDecidedSlot": "0000-01-01T00:00:00Z"}, {"schedule": {"digest": "x"}}])
def test_a_calendar_that_cannot_be_read_begins_anew_and_ends_no_process(damage: dict[str, object]) -> None:
    assert calendar_of(calendar_fields(Calendar("digest", 3, 30.0, 180.0)) | damage) is None


@pytest.mark.parametrize("letter", LETTERS)
def test_the_largest_status_of_a_gameday_is_admitted(letter: str) -> None:
    message = letter * 5000
    slots = tuple(Slot(1.8e9 + n, decision, message, 7, "u" * 36) for n, decision in enumerate(Decision))
    calendar = Calendar("d" * 16, 3, 30.0)
    for slot in slots * 3:
        calendar = calendar.note(slot)
    store = Store(World(1))
    body = {"metadata": {"name": "small", "namespace": "shop", "generation": 1}, "spec": SPECS[True, True, False, True]}
    made = store.create("person", GAMEDAYS, "shop", body)
    ready = [_condition(made, (kind, "False", message[:9], message), lambda: 1.8e9) for kind in ("Ready", "Halted")]
    status = calendar_fields(calendar) | {"conditions": ready, "lastDrill": "d" * 63, "lastVerdict": "Inconclusive"}
    kept = store.replace_status("operator", GAMEDAYS, "shop", "small", made | {"status": status})
    assert kept["status"] == status
    assert len(kept["status"]["slots"]) <= SLOTS
