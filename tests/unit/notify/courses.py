"""A drill of the example at each moment of its course, as the operator saves it."""

from dataclasses import replace
from typing import Any, Final

from gameday.api.conditions import conditions_of
from gameday.api.record import status_of
from gameday.api.state import read_state
from gameday.model.change import ChangeState
from gameday.model.plan import Stage
from gameday.model.record import DrillRecord, Phase, Result, ResultState, Verdict
from unit.report.drills import END, STEADY, UNDO, Course, Object, an_ended_drill, gameday

FAULTS: Final = ("partition",)
GUARDRAIL: Final = "payments stay up"
ENDED: Final = read_state(an_ended_drill(Course())["status"])
PASSED: Final = ENDED.record


def open_change(record: DrillRecord, state: ChangeState) -> DrillRecord:
    """The record while its change is in the cluster."""
    (change,) = record.changes
    asked = change.undo_requested_at if state is ChangeState.UNDOING else None
    return replace(record, changes=(replace(change, state=state, undone_at=None, undo_requested_at=asked),))


WAITING: Final = DrillRecord(phase=Phase.PREFLIGHT, since=STEADY - 8, started_at=STEADY - 8)
STEADY_STATE: Final = replace(WAITING, phase=Phase.STEADY_STATE, since=STEADY, steady_from=STEADY)
OUTAGE: Final = open_change(
    replace(PASSED, phase=Phase.OUTAGE, verdict=None, finished_at=None, recovery_started_at=None, faults_cleared=None,
            undo_requested_at=None, message="", reason=""),
    ChangeState.ACTIVE,
)  # fmt: skip
RECOVERY: Final = replace(PASSED, phase=Phase.RECOVERY, verdict=None, finished_at=None, faults_cleared=None)
STUCK: Final = open_change(
    replace(RECOVERY, recovery_started_at=None, faults_cleared=False, stalled_by="delete networkpolicies: forbidden"),
    ChangeState.UNDOING,
)
MISS: Final = Result(Stage.RECOVERY, "healthy again", ResultState.MISSED, END, why="never true")
FAILED: Final = replace(
    PASSED, verdict=Verdict.FAILED, reason="ExpectationMissed", message="1 of 12 missed", results=(MISS,)
)
VIOLATED: Final = replace(
    RECOVERY,
    guardrail=GUARDRAIL,
    results=(Result(Stage.OUTAGE, GUARDRAIL, ResultState.MISSED, UNDO, why="payments answered 503 for 6 s"),),
)
REFUSED: Final = DrillRecord(
    phase=Phase.FINISHED, since=END, started_at=END - 5, verdict=Verdict.INCONCLUSIVE, reason="PreflightFailed",
    message="there is no Service redis", finished_at=END, reported=True,
)  # fmt: skip


def notified_gameday(*notifications: Object) -> Object:
    """The example with receivers, contacts and links."""
    made = gameday()
    made["spec"] |= {
        "notifications": list(notifications),
        "contacts": [{"name": "Redis Team", "contact": "#redis-support"}],
        "links": [{"name": "Runbook", "url": "https://wiki.example/redis"}],
    }
    return made


def at(record: DrillRecord, summary: str = "", name: str = "redis-failover-x7k2p", **status: Any) -> Object:
    """The Drill with this record."""
    made = an_ended_drill(Course(name=name))
    shown = status_of(record, 1, None, ENDED.plan) | {"planDigest": made["status"]["planDigest"]}
    shown["conditions"] = [
        {"type": kind, "status": state, "reason": reason, "message": message}
        for kind, state, reason, message in conditions_of(record)
    ]
    made["metadata"]["creationTimestamp"] = "2026-11-30T09:59:00Z"
    made["status"] = shown | ({"summary": summary} if summary else {}) | status
    return made
