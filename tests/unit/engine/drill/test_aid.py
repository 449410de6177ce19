"""What was met after a mitigation had acted says so, and is missed where it is to be met unaided."""

from dataclasses import replace

import pytest

from gameday.engine.drill.aid import credited, helped
from gameday.engine.drill.context import Context
from gameday.engine.evidence.judgement import Judgement
from gameday.model.observation import Observation
from gameday.model.plan import Expectation, Mode, Stage
from gameday.model.record import DrillRecord, MitigationEntry, Result, ResultState
from unit.engine.script import Script
from unit.engine.simulation import a_plan

NOBODY = Script({}, lambda: 0.0)
ACTED = 100.0
RECORD = DrillRecord(
    mitigations=(MitigationEntry("restart", 95.0, ACTED, seen_at=ACTED), MitigationEntry("scale", 110.0))
)
AGAIN = Expectation("again", Mode.EVENTUALLY, "health.ok")
MET, MISSED, UNKNOWN = ResultState.MET, ResultState.MISSED, ResultState.UNKNOWN


def judged(
    judgement: Judgement,
    *,
    unaided: bool = False,
    skew: float = 0.0,
    stage: Stage = Stage.RECOVERY,
    record: DrillRecord = RECORD,
    holds: float = 0.0,
) -> Judgement:
    context = Context(a_plan(), record, Observation(skew=skew), NOBODY, 130.0)
    return credited(context, stage, replace(AGAIN, unaided=unaided, holds=holds), judgement)


def met(at: float, unmet: float) -> Judgement:
    return Judgement(MET, at, 5.0, 1.0, open_until=unmet)


@pytest.mark.parametrize(
    ("at", "unmet", "skew", "by", "unaided"),
    [
        pytest.param(105.0, 104.0, 0.0, "restart", MISSED, id="seen unmet after the act"),
        pytest.param(99.0, 98.0, 0.0, "", MET, id="met before it"),
        pytest.param(101.0, 99.5, 0.0, "restart", UNKNOWN, id="nothing was seen in between"),
        pytest.param(100.5, 99.9, 0.0, "restart", UNKNOWN, id="asked before the act and answered after it"),
        pytest.param(105.0, 100.0, 0.0, "restart", MISSED, id="seen unmet at the act"),
        pytest.param(99.5, 98.0, 1.0, "restart", UNKNOWN, id="the clocks differ by more than that"),
        pytest.param(98.5, 98.0, 1.0, "", MET, id="met before it, also by another clock"),
        pytest.param(105.0, 104.0, 1.0, "restart", MISSED, id="after it by any clock"),
        pytest.param(105.0, 100.5, 1.0, "restart", UNKNOWN, id="perhaps not seen unmet after it"),
        pytest.param(99.95, 99.0, 0.1, "", MET, id="a small difference of clocks is none"),
    ],
)
def test_who_helped(at: float, unmet: float, skew: float, by: str, unaided: ResultState) -> None:
    plain = judged(met(at, unmet), skew=skew)
    assert (plain.state, plain.by, plain.seconds) == (MET, by, 5.0)
    strict = judged(met(at, unmet), unaided=True, skew=skew)
    assert (strict.state, strict.by) == (unaided, by)
    assert (strict.seconds is None) is (unaided is not MET), "what was not met unaided has no time"


@pytest.mark.parametrize(
    ("seen_at", "unaided"),
    [
        pytest.param(103.0, MISSED, id="it was seen to act before that"),
        pytest.param(104.5, UNKNOWN, id="it may have acted later than it was to"),
        pytest.param(105.5, UNKNOWN, id="it was not known to have acted before it was met"),
        pytest.param(None, UNKNOWN, id="nobody has seen it act"),
    ],
)
def test_what_was_requested_and_not_seen_to_happen_makes_no_miss(seen_at: float | None, unaided: ResultState) -> None:
    """The operator was killed before the request, or the API server did not take it."""
    record = replace(RECORD, mitigations=(MitigationEntry("restart", 95.0, ACTED, seen_at=seen_at),))
    strict = judged(met(105.0, 104.0), unaided=True, record=record)
    assert (strict.state, strict.by) == (unaided, "restart")


@pytest.mark.parametrize(
    ("at", "unmet", "zero", "holds", "by", "unaided"),
    [
        pytest.param(90.0, 89.0, 80.0, 9.0, "", MET, id="it had held before the act"),
        pytest.param(90.0, 89.0, 80.0, 20.0, "restart", UNKNOWN, id="it held when the mitigation acted"),
        pytest.param(80.0, 79.0, 95.0, 9.0, "restart", UNKNOWN, id="it counts from the begin of the stage"),
        pytest.param(105.0, 104.0, 80.0, 20.0, "restart", MISSED, id="seen unmet after the act"),
    ],
)
def test_what_must_hold_is_met_once_it_has_held(
    at: float, unmet: float, zero: float, holds: float, by: str, unaided: ResultState
) -> None:
    record = replace(RECORD, recovery_started_at=zero)
    plain = judged(met(at, unmet), holds=holds, record=record)
    assert (plain.state, plain.by) == (MET, by)
    strict = judged(met(at, unmet), unaided=True, holds=holds, record=record)
    assert (strict.state, strict.by) == (unaided, by)


@pytest.mark.parametrize("state", [MISSED, UNKNOWN, ResultState.ALWAYS_TRUE, ResultState.PENDING])
def test_nothing_else_is_credited(state: ResultState) -> None:
    judgement = Judgement(state, 120.0, open_until=119.0)
    assert judged(judgement, unaided=True) == judgement


def test_nothing_is_credited_to_a_mitigation_that_has_not_acted() -> None:
    begun = replace(RECORD, mitigations=RECORD.mitigations[1:])
    assert judged(met(120.0, 119.0), unaided=True, record=begun) == met(120.0, 119.0)


def test_the_steady_state_is_never_credited() -> None:
    assert judged(met(120.0, 119.0), stage=Stage.STEADY_STATE) == met(120.0, 119.0)


def test_of_several_the_last_that_had_acted_is_named() -> None:
    both = replace(RECORD, mitigations=(*RECORD.mitigations[:1], MitigationEntry("scale", 101.0, acted_at=103.0)))
    assert judged(met(105.0, 104.0), record=both).by == "scale"
    assert judged(met(102.0, 101.0), record=both).by == "restart"
    assert judged(met(105.0, 102.0), record=both, unaided=True).state is MISSED, "the first has helped it already"


def test_only_the_recovery_says_that_the_system_was_helped() -> None:
    def of(stage: Stage, by: str) -> DrillRecord:
        return DrillRecord(results=(Result(stage, "it", MET, 1.0, by=by),))

    assert helped(of(Stage.RECOVERY, "restart"))
    assert not helped(of(Stage.OUTAGE, "restart"))
    assert not helped(of(Stage.RECOVERY, ""))
