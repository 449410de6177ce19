"""``becomes``, row by row. One character a second: rehearsed at 2.5, requested at 5.5, zero at 6.5, deadline 12.5."""

import pytest

from gameday.engine.evidence.becomes import already_true
from gameday.engine.evidence.judge import judge
from gameday.engine.evidence.judgement import Judgement, Window
from gameday.engine.evidence.series import Gap
from gameday.model.plan import Expectation, Mode
from gameday.model.record import ResultState
from unit.engine.strips import strip

REHEARSED, REQUESTED, ZERO, WITHIN = 2.5, 5.5, 6.5, 6.0
MET, MISSED, UNKNOWN = ResultState.MET, ResultState.MISSED, ResultState.UNKNOWN


def becomes(
    text: str, *, holds: float = 0.0, gap: tuple[float, float] | None = None, started_at: float | None = ZERO
) -> Judgement:
    expectation = Expectation("it", Mode.BECOMES, "a.b", within=WITHIN, holds=holds)
    series = strip(text)
    if gap is not None:
        series.gaps.append(Gap(*gap, "lines are missing"))
    return judge(expectation, series, Window(REQUESTED, started_at, None, 10.0, 60.0, 10.0, false_from=REHEARSED))


@pytest.mark.parametrize(
    ("text", "state", "seconds"),
    [
        #             01234567890123
        pytest.param("ffffffffTTTTTT", MET, 1.6, id="false before, true after"),
        pytest.param("ffffffTTTTTTTT", MET, 0.0, id="true between the request and zero"),
        pytest.param("TTffffffTTTTTT", MET, 1.6, id="what was true in the steady state ended the drill there"),
        pytest.param("fffTffffTTTTTT", UNKNOWN, None, id="true only between the rehearsal and the request"),
        pytest.param("fffTTTTTTTTTTT", UNKNOWN, None, id="true from before the request on"),
        pytest.param("fffnffffTTTTTT", UNKNOWN, None, id="nobody knows what was before the request"),
        pytest.param("ffffffffffffff", MISSED, None, id="never true"),
        pytest.param("fffTffffffffff", MISSED, None, id="true before, and never under the fault"),
        pytest.param("ffffffffffffss", MISSED, None, id="no answer is not true"),
        pytest.param("ffffffffnfffff", UNKNOWN, None, id="it may have been true at the one that nobody knows"),
    ],
)
def test_without_holds(text: str, state: ResultState, seconds: float | None) -> None:
    judgement = becomes(text)
    assert judgement.state is state
    assert judgement.seconds == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "state"),
    [
        #             012345678901234567
        pytest.param("fffTTfffTTTTffffff", MET, id="true before, for too short to count"),
        pytest.param("fffTTTTTTTTTffffff", UNKNOWN, id="a run that began before the request and held"),
        pytest.param("fffffTTTTTTTTTffff", UNKNOWN, id="a run that began right before the request"),
        pytest.param("fffffTfTTTTTTTffff", MET, id="a false sample between ends it"),
    ],
)
def test_with_three_seconds_to_hold(text: str, state: ResultState) -> None:
    assert becomes(text, holds=3.0).state is state


def test_a_request_under_way_when_the_fault_was_asked_for_says_nothing_of_before() -> None:
    # Sent at 5.0 and answered at 5.6: whether it was true before 5.5 nobody can say, and nobody has to.
    expectation = Expectation("it", Mode.BECOMES, "a.b", within=WITHIN)
    series = strip("fffffTTTTTTTTTT")
    window = Window(5.05, ZERO, None, 10.0, 60.0, 10.0, false_from=REHEARSED)
    assert judge(expectation, series, window).state is MET


def test_missing_lines_before_the_request_leave_it_unknown() -> None:
    assert becomes("ffffffffTTTTTT", gap=(3.0, 4.0)).state is UNKNOWN
    assert becomes("ffffffffTTTTTT", gap=(1.0, 2.0)).state is MET


def test_an_unproven_fault_decides_nothing() -> None:
    assert becomes("ffffffffTTTTTT", started_at=None).state is ResultState.PENDING


@pytest.mark.parametrize(
    ("text", "holds", "true"),
    [
        ("ffffff", 0.0, False),
        ("ffTfff", 0.0, True),
        ("Tfffff", 0.0, False),
        ("fTTTff", 3.0, False),
        ("fTTTTf", 3.0, True),
        ("fTnTTf", 3.0, False),
    ],
)
def test_what_is_true_in_the_steady_state(text: str, holds: float, true: bool) -> None:
    assert already_true(holds, strip(text), since=1.0) is true
