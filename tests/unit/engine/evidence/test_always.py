"""``always``, row by row. Strips are one character a second; the window begins at second 4, before it is history."""

import pytest

from gameday.engine.evidence.judge import guardrail_unknown, judge, miss
from gameday.engine.evidence.judgement import Judgement, Window
from gameday.engine.evidence.series import Gap
from gameday.model.plan import Expectation, Mode
from gameday.model.record import ResultState
from unit.engine.strips import strip

START, END = 4.0, 14.0
PENDING, MET, MISSED, UNKNOWN = ResultState.PENDING, ResultState.MET, ResultState.MISSED, ResultState.UNKNOWN


def always(
    text: str,
    *,
    tolerates: float | None = None,
    guardrail: bool = False,
    ends: float | None = END,
    now: float = 60.0,
    gap: tuple[float, float] | None = None,
    after: float = 0.0,
    final: bool = False,
) -> Judgement:
    expectation = Expectation("it", Mode.ALWAYS, "a.b", tolerates=tolerates, guardrail=guardrail, after=after)
    series = strip(text)
    if gap is not None:
        series.gaps.append(Gap(*gap, "lines are missing"))
    return judge(expectation, series, Window(START, START + 0.5, ends, 10.0, now, 10.0, final=final))


@pytest.mark.parametrize(
    ("text", "state"),
    [
        #             0123456789012345
        pytest.param("TTTTTTTTTTTTTTTT", MET, id="true throughout"),
        pytest.param("ffffTTTTTTTTTTTf", MET, id="what was before and after does not count"),
        pytest.param("TTTTfTTTTTTTTTTT", MISSED, id="the first second counts"),
        pytest.param("TTTTTTTTTTTTTTfT", MISSED, id="the last second counts"),
        pytest.param("TTTTTTTTnTTTTTTT", UNKNOWN, id="one sample that nobody knows"),
        pytest.param("TTTnTTTTTTTTTTTn", MET, id="one before and one after do not count"),
        pytest.param("TTTTnnnnnnnnnnnn", UNKNOWN, id="no judgeable sample"),
        pytest.param("TTTTnTfTTTTTTTTT", MISSED, id="what is not known excuses no false value"),
        pytest.param("TTTTTTsTTTTTTTTT", MET, id="one lost request is no outage"),
        pytest.param("TTTTTTsTsTsTTTTT", MET, id="nor are several, each on its own"),
        pytest.param("TTTTTTssTTTTTTTT", MISSED, id="two lost requests in a row"),
        pytest.param("TTTTTTsfTTTTTTTT", MISSED, id="a lost request and a false answer"),
        pytest.param("TTTTTTsnsTTTTTTT", UNKNOWN, id="nobody knows what was between two lost ones"),
        pytest.param("TTTsTTTTTTTTTTTT", MET, id="lost before the window"),
        pytest.param("TTTssTTTTTTTTTTT", MET, id="of two lost ones only the second is in the window"),
        pytest.param("TTTTTTTTTTTTTTss", MET, id="of two lost ones only the first is in the window"),
        pytest.param("sssssTssssTssssT", MISSED, id="an endpoint that answers one request in five"),
        pytest.param("TTTTTTTTTTTTTT", UNKNOWN, id="no sample reached the end"),
        pytest.param("TTTTTTTTTTTTTTT", MET, id="the last sample came right at the end"),
        pytest.param("TTTTTTTT....TTTT", UNKNOWN, id="a silence of more than three intervals"),
        pytest.param(
            "TTTTTTTTT...TTTT", UNKNOWN, id="four seconds from sample to sample are more than three intervals"
        ),
        pytest.param("TTTTTTTTTT..TTTT", MET, id="a silence of three intervals is none"),
        pytest.param("TTTTTfTT....TTTT", MISSED, id="a miss stays a miss whatever was not seen"),
        pytest.param("........TTTTTTTT", UNKNOWN, id="no sample arrived at the start of the stage"),
        pytest.param("", UNKNOWN, id="no sample at all"),
    ],
)
def test_without_tolerance(text: str, state: ResultState) -> None:
    assert always(text).state is state


@pytest.mark.parametrize(
    ("text", "state"),
    [
        #             0123456789012345
        pytest.param("TTTTfTTTTTfTTfTT", MET, id="short violations, each on its own"),
        pytest.param("TTTTffffTTTTTTTT", MET, id="exactly as long as tolerated"),
        pytest.param("TTTTfffffTTTTTTT", MISSED, id="longer than tolerated"),
        pytest.param("ffffffffTTTTTTTT", MET, id="only the part inside the window counts"),
        pytest.param("TTTTffffTffffTTT", MET, id="one true sample ends a violation"),
        pytest.param("TTTTfnnnfTTTTTTT", UNKNOWN, id="what nobody knows makes no miss"),
        pytest.param("TTTTfnnTTTTTTTTT", MET, id="even if it was false it was tolerated"),
        pytest.param("TTTTfnnnnTTTTTTT", UNKNOWN, id="if it was false it was too long"),
        pytest.param("TTTTnnTnnTnnTnTT", MET, id="none of them can hide a long violation"),
        pytest.param("TTTTssssTTTTTTTT", MET, id="lost requests as long as tolerated"),
        pytest.param("TTTTsssssTTTTTTT", MISSED, id="lost requests for longer than tolerated"),
        pytest.param("TTTTff....ffTTTT", UNKNOWN, id="nobody knows what was in a gap: no miss"),
        pytest.param("TTTTff....ffffff", MISSED, id="a miss after the gap, for its own length"),
    ],
)
def test_with_a_tolerance_of_three_seconds(text: str, state: ResultState) -> None:
    assert always(text, tolerates=3.0).state is state


