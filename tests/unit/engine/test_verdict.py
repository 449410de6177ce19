"""The verdict table, row by row."""

from dataclasses import replace

import pytest

from gameday.engine.verdict import verdict_of
from gameday.model.plan import Stage
from gameday.model.record import Cause, Doubt, Record, Result, ResultState, Verdict

PROVEN = Record(proven_at=102.0, zero=100.0, severed=True, faults_cleared=True)
MET = Result(Stage.OUTAGE, "detects", ResultState.MET, 105.0)
MISS = Result(Stage.OUTAGE, "alerts", ResultState.MISSED, 160.0)
LATE = Result(Stage.RECOVERY, "healthy", ResultState.MISSED, 900.0)
UNKNOWN = Result(Stage.OUTAGE, "buffers", ResultState.UNKNOWN, 160.0, why="no samples")
LEAK_AT_150 = Doubt(Cause.LEAK, "witness-0 got through", 150.0)
LEAK_AT_170 = Doubt(Cause.LEAK, "witness-0 got through", 170.0)


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        pytest.param(replace(PROVEN, results=(MET,)), Verdict.PASSED, id="all met under a proven cut"),
        pytest.param(replace(PROVEN, results=(MET, MISS)), Verdict.FAILED, id="an expectation missed"),
        pytest.param(replace(PROVEN, results=(MET, LATE)), Verdict.FAILED, id="a recovery missed"),
        pytest.param(
            replace(PROVEN, results=(MET, LATE), recovered_by="Rollback"),
            Verdict.FAILED,
            id="repaired is not recovered",
        ),
        pytest.param(
            replace(PROVEN, results=(MET, MISS), aborted=Cause.ABORTED), Verdict.ABORTED, id="a person comes first"
        ),
        pytest.param(replace(PROVEN, results=(MISS, UNKNOWN)), Verdict.FAILED, id="a miss outweighs an unknown"),
        pytest.param(replace(PROVEN, results=(MET, UNKNOWN)), Verdict.INCONCLUSIVE, id="one unknown, no pass"),
        pytest.param(replace(PROVEN, guardrail="payments"), Verdict.FAILED, id="a guardrail violated"),
        pytest.param(
            replace(PROVEN, guardrail="payments", proven_at=None),
            Verdict.INCONCLUSIVE,
            id="a guardrail violated before the cut was proven",
        ),
        pytest.param(
            replace(PROVEN, results=(MISS,), proven_at=None), Verdict.INCONCLUSIVE, id="a miss without a proven cut"
        ),
        pytest.param(
            replace(PROVEN, results=(MISS,), doubts=(LEAK_AT_150,)), Verdict.INCONCLUSIVE, id="a miss after the leak"
        ),
        pytest.param(
            replace(PROVEN, results=(MISS,), doubts=(LEAK_AT_170,)), Verdict.FAILED, id="a miss before the leak stays"
        ),
        pytest.param(
            replace(PROVEN, results=(MET,), doubts=(LEAK_AT_170,)), Verdict.INCONCLUSIVE, id="met, but it leaked"
        ),
        pytest.param(
            replace(PROVEN, results=(MISS,), severed=False),
            Verdict.INCONCLUSIVE,
            id="missed, but old connections may have lived on",
        ),
        pytest.param(
            replace(PROVEN, results=(LATE,), severed=False),
            Verdict.FAILED,
            id="recovery is judged without the severing",
        ),
        pytest.param(
            replace(PROVEN, results=(MET,), faults_cleared=False), Verdict.INCONCLUSIVE, id="no pass over a leftover"
        ),
        pytest.param(Record(faults_cleared=True), Verdict.INCONCLUSIVE, id="nothing proven, nothing tested"),
    ],
)
def test_verdict(record: Record, verdict: Verdict) -> None:
    assert verdict_of(record).verdict is verdict


def test_a_miss_before_an_abort_stays_visible() -> None:
    judged = verdict_of(replace(PROVEN, results=(MISS,), aborted=Cause.ABORTED))
    assert "alerts" in judged.message
