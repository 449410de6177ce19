"""What becomes of a slot: the rules, one by one."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gameday.engine.schedule.decisions import SlotContext
from gameday.engine.schedule.retention import FinishedDrill, to_delete
from gameday.engine.schedule.schedule_state import check, decide, decide_open, due, load, local
from gameday.model.schedule import Decision, Recurring, Schedule, ScheduleState, Window
from gameday.schema.when import hours_of

MONDAY = datetime(2026, 11, 30, 10, tzinfo=UTC).timestamp()
WEEKLY = Schedule("0 10 * * 1", "Etc/UTC")
FRESH = ScheduleState("a", 1, MONDAY - 3600)


def last(
    schedule: Schedule, now: float, state: ScheduleState = FRESH, running: str | None = None, halted: str = ""
) -> tuple[str, str]:
    slot = decide(schedule, state, SlotContext(running, halted), now).slots[-1]
    return slot.decision.value, slot.message


def test_nothing_is_decided_before_its_time() -> None:
    assert decide(WEEKLY, FRESH, SlotContext(), MONDAY - 31) == FRESH
    assert due(WEEKLY, FRESH, MONDAY - 31) == MONDAY - 30


def test_a_slot_starts_at_its_time_and_until_the_starting_deadline() -> None:
    for now in (MONDAY, MONDAY + 300):
        decided = decide(WEEKLY, FRESH, SlotContext(), now)
        assert decided.starting is not None
        assert (decided.starting.at, decided.last_decided) == (MONDAY, MONDAY)


SCHEDULED = decide(WEEKLY, FRESH, SlotContext(), MONDAY - 30)


NOTHING = SlotContext()


def fate(
    state: ScheduleState, context: SlotContext = NOTHING, schedule: Schedule = WEEKLY, now: float = MONDAY
) -> Decision:
    """What a slot that was scheduled is, at its time or later."""
    slot = decide(schedule, state, context, now).slot(MONDAY)
    assert slot is not None
    return slot.decision


def test_a_slot_is_scheduled_ahead_and_nothing_is_left_to_record_at_its_time() -> None:
    assert [(slot.at, slot.decision) for slot in SCHEDULED.slots] == [(MONDAY, Decision.SCHEDULED)]
    assert SCHEDULED.last_decided == MONDAY
    for now in (MONDAY - 29, MONDAY - 1, MONDAY, MONDAY + 9):
        assert decide(WEEKLY, SCHEDULED, SlotContext(), now) == SCHEDULED
    assert due(WEEKLY, SCHEDULED, MONDAY - 30) == MONDAY
    assert due(WEEKLY, SCHEDULED, MONDAY) == MONDAY + 10


@pytest.mark.parametrize("made", [False, True])
def test_a_slot_whose_drill_has_not_begun_for_a_while_is_decided(made: bool) -> None:
    decided = decide(WEEKLY, SCHEDULED, SlotContext(made=made), MONDAY + 10)
    assert [(slot.at, slot.decision) for slot in decided.slots] == [(MONDAY, Decision.STARTING)]
    assert due(WEEKLY, decided, MONDAY + 10) == MONDAY + 300
    assert fate(load(decided, "b", 2, MONDAY + 11), now=MONDAY + 12) is Decision.STARTING


@pytest.mark.parametrize("context", [SlotContext("redis-7"), SlotContext(halted="halted")])
def test_a_slot_that_something_hinders_is_not_scheduled_ahead_but_decided_at_its_time(context: SlotContext) -> None:
    assert decide(WEEKLY, FRESH, context, MONDAY - 30) == FRESH
    assert due(WEEKLY, FRESH, MONDAY - 30) == MONDAY
    for schedule in (replace(WEEKLY, suspend=True), replace(WEEKLY, blackouts=(Window("w", MONDAY, MONDAY + 1),))):
        assert decide(schedule, FRESH, SlotContext(), MONDAY - 30) == FRESH
    assert fate(SCHEDULED, context) in {Decision.STILL_RUNNING, Decision.HALTED}


def test_what_is_written_before_its_time_counts_for_a_scheduled_slot() -> None:
    suspended, elsewhere = replace(WEEKLY, suspend=True), replace(WEEKLY, cron="0 11 * * 1")
    changed = load(SCHEDULED, "b", 2, MONDAY - 10)
    assert decide(suspended, changed, SlotContext(), MONDAY - 9) == changed
    assert fate(changed, schedule=suspended) is Decision.SUSPENDED
    assert fate(changed, schedule=elsewhere) is Decision.CHANGED
    assert fate(changed, schedule=replace(WEEKLY, starting_deadline=600)) is Decision.SCHEDULED
    assert fate(load(SCHEDULED, "a", 2, MONDAY - 10)) is Decision.SCHEDULED
    assert fate(changed, schedule=suspended, now=MONDAY + 600) is Decision.SUSPENDED
    assert fate(changed, schedule=elsewhere, now=MONDAY + 600) is Decision.CHANGED


def test_what_is_written_after_its_time_ends_a_slot_whose_drill_has_not_begun() -> None:
    changed = load(SCHEDULED, "b", 2, MONDAY + 1)
    assert fate(changed, SlotContext(made=True), now=MONDAY + 2) is Decision.CHANGED
    assert fate(changed.close(MONDAY, Decision.STARTED), now=MONDAY + 2) is Decision.STARTED


def test_once_its_drill_is_there_a_halt_and_other_drills_are_for_that_drill() -> None:
    assert fate(SCHEDULED, SlotContext("redis-7", "halted", made=True)) is Decision.SCHEDULED
    minutely = Schedule("* * * * *", "Etc/UTC")
    later = decide(minutely, SCHEDULED, SlotContext(made=True), MONDAY + 60)
    assert [slot.decision for slot in later.slots] == [Decision.STARTING, Decision.STILL_RUNNING]
    assert later.slots[-1].message == "drill of Mon 2026-11-30 10:00 UTC has not ended"


def test_a_slot_whose_drill_was_never_there_gives_way_to_the_next() -> None:
    minutely = Schedule("* * * * *", "Etc/UTC")
    later = decide(minutely, SCHEDULED, SlotContext(trouble="forbidden"), MONDAY + 60)
    assert [slot.decision for slot in later.slots] == [Decision.TOO_LATE, Decision.STARTING]
    assert later.slots[0].message == "its Drill did not exist by the next slot: forbidden"
    ended = decide(WEEKLY, SCHEDULED, SlotContext(trouble="forbidden"), MONDAY + 301)
    assert ended.slots[0].message == "its Drill did not start in time: forbidden"


def test_a_schedule_that_went_ends_what_was_scheduled() -> None:
    for now in (MONDAY - 20, MONDAY):
        ended = decide_open(None, SCHEDULED, SlotContext(made=True), now)
        assert [(slot.decision, slot.message) for slot in ended.slots] == [
            (Decision.CHANGED, "the GameDay was changed before its Drill started")
        ]
        assert decide_open(None, STARTING, SlotContext(made=True), now + 40).slots[0].decision is Decision.CHANGED


STARTING = decide(WEEKLY, FRESH, SlotContext(), MONDAY)


@pytest.mark.parametrize("made", [False, True], ids=["no Drill yet", "its Drill waits"])
def test_what_is_written_while_a_drill_waits_to_begin_counts(made: bool) -> None:
    """A Drill of another GameDay may keep it waiting for as long as startingDeadline."""
    context, now = SlotContext(made=made), MONDAY + 60
    freeze = replace(WEEKLY, blackouts=(Window("freeze", MONDAY - 1, MONDAY + 1),))
    assert fate(STARTING, context, replace(WEEKLY, suspend=True), now) is Decision.SUSPENDED
    assert fate(STARTING, context, freeze, now) is Decision.BLACKOUT
    assert fate(STARTING, context, replace(WEEKLY, cron="0 11 * * 1"), now) is Decision.CHANGED
    assert fate(STARTING, context, replace(WEEKLY, starting_deadline=600), now) is Decision.STARTING
    assert fate(STARTING.close(MONDAY, Decision.STARTED), context, freeze, now) is Decision.STARTED


@pytest.mark.parametrize("state", [FRESH, SCHEDULED, STARTING], ids=["not seen", "scheduled", "starting"])
def test_a_drill_does_not_start_in_a_blackout_that_began_after_its_slot(state: ScheduleState) -> None:
    evening = replace(WEEKLY, blackouts=(Window("evening", MONDAY + 60, MONDAY + 3600),))
    for made in (False, True):
        context = SlotContext(made=made)
        assert fate(state, context, evening, MONDAY + 59) in {Decision.SCHEDULED, Decision.STARTING}
        assert fate(state, context, evening, MONDAY + 60) is Decision.BLACKOUT
    found = decide(evening, state, NOTHING, MONDAY + 60).slots[-1]
    assert found.message == "it would start in blackout evening, which began after its time"
    assert last(evening, MONDAY + 301)[0] == "TooLate", "it was missed, in a blackout or not"


def test_a_drill_that_waited_for_others_too_long_says_so() -> None:
    waited = decide(WEEKLY, STARTING, SlotContext(made=True), MONDAY + 300).slots[0]
    assert waited.decision is Decision.TOO_LATE
    assert waited.message.startswith("its Drill did not start in time: it waited for other drills")
    nobody = decide(WEEKLY, STARTING, SlotContext(), MONDAY + 300).slots[0]
    assert nobody.message == "its Drill did not start in time: no operator was running to create or start it"


def test_each_reason_not_to_start_is_named() -> None:
    assert last(WEEKLY, MONDAY + 301) == ("TooLate", "seen 301 s after its time, and startingDeadline is 300 s")
    assert last(replace(WEEKLY, suspend=True), MONDAY) == ("Suspended", "spec.schedule.suspend is true")
    assert last(WEEKLY, MONDAY, running="redis-7") == ("StillRunning", "drill redis-7 has not ended")
    halted = last(replace(WEEKLY, suspend=True), MONDAY, halted="halted by the owner: release")
    assert halted == ("Halted", "halted by the owner: release")
    frozen = replace(WEEKLY, blackouts=(Window("release freeze", MONDAY - 60, MONDAY + 60),))
    assert last(frozen, MONDAY) == ("Blackout", "in blackout release freeze")
    nightly = replace(WEEKLY, blackouts=(Recurring("morning", hours_of("Mon-Sun 09:00-10:01 UTC")),))
    assert last(nightly, MONDAY) == ("Blackout", "in blackout morning")


def test_after_a_downtime_only_the_newest_slot_counts() -> None:
    minutely = Schedule("* * * * *", "Etc/UTC")
    state = replace(FRESH, last_decided=MONDAY)
    decided = decide(minutely, state, SlotContext(), MONDAY + 121 * 60 + 5)
    assert [(slot.decision, slot.count) for slot in decided.slots] == [(Decision.TOO_LATE, 120), (Decision.STARTING, 1)]
    assert decided.slots[-1].at == MONDAY + 121 * 60
    assert "120 slots since Mon 2026-11-30 10:01 UTC" in decided.slots[0].message


def test_a_year_of_missed_minutes_is_decided_at_once() -> None:
    minutely = Schedule("* * * * *", "Etc/UTC")
    decided = decide(minutely, FRESH, SlotContext(), MONDAY + 366 * 86_400)
    assert [slot.count for slot in decided.slots] == [1000, 1]
    assert decided.slots[0].message.startswith("at least 1000 slots")


def test_what_was_decided_stays_when_the_clock_goes_back() -> None:
    decided = decide(WEEKLY, FRESH, SlotContext(), MONDAY).close(MONDAY, Decision.STARTED)
    for now in (MONDAY - 86_400, MONDAY - 1, MONDAY, MONDAY + 6 * 86_400):
        assert decide(WEEKLY, decided, SlotContext(), now) == decided
    assert decided.note().last_decided == MONDAY


def test_a_changed_schedule_starts_nothing_past() -> None:
    changed = load(FRESH, "b", 2, MONDAY + 60)
    assert decide(WEEKLY, changed, SlotContext(), MONDAY + 61) == changed
    assert due(WEEKLY, changed, MONDAY + 61) == MONDAY + 7 * 86_400 - 30
    unseen = load(FRESH, "a", 3, MONDAY + 60)
    assert decide(WEEKLY, unseen, SlotContext(), MONDAY + 61) == unseen


def test_a_change_elsewhere_in_the_plan_costs_no_slot() -> None:
    same = load(FRESH, "a", 2, MONDAY + 60)
    assert decide(WEEKLY, same, SlotContext(), MONDAY + 61).starting is not None


def test_a_schedule_that_was_taken_out_and_put_back_remembers_what_was_decided() -> None:
    again = load(ScheduleState("", 0, 0.0, last_decided=MONDAY), "a", 5, MONDAY - 10)
    assert decide(WEEKLY, again, SlotContext(), MONDAY + 1) == again


def test_a_drill_that_could_not_be_created_in_time_is_too_late() -> None:
    starting = decide(WEEKLY, FRESH, SlotContext(), MONDAY)
    assert decide(WEEKLY, starting, SlotContext(trouble="forbidden"), MONDAY + 299) == starting
    ended = decide(WEEKLY, starting, SlotContext(trouble="forbidden"), MONDAY + 301)
    assert ended.starting is None
    assert ended.slots[-1].decision is Decision.TOO_LATE
    assert "forbidden" in ended.slots[-1].message


def test_a_drill_that_has_not_begun_yet_keeps_the_next_slots_from_starting() -> None:
    minutely = Schedule("* * * * *", "Etc/UTC")
    starting = decide(minutely, replace(FRESH, last_decided=MONDAY - 60), SlotContext(), MONDAY)
    assert due(minutely, starting, MONDAY) == MONDAY + 60
    later = decide(minutely, starting, SlotContext(), MONDAY + 60)
    assert [slot.decision for slot in later.slots] == [Decision.STARTING, Decision.STILL_RUNNING]
    assert later.slots[-1].message == "drill of Mon 2026-11-30 10:00 UTC has not ended"
    for minute in range(2, 5):
        later = decide(minutely, later, SlotContext("redis-1"), MONDAY + 60 * minute)
    assert later.starting == starting.starting
    assert later.close(MONDAY, Decision.STARTED).starting is None


@pytest.mark.parametrize(
    ("schedule", "finding"),
    [
        (Schedule("0 10 * *", "Etc/UTC"), "spec.schedule.cron: '0 10 * *' is not a cron expression: write five fields"),
        (Schedule("0 0 10 * * 1", "Etc/UTC"), "spec.schedule.cron: '0 0 10 * * 1' is not a cron expression"),
        (Schedule("61 10 * * *", "Etc/UTC"), "spec.schedule.cron: '61 10 * * *': bad minute"),
        (Schedule("0 10 30 2 *", "Etc/UTC"), "spec.schedule.cron: '0 10 30 2 *'"),
        (Schedule("0 10 * * *", "Berlin"), "spec.schedule.timeZone: 'Berlin' is not an IANA time zone"),
        (Schedule("0 10 * * *", "../etc/passwd"), "spec.schedule.timeZone"),
        (Schedule("0 10 * * *", "Europe"), "spec.schedule.timeZone: 'Europe' is not an IANA time zone"),
        (Schedule("0 10 * * *", "localtime"), "spec.schedule.timeZone: 'localtime' is not an IANA time zone"),
        (Schedule("0 10 * * *", "right/Europe/Berlin"), "spec.schedule.timeZone: 'right/Europe/Berlin' is not an IANA"),
        (Schedule("0 10 * * *", "Factory"), "spec.schedule.timeZone: 'Factory' is not an IANA time zone"),
        (Schedule("5-5/10 10 * * *", "Etc/UTC"), "spec.schedule.cron: '5-5/10 10 * * *': 5-5/ steps through a range"),
        (
            Schedule("0 10 * * *", "Etc/UTC", blackouts=(Window("x", 20, 10),)),
            "spec.schedule.blackouts[0].until: until must be later than from",
        ),
    ],
)
def test_what_no_schema_can_see_is_found(schedule: Schedule, finding: str) -> None:
    (found,) = map(str, check(schedule))
    assert found.startswith(finding)


def test_a_right_schedule_has_no_findings() -> None:
    assert list(check(replace(WEEKLY, cron="*/5 8-18 * JAN-MAR mon-fri", zone="Europe/Berlin"))) == []


def test_times_are_told_in_the_zone() -> None:
    assert local(MONDAY, "Europe/Berlin") == "Mon 2026-11-30 11:00 CET"
    assert local(MONDAY, "Asia/Kolkata") == "Mon 2026-11-30 15:30 IST"


def test_history_keeps_the_newest_and_the_last_that_failed() -> None:
    finished = [FinishedDrill(f"d{n}", float(n), failed=n in {1, 3}) for n in range(10)]
    assert set(to_delete(finished, 4)) == {"d0", "d1", "d2", "d4", "d5"}
    assert to_delete(finished[:3], 3) == ()
    assert to_delete([], 1) == ()
