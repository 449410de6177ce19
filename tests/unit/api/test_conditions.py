"""A Drill's conditions, and what those who read them make of it: ``kubectl wait``, and Flux by the rules of kstatus."""

from dataclasses import replace

import pytest

from gameday.api.conditions import Condition, conditions_of
from gameday.model.change import Change, ChangeState
from gameday.model.record import DrillRecord, Phase, Reason, Verdict

CUT = Change("cut", "networkPartition", "NetworkPolicy", "d-cut", "d-fuse", ChangeState.UNDOING, requested_at=1.0)
ENDED = DrillRecord(Phase.FINISHED, verdict=Verdict.FAILED, reason="ExpectationMissed", message="missed: a")


def kstatus(conditions: tuple[Condition, ...]) -> str:
    """What kstatus computes of an object whose newest generation was observed and that is not being deleted.

    As in ``pkg/kstatus/status`` of kubernetes-sigs/cli-utils: the first of Reconciling and Stalled that is True
    decides; else Ready does, where it is there; else the object is as it should be.
    """
    for kind, state, _, _ in conditions:
        if kind in {"Reconciling", "Stalled"} and state == "True":
            return {"Reconciling": "InProgress", "Stalled": "Failed"}[kind]
    ready = next((state for kind, state, _, _ in conditions if kind == "Ready"), "True")
    return "Current" if ready == "True" else "InProgress"


def states(record: DrillRecord) -> dict[str, str]:
    """The state of each condition by its type."""
    return {kind: state for kind, state, _, _ in conditions_of(record)}


@pytest.mark.parametrize(
    ("verdict", "passed"),
    [
        (Verdict.PASSED, "True"),
        (Verdict.FAILED, "False"),
        (Verdict.INCONCLUSIVE, "Unknown"),
        (Verdict.ABORTED, "Unknown"),
    ],
)
def test_a_drill_that_has_ended_is_ready_whatever_its_verdict(verdict: Verdict, passed: str) -> None:
    record = replace(ENDED, verdict=verdict)
    assert states(record) == {"Complete": "True", "Passed": passed, "FaultsCleared": "True", "Ready": "True"}
    assert kstatus(conditions_of(record)) == "Current"
    message = next(said for kind, _, _, said in conditions_of(record) if kind == "Ready")
    assert message == f"{verdict.value}: missed: a"


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.FINISHED])
def test_a_drill_under_way_reconciles_and_says_its_phase(phase: Phase) -> None:
    found = conditions_of(DrillRecord(phase))
    assert states(DrillRecord(phase)) == {
        "Complete": "False", "Passed": "Unknown", "FaultsCleared": "True", "Ready": "Unknown", "Reconciling": "True",
    }  # fmt: skip
    assert kstatus(found) == "InProgress"
    assert ("Reconciling", "True", phase.value, "under way") in found


def test_a_drill_that_waits_says_for_what() -> None:
    record = DrillRecord().wait(Reason.BUSY, "drill first runs", 1.0)
    assert ("Reconciling", "True", "Busy", "waiting: drill first runs") in conditions_of(record)


@pytest.mark.parametrize(
    ("record", "reason", "message"),
    [
        (DrillRecord(Phase.OUTAGE, stalled_by="pods are forbidden"), "Stalled", "pods are forbidden"),
        (replace(ENDED, stalled_by="leases are forbidden"), "Stalled", "leases are forbidden"),
        (
            DrillRecord(Phase.RECOVERY, changes=(CUT,), faults_cleared=False),
            "UndoOverdue",
            "still to be undone: NetworkPolicy d-cut",
        ),
        (
            DrillRecord(Phase.RECOVERY, changes=(CUT,), faults_cleared=False, stalled_by="policies are forbidden"),
            "UndoOverdue",
            "policies are forbidden",
        ),
    ],
    ids=["cannot see", "cannot tidy up", "cannot clear", "may not clear"],
)
def test_a_drill_that_cannot_go_on_is_stalled_and_reconciles_no_more(
    record: DrillRecord, reason: str, message: str
) -> None:
    found = conditions_of(record)
    assert ("Stalled", "True", reason, message) in found
    assert ("Ready", "False", reason, message) in found
    assert "Reconciling" not in states(record)
    assert kstatus(found) == "Failed"


def test_a_drill_goes_on_once_nothing_stands_in_its_way() -> None:
    stalled = DrillRecord(Phase.OUTAGE).stalled("pods are forbidden", 1.0)
    again = stalled.stalled("", 2.0)
    assert "Stalled" not in states(again)
    assert states(again)["Reconciling"] == "True"
    assert [line.reason for line in again.timeline] == ["Stalled", "Resumed"]


def test_what_was_not_undone_in_time_stalls_only_until_it_is() -> None:
    late = DrillRecord(Phase.RECOVERY, changes=(replace(CUT, state=ChangeState.UNDONE),), faults_cleared=False)
    assert states(late)["FaultsCleared"] == "True"
    assert kstatus(conditions_of(late)) == "InProgress"
