"""Promises of the judge that no row can cover: what is decided stays, and no miss comes from what was not seen."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gameday.engine.evidence.judge import judge
from gameday.engine.evidence.judgement import Judgement, Window
from gameday.engine.evidence.series import Gap, Series
from gameday.model.plan import Expectation, Mode
from gameday.model.record import ResultState
from unit.engine.strips import strip

FINAL = {ResultState.MET, ResultState.ALWAYS_TRUE, ResultState.MISSED}
STRIPS = st.text("TTTfffsn.", min_size=1, max_size=40)
EXPECTATIONS = st.builds(
    Expectation,
    name=st.just("it"),
    mode=st.sampled_from(Mode),
    expression=st.just("a.b"),
    within=st.sampled_from([None, 1.0, 5.0, 12.0]),
    holds=st.sampled_from([0.0, 1.0, 4.0]),
    tolerates=st.sampled_from([None, 0.0, 2.0]),
    guardrail=st.booleans(),
    after=st.sampled_from([0.0, 3.0]),
)


def look(expectation: Expectation, series: Series, *, now: float = 0.0) -> Judgement:
    return judge(expectation, series, Window(6.0, 7.5, 20.0, 12.5, now, 10.0, false_from=4.0, fault_at=2.0))


@given(st.text("TTTfffsn.", min_size=10, max_size=40), EXPECTATIONS, st.text("Tfsn.", max_size=20))
def test_later_samples_change_no_decision(text: str, expectation: Expectation, later: str) -> None:
    decided = look(expectation, strip(text), now=22.0)
    if decided.state in FINAL:
        assert look(expectation, strip(text + later), now=22.0) == decided
        assert look(expectation, strip(text + later), now=99.0) == decided


@given(STRIPS, EXPECTATIONS)
def test_in_the_end_everything_is_decided(text: str, expectation: Expectation) -> None:
    assert look(expectation, strip(text), now=1000.0).state is not ResultState.PENDING


@settings(max_examples=300)
@given(st.text("Tf", min_size=24, max_size=40), EXPECTATIONS, st.integers(0, 39), st.integers(1, 12))
def test_no_miss_comes_from_samples_that_were_not_seen(
    text: str, expectation: Expectation, at: int, length: int
) -> None:
    """Losing samples may turn a miss into Unknown or even into Met; what was met can never become a miss by it."""
    whole = look(expectation, strip(text), now=99.0)
    holed = strip(text[:at] + "." * min(length, len(text) - at) + text[at + length :])
    holed.gaps.clear()
    holed.gaps.append(Gap(float(at - 1), float(at + length), "lines are missing"))
    seen = look(expectation, holed, now=99.0)
    if seen.state is ResultState.MISSED:
        assert whole.state is ResultState.MISSED


@given(STRIPS, EXPECTATIONS)
def test_a_number_is_never_negative_and_always_has_its_resolution(text: str, expectation: Expectation) -> None:
    judgement = look(expectation, strip(text), now=99.0)
    assert (judgement.seconds is None) is (judgement.resolution is None)
    assert judgement.seconds is None or (judgement.seconds >= 0 and judgement.state is ResultState.MET)


@given(STRIPS, EXPECTATIONS)
def test_without_a_sample_that_says_so_nothing_is_met(text: str, expectation: Expectation) -> None:
    judgement = look(expectation, strip(text.replace("T", "n")), now=99.0)
    assert judgement.state not in {ResultState.MET, ResultState.ALWAYS_TRUE}


@settings(max_examples=300)
@given(st.text("Tfs", min_size=24, max_size=40), EXPECTATIONS, st.sets(st.integers(0, 39), min_size=1, max_size=6))
def test_what_nobody_knows_turns_nothing_into_its_opposite(text: str, expectation: Expectation, at: set[int]) -> None:
    """Unknown samples may make a decision Unknown; never a miss of what was met, nor met of what was missed."""
    whole = look(expectation, strip(text), now=99.0)
    holed = look(expectation, strip("".join("n" if i in at else sign for i, sign in enumerate(text))), now=99.0)
    if holed.state is ResultState.MISSED:
        assert whole.state is not ResultState.MET or expectation.mode is Mode.EVENTUALLY
        assert whole.state is ResultState.MISSED
    if holed.state is ResultState.MET and expectation.mode is Mode.ALWAYS:
        assert whole.state is ResultState.MET
