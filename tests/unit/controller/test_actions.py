"""The action of an Event: one for each reason, and by what the drill holds where a cause may end it at any time."""

import re
from dataclasses import replace

import pytest

from gameday.controller.actions import _BY_REASON, Action, action_of
from gameday.model.change import Change
from gameday.model.record import DrillRecord, Phase, Reason, ResultState
from unit.test_package import PACKAGE

IDLE = DrillRecord()
CUTTING = DrillRecord(
    changes=(Change("partition", "networkPartition", "NetworkPolicy", "first-partition", "first-fuse"),)
)
NOTED = re.compile(r'\.note\(\s*ctx\.now, "([A-Za-z]+)"|, at, "([A-Za-z]+)"|note\(at, "([A-Za-z]+)"')


def test_a_cause_that_ends_a_drill_refuses_it_or_reverts_what_it_holds() -> None:
    assert action_of("AgentLost", IDLE) is Action.REFUSE
    assert action_of("AgentLost", CUTTING) is Action.REVERT
    assert action_of("Busy", IDLE) is Action.REFUSE
    assert action_of("Halted", CUTTING) is Action.REVERT


@pytest.mark.parametrize(
    ("reason", "action"),
    [
        ("Preflight", Action.CHECK),
        ("Outage", Action.CUT),
        ("CutProven", Action.CUT),
        ("Recovery", Action.REVERT),
        ("CutReverted", Action.REVERT),
        ("StepDone", Action.ROLL_BACK),
        ("Finished", Action.JUDGE),
        ("StatusRefused", Action.RECORD),
    ],
)
def test_what_was_done_is_told_whatever_is_held(reason: str, action: Action) -> None:
    assert action_of(reason, IDLE) is action_of(reason, CUTTING) is action


@pytest.mark.parametrize("phase", [Phase.OUTAGE, Phase.RECOVERY])
@pytest.mark.parametrize(
    "reason", ["MitigationBegun", "MitigationDone", "StepIntended", "StepDone", "MitigationFailed"]
)
def test_what_a_mitigation_does_is_told_as_such(phase: Phase, reason: str) -> None:
    assert action_of(reason, replace(CUTTING, phase=phase)) is Action.MITIGATE


@pytest.mark.parametrize("state", ResultState)
def test_an_expectation_is_judged(state: ResultState) -> None:
    assert action_of(f"Expectation{state.value}", CUTTING) is Action.JUDGE


def test_every_reason_of_a_timeline_has_an_action_of_its_own_or_is_a_cause() -> None:
    sources = [path.read_text() for room in ("engine", "model") for path in (PACKAGE / room).rglob("*.py")]
    noted = {word for text in sources for found in NOTED.findall(text) for word in found if word}
    assert {"CutProven", "FaultsNotCleared", "Stalled", "Resumed", "StepDone"} <= noted
    known = set(_BY_REASON) | {reason.value for reason in Reason}
    assert noted - known == set()
    assert {phase.value for phase in Phase} <= set(_BY_REASON)


def test_every_action_is_a_word_that_the_api_server_takes() -> None:
    assert all(re.fullmatch("[A-Z][A-Za-z]{1,127}", action) for action in Action)
