"""The verdict table, row by row."""

from dataclasses import replace

import pytest

from gameday.actions.network_partition.action import NetworkPartition, OpenConnections
from gameday.engine.drill.verdict import verdict_of
from gameday.model.plan import (
    Dependency,
    Expectation,
    Fault,
    Mode,
    Outage,
    Plan,
    Recovery,
    Selector,
    ServiceRef,
    Stage,
    SteadyState,
)
from gameday.model.record import Closing, Doubt, DrillRecord, Reason, Result, ResultState, Verdict

PROVEN = DrillRecord(
    proven_at=102.0, outage_started_at=100.0, closings=(Closing("partition", gone=True),), faults_cleared=True
)
MET = Result(Stage.OUTAGE, "detects", ResultState.MET, 105.0)
MISS = Result(Stage.OUTAGE, "alerts", ResultState.MISSED, 160.0)
LATE = Result(Stage.RECOVERY, "healthy", ResultState.MISSED, 900.0)
UNKNOWN = Result(Stage.OUTAGE, "buffers", ResultState.UNKNOWN, 160.0, why="no samples")
LEAK_AT_150 = Doubt(Reason.LEAK, "witness-0 got through", 150.0)
LEAK_AT_170 = Doubt(Reason.LEAK, "witness-0 got through", 170.0)


def planned(*results: Result, keeps: OpenConnections = OpenConnections.CLOSE) -> Plan:
    """The plan that these results are of."""
    cut = NetworkPartition(Selector({"app": "api"}), Dependency("redis", ServiceRef("redis")), keeps)
    expect = {
        stage: tuple(Expectation(r.name, Mode.ALWAYS, "a.ok") for r in results if r.stage is stage) for stage in Stage
    }
    return Plan(
        "it",
        (),
        SteadyState(1.0, expect[Stage.STEADY_STATE]),
        Outage(1.0, (Fault("partition", cut),), expect[Stage.OUTAGE]),
        Recovery(1.0, expect[Stage.RECOVERY]),
    )


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
            replace(PROVEN, results=(MET, MISS), aborted=Reason.ABORTED), Verdict.ABORTED, id="a person comes first"
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
            replace(PROVEN, results=(MISS,), closings=(Closing("partition", gone=False),)),
            Verdict.INCONCLUSIVE,
            id="missed, but old connections may have lived on",
        ),
        pytest.param(
            replace(PROVEN, results=(LATE,), closings=(Closing("partition", gone=False),)),
            Verdict.FAILED,
            id="recovery is judged without the closing of connections",
        ),
        pytest.param(
            replace(PROVEN, results=(MET,), faults_cleared=False), Verdict.INCONCLUSIVE, id="no pass over a leftover"
        ),
        pytest.param(DrillRecord(faults_cleared=True), Verdict.INCONCLUSIVE, id="nothing proven, nothing tested"),
    ],
)
def test_verdict(record: DrillRecord, verdict: Verdict) -> None:
    assert verdict_of(record, planned(*record.results)).verdict is verdict


def test_a_miss_before_an_abort_stays_visible() -> None:
    judged = verdict_of(replace(PROVEN, results=(MISS,), aborted=Reason.ABORTED), planned(MISS))
    assert "alerts" in judged.message


def test_an_expectation_of_which_nothing_is_recorded_counts() -> None:
    judged = verdict_of(replace(PROVEN, results=(MET,)), planned(MET, MISS, LATE))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.message == "alerts: it was never decided; 1 of 3 expectations met"


@pytest.mark.parametrize("state", [ResultState.MET, ResultState.ALWAYS_TRUE])
def test_the_count_is_of_the_plan(state: ResultState) -> None:
    judged = verdict_of(replace(PROVEN, results=(replace(MET, state=state),)), planned(MET))
    assert (judged.verdict, judged.message) == (Verdict.PASSED, "1 of 1 expectations met")


def test_a_miss_says_by_how_much() -> None:
    judged = verdict_of(replace(PROVEN, results=(MET, replace(MISS, late=5.2))), planned(MET, MISS))
    assert judged.message == "missed: alerts (5.2 s late); 1 of 2 expectations met"


def test_a_guardrail_is_the_reason_whatever_else_was_missed() -> None:
    judged = verdict_of(replace(PROVEN, results=(MET, MISS), guardrail="payments"), planned(MET, MISS))
    assert (judged.reason, judged.message) == (
        "GuardrailViolated",
        "guardrail violated: payments; 1 of 2 expectations met",
    )


@pytest.mark.parametrize(
    ("result", "closed", "says"),
    [
        (
            replace(MISS, why="it stayed true"),
            False,
            "the targets may have kept connections that they opened before the cut",
        ),
        (
            replace(MISS, why="it stayed true"),
            None,
            "the targets may have kept connections that they opened before the cut",
        ),
        (UNKNOWN, False, "buffers: no samples"),
        (replace(UNKNOWN, stage=Stage.RECOVERY), False, "buffers: no samples"),
        (replace(UNKNOWN, why=""), True, "buffers: Unknown"),
    ],
)
def test_what_is_undecided_is_told_with_its_own_reason(result: Result, closed: bool | None, says: str) -> None:
    judged = verdict_of(
        replace(PROVEN, results=(result,), closings=(Closing("partition", gone=closed),)), planned(result)
    )
    assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, "UnknownResult")
    assert says in judged.message


def test_a_repeated_judgement_that_missed_is_told_in_its_own_words() -> None:
    """Of the recovery no connection is to be gone: what it says is what was seen."""
    late = replace(LATE, state=ResultState.UNKNOWN, why="the last samples are missing")
    judged = verdict_of(replace(PROVEN, results=(late,), closings=(Closing("partition", gone=False),)), planned(late))
    assert judged.message == "healthy: the last samples are missing; 0 of 1 expectations met"


def test_a_miss_at_the_moment_a_doubt_begins_is_not_the_systems() -> None:
    doubt = Doubt(Reason.LEAK, "witness-0 got through", MISS.at)
    assert verdict_of(replace(PROVEN, results=(MISS,), doubts=(doubt,)), planned(MISS)).verdict is Verdict.INCONCLUSIVE


def test_where_open_connections_are_to_be_kept_a_miss_is_the_systems() -> None:
    record = replace(PROVEN, results=(MISS,), closings=())
    assert verdict_of(record, planned(MISS, keeps=OpenConnections.KEEP)).verdict is Verdict.FAILED
    assert verdict_of(record, planned(MISS)).verdict is Verdict.INCONCLUSIVE
