"""A start of a stage that nobody saw: a result counts only if the earliest and the latest start agree on it.

One character a second, at half seconds. The change was requested at 4.5 and seen at 24.5, so it took effect in between.
"""

from dataclasses import replace

import pytest

from gameday.engine.evidence.judge import judge
from gameday.engine.evidence.judgement import SURE_WITHIN, Judgement, Window
from gameday.model.plan import Expectation, Mode
from gameday.model.record import ResultState
from unit.engine.strips import strip

REQUESTED, SEEN, END = 4.5, 24.5, 44.5
MET, MISSED, UNKNOWN, PENDING = ResultState.MET, ResultState.MISSED, ResultState.UNKNOWN, ResultState.PENDING
BLIND = Window(REQUESTED, SEEN, END, 20.0, 100.0, 10.0, start_resolution=SEEN - REQUESTED, false_from=1.5)
BECOMES = Expectation("it", Mode.BECOMES, "a.b", within=10.0)
EVENTUALLY = Expectation("it", Mode.EVENTUALLY, "a.b", within=10.0)


def true_from(second: int, until: int = 60) -> str:
    return "f" * second + "T" * (until - second)


def judged(expectation: Expectation, text: str, window: Window = BLIND) -> Judgement:
    return judge(expectation, strip(text), window)


@pytest.mark.parametrize("expectation", [BECOMES, EVENTUALLY], ids=["becomes", "eventually"])
@pytest.mark.parametrize(
    ("second", "state"),
    [
        pytest.param(8, MET, id="in time also from the request"),
        pytest.param(13, MET, id="right in time from the request"),
        pytest.param(20, UNKNOWN, id="before the change was seen, and too late from the request"),
        pytest.param(30, UNKNOWN, id="in time only from when the change was seen"),
        pytest.param(40, MISSED, id="too late even from when the change was seen"),
    ],
)
def test_a_late_look_makes_nothing_met_and_nothing_missed(
    expectation: Expectation, second: int, state: ResultState
) -> None:
    assert judged(expectation, true_from(second)).state is state


def test_the_message_says_both_results_how_much_is_in_doubt_and_what_to_do() -> None:
    found = judged(BECOMES, true_from(30))
    assert found.seconds is None
    assert found.why.startswith("Met if the stage began when that was seen, Missed if it began up to 20 s earlier: not")
    assert "; when it did was not seen, as after a restart of the operator" in found.why
    assert found.why.endswith("run the drill again, or give the expectation a longer within")


def test_it_is_decided_once_the_later_deadline_is_over_and_not_before() -> None:
    assert judged(BECOMES, true_from(60, 61)[:20], replace(BLIND, now=20.0, ends_at=None)).state is PENDING
    assert judged(BECOMES, true_from(30, 32), replace(BLIND, now=32.0, ends_at=None)).state is UNKNOWN


@pytest.mark.parametrize(
    ("resolution", "state"), [(0.0, MET), (SURE_WITHIN, MET), (SURE_WITHIN + 0.5, UNKNOWN)], ids=str
)
def test_a_look_a_moment_later_counts_as_the_start(resolution: float, state: ResultState) -> None:
    window = replace(BLIND, start_resolution=resolution)
    assert judged(BECOMES, true_from(34), window).state is state


@pytest.mark.parametrize(
    ("text", "state"),
    [
        pytest.param("T" * 60, MET, id="true all the time"),
        pytest.param("T" * 12 + "f" + "T" * 47, UNKNOWN, id="false only where it may not count yet"),
        pytest.param("T" * 32 + "f" + "T" * 27, MISSED, id="false where it counts in any case"),
        pytest.param("T" * 7 + "f" + "T" * 52, MET, id="false where it counts in no case"),
    ],
)
def test_an_always_after_a_while_counts_from_both_starts(text: str, state: ResultState) -> None:
    assert judged(Expectation("it", Mode.ALWAYS, "a.b", after=5.0), text).state is state


def test_an_always_of_the_recovery_begins_with_its_start() -> None:
    window = replace(BLIND, requested_at=SEEN)
    assert judged(Expectation("it", Mode.ALWAYS, "a.b"), "f" * 10 + "T" * 50, window).state is UNKNOWN
    assert judged(Expectation("it", Mode.ALWAYS, "a.b"), "f" * 4 + "T" * 56, window).state is MET


def test_a_guardrail_is_missed_at_once() -> None:
    guard = Expectation("it", Mode.ALWAYS, "a.b", guardrail=True, tolerates=0.0)
    assert judged(guard, "T" * 30 + "f", replace(BLIND, now=31.0, ends_at=None)).state is MISSED
