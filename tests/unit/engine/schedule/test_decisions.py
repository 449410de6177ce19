"""The table of decisions: it is whole, it says what the model says, and the diagram on the page is drawn from it."""

from dataclasses import replace
from itertools import product

import pytest

from gameday.engine.schedule.decisions import RULES, Case, SlotContext, judged, may_start
from gameday.engine.schedule.schedule_state import start
from gameday.model.schedule import Decision, Schedule, ScheduleState, Slot, Window
from programs.diagrams import SLOTS, drawn, mermaid, slots

EVERY_MINUTE = Schedule("* * * * *", "Etc/UTC", starting_deadline=90.0)
AT = 1_764_500_400.0
OPEN = (Decision.SCHEDULED, Decision.STARTING)


def test_the_diagram_on_the_page_is_drawn_from_the_table() -> None:
    page = SLOTS.read_text()
    assert drawn(page, slots()) == page, "run `make generate` and commit"
    assert slots() in page


def test_arrows_between_the_same_states_are_one_and_what_leads_nowhere_is_an_end() -> None:
    edges = [(None, "A", "first"), ("A", "B", "this"), ("A", "B", "that"), ("A", "C", "else")]
    assert mermaid(edges) == (
        "stateDiagram-v2\n"
        "    [*] --> A: first\n"
        "    A --> B: this / that\n"
        "    A --> C: else\n"
        "    B --> [*]\n"
        "    C --> [*]\n"
    )


def test_every_decision_can_be_reached_and_only_open_ones_lead_on() -> None:
    assert {rule.after for rule in RULES} == set(Decision)
    assert {rule.before for rule in RULES if rule.before is not None} == set(OPEN)
    for decision in Decision:
        assert Slot(AT, decision).open is (decision in OPEN)
        assert may_start(decision) is (decision in OPEN)


def test_no_rule_leads_back() -> None:
    order = [None, Decision.SCHEDULED, Decision.STARTING]
    for rule in RULES:
        if rule.after in order:
            assert order.index(rule.before) < order.index(rule.after)


@pytest.mark.parametrize("decision", Decision)
def test_a_drill_begins_only_for_a_slot_that_is_open(decision: Decision) -> None:
    state = ScheduleState("a", 1, 0.0, AT, (Slot(AT, decision, "why"),))
    begun = start(state, AT, "redis-1", "uid")
    if decision in OPEN:
        assert begun.slots == (Slot(AT, Decision.STARTED, "drill redis-1", drill="uid"),)
    else:
        assert begun == state
    assert start(state, AT + 60, "redis-2", "uid") == state


def test_every_decision_of_the_table_is_made_in_some_case() -> None:
    """No rule stands behind others that always apply first."""
    dark = Schedule("* * * * *", "Etc/UTC", blackouts=(Window("freeze", AT, AT + 1),))
    schedules = [None, EVERY_MINUTE, Schedule("0 0 1 1 *", "Etc/UTC"), dark, replace(dark, suspend=True)]
    around = [
        SlotContext(running, halted, made=made)
        for running, halted, made in product((None, "x"), ("", "h"), (False, True))
    ]
    seen = set()
    for before, schedule, beside, late in product((None, *OPEN), schedules, around, (-20, 0, 11, 60, 91)):
        found = judged(before, Case(schedule, AT, beside, AT + late, AT - 3600))
        if found is not None:
            seen.add((before, found[0]))
    wanted = {(rule.before, rule.after) for rule in RULES if rule.applies is not None}
    assert seen == wanted
