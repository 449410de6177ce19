"""Blackouts on their way in, and calendars on their way to a status and back."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameday.api.schedule_state import hindered, schedule_of, schedule_state_fields, schedule_state_of
from gameday.cluster.resources import GAMEDAYS
from gameday.controller.gameday.gamedays import _condition
from gameday.errors import PlanInvalid
from gameday.model.schedule import Decision, Recurring, Schedule, ScheduleState, Slot, Window
from gameday.schema.bounds import SLOTS
from gameday.schema.when import hours_of
from largest import LETTERS
from simulation.namespace import SPECS
from simulation.scenario import Faults
from simulation.store import Store
from simulation.world import World


def schedule(blackout: dict[str, str]) -> Schedule:
    spec = {"cron": "*/15 * * * *", "timeZone": "Europe/Berlin", "blackouts": [{"name": "freeze"} | blackout]}
    found = schedule_of({"schedule": spec})
    assert found is not None
    return found


def test_a_blackout_is_a_span_or_hours_of_the_week() -> None:
    span = schedule({"from": "2026-12-18T18:00:00+01:00", "until": "2027-01-07T08:00:00Z"})
    begins, ends = (datetime(2026, 12, 18, 17, tzinfo=UTC), datetime(2027, 1, 7, 8, tzinfo=UTC))
    assert span.blackouts == (Window("freeze", begins.timestamp(), ends.timestamp()),)
    weekly = schedule({"when": "Thu 16:00-24:00 Asia/Tokyo"})
    assert weekly.blackouts == (Recurring("freeze", hours_of("Thu 16:00-24:00 Asia/Tokyo")),)


MOMENT = "write a time with its offset from UTC, such as 2026-12-18T18:00:00+01:00 or 2026-12-18T17:00:00Z"
DAY = {"from": "2026-12-18T00:00:00Z"}
TEXT = "write days, hours and a time zone, such as Mon-Thu 09:00-17:00 Europe/Berlin"


@pytest.mark.parametrize(
    ("blackout", "path", "says"),
    [
        ({}, "", "give either when, or from and until"),
        (DAY, "", "give either when, or from and until"),
        ({"when": "Mon 09:00-17:00 UTC", "until": "2026-12-18T00:00:00Z"}, "", "give either when, or from and until"),
        ({"when": "Mon 09:00-17:00 UTC"} | DAY | {"until": DAY["from"]}, "", "give either when, or from and until"),
        (
            DAY | {"until": "2027-02-30T00:00:00Z"},
            ".until",
            f"'2027-02-30T00:00:00Z' is not a date that exists: {MOMENT}",
        ),
        (DAY | {"until": "2026-12-19"}, ".until", f"'2026-12-19' is not a valid time: {MOMENT}"),
        (DAY | {"until": "2026-12-19T18:00"}, ".until", f"'2026-12-19T18:00' is not a valid time: {MOMENT}"),
        (
            {"when": "Thu 16:00-24:00"},
            ".when",
            "'Thu 16:00-24:00': the time zone is missing: write it after the hours, such as "
            "Mon-Thu 09:00-17:00 Europe/Berlin",
        ),
        ({"cron": "0 16 * * 4"}, "", f"cron is called when now: {TEXT}"),
        (
            {"cron": "0 16 * * 4", "lasts": "8h"},
            "",
            f"cron is called when now: {TEXT}; lasts is called when now: {TEXT}",
        ),
    ],
)
def test_a_blackout_that_is_wrong_says_where_and_what_to_write(blackout: dict[str, str], path: str, says: str) -> None:
    with pytest.raises(PlanInvalid) as refused:
        schedule(blackout)
    assert refused.value.findings == ((f"spec.schedule.blackouts[0]{path}", says),)


@given(st.datetimes(datetime(1970, 1, 2), datetime(9998, 1, 1)), st.integers(-23 * 60, 23 * 60))  # noqa: DTZ001  the zone is the second one
def test_a_moment_is_the_same_however_far_from_utc_it_is_written(wall: datetime, minutes: int) -> None:
    at = wall.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    (window,) = schedule({"from": at.isoformat(), "until": "9999-01-01T00:00:00Z"}).blackouts
    assert isinstance(window, Window)
    assert window.since == at.timestamp()


@given(st.text(max_size=50))
def test_whatever_a_moment_says_it_is_taken_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(PlanInvalid):
        schedule({"from": text, "until": text})


def test_a_calendar_comes_back_from_a_status_as_it_was() -> None:
    slots = (Slot(60.0, Decision.TOO_LATE, "missed", 7), Slot(120.0, Decision.STARTED, "drill a-2", drill="uid"))
    known = ScheduleState("digest", 3, 30.0, 120.0, slots)
    assert schedule_state_of(schedule_state_fields(known)) == known


def test_the_word_of_an_earlier_operator_is_read_and_a_status_with_it_is_admitted() -> None:
    known = ScheduleState("digest", 3, 30.0, 120.0, (Slot(60.0, Decision.STARTED), Slot(120.0, Decision.SCHEDULED)))
    fields = schedule_state_fields(known)
    assert [slot["decision"] for slot in fields["slots"]] == ["Started", "Scheduled"]
    fields["slots"][1]["decision"] = "Coming"
    assert schedule_state_of(fields) == known
    store = Store(World(1))
    body = {
        "metadata": {"name": "small", "namespace": "shop", "generation": 1},
        "spec": SPECS[True, True, False, True, Faults.CUT],
    }
    made = store.create("person", GAMEDAYS, "shop", body)
    kept = store.replace_status("operator", GAMEDAYS, "shop", "small", made | {"status": fields})
    assert schedule_state_of(kept["status"]) == known


def test_a_slot_that_cannot_be_read_is_left_out_and_stays_decided() -> None:
    slots = (Slot(60.0, Decision.TOO_LATE), Slot(120.0, Decision.STARTED), Slot(180.0, Decision.HALTED))
    fields = schedule_state_fields(ScheduleState("digest", 3, 30.0, 180.0, slots))
    fields["slots"][1]["decision"] = "Postponed"
    fields["slots"][2]["at"] = "0000-01-01T00:00:00Z"
    assert schedule_state_of(fields) == ScheduleState("digest", 3, 30.0, 180.0, slots[:1])


@pytest.mark.parametrize("damage", [{"lastDecidedSlot": "0000-01-01T00:00:00Z"}, {"schedule": {"digest": "x"}}])
def test_a_calendar_that_cannot_be_read_begins_anew_and_ends_no_process(damage: dict[str, object]) -> None:
    assert schedule_state_of(schedule_state_fields(ScheduleState("digest", 3, 30.0, 180.0)) | damage) is None


@pytest.mark.parametrize("letter", LETTERS)
def test_the_largest_status_of_a_gameday_is_admitted(letter: str) -> None:
    message = letter * 5000
    slots = tuple(Slot(1.8e9 + n, decision, message, 7, "u" * 36) for n, decision in enumerate(Decision))
    state = ScheduleState("d" * 16, 3, 30.0)
    for slot in slots * 3:
        state = state.note(slot)
    store = Store(World(1))
    body = {
        "metadata": {"name": "small", "namespace": "shop", "generation": 1},
        "spec": SPECS[True, True, False, True, Faults.CUT],
    }
    made = store.create("person", GAMEDAYS, "shop", body)
    ready = [_condition(made, (kind, "False", message[:9], message), lambda: 1.8e9) for kind in ("Ready", "Halted")]
    status = schedule_state_fields(state) | {"conditions": ready, "lastDrill": "d" * 63, "lastVerdict": "Inconclusive"}
    kept = store.replace_status("operator", GAMEDAYS, "shop", "small", made | {"status": status})
    assert kept["status"] == status
    assert len(kept["status"]["slots"]) <= SLOTS


NOON = 1_796_040_000.0
"""30 November 2026, 12:00 UTC."""


@pytest.mark.parametrize(
    ("decision", "spec", "later", "why"),
    [
        ("", {"cron": "0 12 * * *"}, 1.0, ""),
        ("", {"cron": "0 13 * * *"}, 1.0, "its schedule was changed"),
        ("", {"cron": "0 13 * * *"}, -1.0, ""),
        ("", {"cron": "0 12 * * *", "timeZone": "Asia/Tokyo"}, 1.0, "its schedule was changed"),
        ("", {"cron": "none"}, 1.0, "its schedule was changed"),
        ("", {}, 1.0, "its schedule was changed"),
        ("Scheduled", {}, 1.0, ""),
        ("Started", {}, 1.0, ""),
        ("Blackout", {"cron": "0 12 * * *"}, 1.0, "Blackout: freeze"),
    ],
)
def test_why_a_slot_did_not_run_is_known_once_it_is_over(
    decision: str, spec: dict[str, str], later: float, why: str
) -> None:
    at = datetime.fromtimestamp(NOON, UTC).isoformat()
    slot = {"at": at, "decision": decision, "message": "freeze" if decision == "Blackout" else ""}
    status = {"lastDecidedSlot": at, "slots": [slot]} if decision else {}
    gameday = {"spec": {"schedule": {"timeZone": "Etc/UTC"} | spec} if spec else {}, "status": status}
    assert hindered(gameday, NOON, NOON + later) == why
