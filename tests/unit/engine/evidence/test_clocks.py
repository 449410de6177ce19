"""Clocks of nodes that differ: what only the clock of one node decides is Unknown.

One character a second, by the clock of the agent. A witness has seen the stage begin at 5.0 by its own.
"""

from dataclasses import replace

import pytest

from gameday.engine.evidence.clocks import offset_of, skew_of
from gameday.engine.evidence.judge import judge
from gameday.engine.evidence.judgement import Window
from gameday.model.plan import Expectation, Mode
from gameday.model.record import ResultState
from unit.engine.strips import strip

MET, MISSED, UNKNOWN, PENDING = ResultState.MET, ResultState.MISSED, ResultState.UNKNOWN, ResultState.PENDING
SKEWED = Window(4.2, 5.0, 25.0, 20.0, 60.0, 10.0, skew=2.0, false_from=1.0, fault_at=4.2)
BECOMES = Expectation("it", Mode.BECOMES, "a.b", within=10.0)
EVENTUALLY = Expectation("it", Mode.EVENTUALLY, "a.b", within=10.0)
ALWAYS = Expectation("it", Mode.ALWAYS, "a.b")


def true_from(second: int) -> str:
    return "f" * second + "T" * (40 - second)


@pytest.mark.parametrize("expectation", [BECOMES, EVENTUALLY], ids=["becomes", "eventually"])
@pytest.mark.parametrize(
    ("second", "state"),
    [
        pytest.param(5, MET, id="at once"),
        pytest.param(13, MET, id="in time by both clocks"),
        pytest.param(14, UNKNOWN, id="in time, if the agent's clock is not slow"),
        pytest.param(15, UNKNOWN, id="right in time, if the agent's clock is not slow"),
        pytest.param(16, UNKNOWN, id="too late, if the agent's clock is not fast"),
        pytest.param(17, UNKNOWN, id="later, if the agent's clock is not fast"),
        pytest.param(18, MISSED, id="too late by both clocks"),
        pytest.param(39, MISSED, id="never in time"),
    ],
)
def test_a_deadline_decides_nothing_that_the_other_clock_would_not(
    expectation: Expectation, second: int, state: ResultState
) -> None:
    found = judge(expectation, strip(true_from(second)), SKEWED)
    assert found.state is state
    same = judge(expectation, strip(true_from(second)), replace(SKEWED, skew=0.2))
    assert same.state is (MET if second <= 15 else MISSED), "a small difference changes nothing"
    if state is UNKNOWN:
        assert found.why.startswith(f"{same.state.value} by the clock of one node and not by that of another")
        assert found.why.endswith("differ by 2.0 s; see that NTP runs on the nodes")


def test_what_was_missed_waits_for_what_the_other_clock_may_show_but_not_beyond_the_stage() -> None:
    short = strip("f" * 17)
    waiting = replace(SKEWED, now=17.0, ends_at=None)
    assert judge(BECOMES, short, waiting).state is PENDING
    assert judge(BECOMES, short, replace(waiting, final=True)).state is MISSED
    assert judge(BECOMES, strip("f" * 19), replace(waiting, now=19.0)).state is MISSED


@pytest.mark.parametrize(
    ("false_at", "state"),
    [(5, UNKNOWN), (6, UNKNOWN), (7, MISSED), (23, MISSED), (24, UNKNOWN), (25, UNKNOWN), (26, MET)],
)
def test_an_always_is_not_missed_by_what_may_lie_outside_of_its_stage(false_at: int, state: ResultState) -> None:
    text = "T" * false_at + "f" + "T" * (40 - false_at)
    window = replace(SKEWED, requested_at=5.0)
    assert judge(ALWAYS, strip(text), window).state is state
    guardrail = replace(ALWAYS, guardrail=True, tolerates=0.0)
    assert judge(guardrail, strip(text), window).state is (MET if state is MET else MISSED), "a guardrail protects"


def test_the_steady_state_begins_by_its_own_samples() -> None:
    steady = replace(SKEWED, requested_at=5.0, false_from=None, fault_at=None)
    assert judge(ALWAYS, strip("TTTTTf" + "T" * 34), steady).state is MISSED


@pytest.mark.parametrize(
    ("lags", "skew", "offset"),
    [
        pytest.param((), 0.0, 0.0, id="nothing is known"),
        pytest.param((0.02, 0.3), 0.28, 0.0, id="lines take their time"),
        pytest.param((0.02, 1.5), 1.48, 1.0, id="the clocks of two agents differ"),
        pytest.param((-3.0, -2.9), 0.1, 3.0, id="lines come before they are written: the operator's clock is behind"),
        pytest.param((30.1, 30.2), 0.1, 29.7, id="no line is ever fast: the operator's clock is ahead"),
    ],
)
def test_clocks_differ_where_lines_are_too_fast_or_never_fast(
    lags: tuple[float, ...], skew: float, offset: float
) -> None:
    assert skew_of(lags) == pytest.approx(skew)
    assert offset_of(lags) == pytest.approx(offset)


def test_where_samples_are_missing_clocks_are_named_that_may_be_why() -> None:
    missing = replace(SKEWED, skew=0.0)
    for expectation in (EVENTUALLY, ALWAYS):
        for offset, named in ((2.0, False), (30.0, True)):
            found = judge(expectation, strip("fff"), replace(missing, offset=offset))
            assert found.state is UNKNOWN
            assert ("the clocks of the nodes differ by 30.0 s" in found.why) is named