@pytest.mark.parametrize(
    ("text", "state"),
    [
        #             0123456789012345
        pytest.param("TTTTffffTTTTTTTT", MET, id="a guardrail tolerates three intervals"),
        pytest.param("TTTTfffffTTTTTTT", MISSED, id="and no more"),
        pytest.param("TTTTsssssTTTTTTT", MISSED, id="silence is a violation too"),
    ],
)
def test_a_guardrails_own_tolerance(text: str, state: ResultState) -> None:
    assert always(text, guardrail=True).state is state
    assert always(text, guardrail=True, tolerates=0.0).state is MISSED


@pytest.mark.parametrize(
    ("text", "ends", "now", "state"),
    [
        #             0123456789012345
        pytest.param("TTTTTTTTTTTTTTTT", None, 99.0, PENDING, id="the end is not known yet"),
        pytest.param("TTTTTTTTTTTTTTTT", 50.0, 16.0, PENDING, id="the end is still to come"),
        pytest.param("TTTTTTf", None, 6.2, MISSED, id="a miss does not wait for the end"),
        pytest.param("TTTTTTTTTTTTTT", 14.0, 24.0, PENDING, id="samples may still reach the end"),
        pytest.param("TTTTTTTTTTTTTT", 14.0, 24.1, UNKNOWN, id="they did not, within the grace"),
    ],
)
def test_when_it_is_decided(text: str, ends: float | None, now: float, state: ResultState) -> None:
    assert always(text, ends=ends, now=now).state is state


@pytest.mark.parametrize(
    ("gap", "state"),
    [
        pytest.param((1.0, 4.0), MET, id="before the window"),
        pytest.param((3.0, 4.5), UNKNOWN, id="into the window"),
        pytest.param((7.0, 8.0), UNKNOWN, id="inside"),
        pytest.param((14.0, 15.0), MET, id="after the window"),
        pytest.param((13.0, float("inf")), UNKNOWN, id="for good"),
    ],
)
def test_missing_lines_make_it_unknown(gap: tuple[float, float], state: ResultState) -> None:
    assert always("TTTTTTTTTTTTTTTT", gap=gap).state is state


@pytest.mark.parametrize(
    ("text", "state"),
    [
        #             0123456789012345
        pytest.param("TTTTffTTTTTTTTTT", MET, id="false until then"),
        pytest.param("TTTTnnTTTTTTTTTT", MET, id="unknown until then"),
        pytest.param("TTTTfffTTTTTTTTT", MET, id="false at the last sample before"),
        pytest.param("TTTTffffTTTTTTTT", MISSED, id="false at the first sample that counts"),
        pytest.param("TTTTTTTTTTTfTTTT", MISSED, id="false later"),
    ],
)
def test_it_counts_from_a_while_after_the_start(text: str, state: ResultState) -> None:
    assert always(text, after=2.0).state is state


def test_a_stage_that_ends_early_leaves_it_unknown() -> None:
    assert always("TTTTTTTTTTTTTTTT", ends=None, now=9.0, final=True).state is UNKNOWN
    assert always("TTTTTfTTTTTTTTTT", ends=None, now=9.0, final=True).state is MISSED


def test_missing_lines_inside_a_violation_take_away_its_length() -> None:
    assert always("TTTTTffffffTTTTT", tolerates=4.0).state is MISSED
    assert always("TTTTTffffffTTTTT", tolerates=4.0, gap=(7.0, 8.0)).state is UNKNOWN


def test_a_miss_tells_when_and_how_long() -> None:
    judgement = always("TTTTTTfffffTTTTT", tolerates=3.0)
    assert judgement.at == 10.0
    assert judgement.why == "false from 2.0 s after the start, for at least 4.0 s, and 3 s are tolerated"


def test_at_the_end_of_the_stage_a_miss_tells_its_longest_violation() -> None:
    expectation = Expectation("it", Mode.ALWAYS, "a.b")
    window = Window(START, START + 0.5, END, 10.0, END, 10.0)
    told = (None, "false from 4.0 s after the start, for at least 3.0 s")
    assert miss(expectation, strip("TTTTfTTTffffTTTT"), window) == told


def test_what_could_not_be_judged_is_named() -> None:
    assert "a.b is not known: body too long" in always("TTTTnnnnnnnnnnnn").why


@pytest.mark.parametrize(
    ("text", "now", "known"),
    [
        #             0123456789012345
        pytest.param("TTTTTTTT", 7.5, True, id="samples come in"),
        pytest.param("TTTTTTfn", 7.5, True, id="a violation is judgeable"),
        pytest.param("TTTTTTTT", 10.0, True, id="silent for under three intervals"),
        pytest.param("TTTTTTTT", 10.2, False, id="silent for over three intervals"),
        pytest.param("TTTTTTTTnnnn", 11.5, False, id="nothing judgeable for over three intervals"),
        pytest.param("nnnnnnnn", 6.9, True, id="the three intervals begin at the request"),
        pytest.param("nnnnnnnn", 7.1, False, id="three intervals after the request"),
        pytest.param("", 7.1, False, id="no sample at all"),
    ],
)
def test_a_guardrail_that_nobody_can_judge_reverts(text: str, now: float, known: bool) -> None:
    expectation = Expectation("it", Mode.ALWAYS, "a.b", guardrail=True)
    window = Window(START, None, None, 10.0, now, 10.0)
    assert (guardrail_unknown(expectation, strip(text), window) is None) is known
    later = Expectation("it", Mode.ALWAYS, "a.b", guardrail=True, after=60.0)
    assert guardrail_unknown(later, strip(text), Window(START, START, None, 10.0, now, 10.0)) is None
