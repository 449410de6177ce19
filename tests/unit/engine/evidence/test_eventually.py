"""``eventually``, row by row. Strips are one character a second: requested at 4.5, zero at 6.5, deadline 12.5."""

import pytest

from gameday.engine.evidence.judge import judge, miss
from gameday.engine.evidence.judgement import Judgement, Window
from gameday.engine.evidence.series import Gap
from gameday.model.plan import Expectation, Mode
from gameday.model.record import ResultState
from unit.engine.strips import strip

REQUESTED, ZERO, WITHIN = 4.5, 6.5, 6.0
PENDING, MET, MISSED, UNKNOWN = ResultState.PENDING, ResultState.MET, ResultState.MISSED, ResultState.UNKNOWN
ALL_ALONG = ResultState.ALWAYS_TRUE


def eventually(
    text: str,
    *,
    holds: float = 0.0,
    within: float | None = WITHIN,
    started_at: float | None = ZERO,
    now: float = 60.0,
    gap: tuple[float, float] | None = None,
    start_resolution: float = 0.0,
    skew: float = 0.0,
    fault: float = 0.0,
) -> Judgement:
    expectation = Expectation("it", Mode.EVENTUALLY, "a.b", within=within, holds=holds)
    series = strip(text)
    if gap is not None:
        series.gaps.append(Gap(*gap, "lines are missing"))
    window = Window(REQUESTED, started_at, None, 10.0, now, 10.0, start_resolution, skew, fault_at=fault)
    return judge(expectation, series, window)


@pytest.mark.parametrize(
    ("text", "state", "seconds"),
    [
        #             01234567890123456789
        pytest.param("fffffffffTTTTT", MET, 2.6, id="met at the first true sample after zero"),
        pytest.param("fffffffffTffff", MET, 2.6, id="one true sample is enough"),
        pytest.param("fffffffTTTTTTT", MET, 0.6, id="met at the very first sample after zero"),
        pytest.param("ffffffffffffTT", MET, 5.6, id="met at the last sample before the deadline"),
        pytest.param("fffffffffffffT", MISSED, None, id="true only after the deadline"),
        pytest.param("ffffffffffffff", MISSED, None, id="never true"),
        pytest.param("fffffTTTTTTTTT", MET, 0.0, id="met between the request and zero"),
        pytest.param("fffffTffffffff", MISSED, None, id="true between the request and zero, and not after it"),
        pytest.param("fffffTTfffffff", MISSED, None, id="true up to zero, and not after it"),
        pytest.param("fffffTTTffffff", MET, 0.0, id="true over zero, and lost after it"),
        pytest.param("fffffTfffTTTTT", MET, 2.6, id="true before zero, lost, and true again: only the latter counts"),
        pytest.param("fffffTf", UNKNOWN, None, id="true before zero, and nothing seen since"),
        pytest.param("fffffTT", UNKNOWN, None, id="true up to zero, and nothing seen since"),
        pytest.param("fffffTTnffffff", UNKNOWN, None, id="true up to zero, and maybe after it"),
        pytest.param("fffffTT....TTT", MET, 4.6, id="true up to zero, and again after a silence"),
        pytest.param("TTTTTTTTTTTTTT", ALL_ALONG, None, id="true all along"),
        pytest.param("TTTTnTTTTTTTTT", ALL_ALONG, None, id="true all along, as far as anybody knows"),
        pytest.param("ffffTTTTTTTTTT", MET, 0.0, id="false under the fault, and true again before its end"),
        pytest.param("TfffTTTTTTTTTT", MET, 0.0, id="false at any time under the fault is not all along"),
        pytest.param("fffTfffffTTTTT", MET, 2.6, id="true earlier, but no longer at the request"),
        pytest.param("ffffTfffffffff", MISSED, None, id="true before the request and never again"),
        pytest.param("fffffnnTffffff", MET, 0.6, id="samples that nobody knows do not hinder"),
        pytest.param("fffffnnnnnnnnn", UNKNOWN, None, id="no judgeable sample"),
        pytest.param("ffffffffnnnnff", UNKNOWN, None, id="nothing judgeable for over three intervals"),
        pytest.param("ffffffffnfffff", UNKNOWN, None, id="it may have been true at the one that nobody knows"),
        pytest.param("ffffnfffffffff", MISSED, None, id="what nobody knows before the request does not count"),
        pytest.param("fffffffffffffn", UNKNOWN, None, id="no judgeable sample passed the deadline"),
        pytest.param("ffssssssssssss", MISSED, None, id="a system that does not answer has not met it"),
        pytest.param("ffffffff....ff", UNKNOWN, None, id="a silence of over three intervals: no miss"),
        pytest.param("fffffff....TTT", MET, 4.6, id="met after a silence"),
        pytest.param("fffffffffffff", UNKNOWN, None, id="no sample passed the deadline"),
        pytest.param("", UNKNOWN, None, id="no sample at all"),
    ],
)
def test_without_holds(text: str, state: ResultState, seconds: float | None) -> None:
    judgement = eventually(text)
    assert judgement.state is state
    assert judgement.seconds == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "state", "seconds"),
    [
        #             01234567890123456789
        pytest.param("fffffffffTTTTffffff", MET, 2.6, id="held as long as asked"),
        pytest.param("fffffffffTTTfffffff", MISSED, None, id="held one sample too short"),
        pytest.param("fffffffTTfTTTTfffff", MET, 3.6, id="the second try held: its start is the time"),
        pytest.param("ffffffffffffTTTTfff", MET, 5.6, id="a hold may end after the deadline"),
        pytest.param("fffffffffffffTTTTTT", MISSED, None, id="a hold that begins after the deadline is late"),
        pytest.param("ffffffffffffTTTfTTT", MISSED, None, id="the last hold in time broke"),
        pytest.param("fffffTTTTTTfffffff", MET, 0.0, id="true before zero, and held from zero on"),
        pytest.param("fffffTTTTTffffffff", MISSED, None, id="what was held before zero does not count"),
        pytest.param("fffTTTTTTTTfffffff", MET, 0.0, id="true before the request, and held from zero on"),
        pytest.param("TTTTTTTTTTTfffffff", ALL_ALONG, None, id="true all along, and held from zero on"),
        pytest.param("fffTTTTTffffffffff", MISSED, None, id="true before the request, and lost after zero"),
        pytest.param("fffffffffTTnTTTTff", MET, 5.6, id="a sample that cannot be judged begins the hold anew"),
        pytest.param("fffffffffTTnTTffff", UNKNOWN, None, id="it might have held, had we known"),
        pytest.param("ffffffffnnffffffff", MISSED, None, id="even if it was true it was too short"),
        pytest.param("fffffffTnnTfffffff", UNKNOWN, None, id="if it was true it held"),
        pytest.param("fffffffffTT....TTTTT", UNKNOWN, None, id="a silence breaks a hold, and is no miss"),
        pytest.param("fffffff.TT.TTfffff", MET, 1.6, id="a short silence does not break it"),
    ],
)
def test_with_three_seconds_to_hold(text: str, state: ResultState, seconds: float | None) -> None:
    judgement = eventually(text, holds=3.0)
    assert judgement.state is state
    assert judgement.seconds == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "now", "holds", "state"),
    [
        #             01234567890123456789
        pytest.param("fffffffff", 9.0, 0.0, PENDING, id="there is still time"),
        pytest.param("fffffTT", 7.0, 0.0, PENDING, id="true up to zero, and not seen since"),
        pytest.param("fffffTTT", 7.2, 0.0, MET, id="it was still true after it"),
        pytest.param("fffffTT", 22.5, 0.0, PENDING, id="after a silence it may still be true in time"),
        pytest.param("ffffffffffff", 22.5, 0.0, PENDING, id="samples may still pass the deadline"),
        pytest.param("ffffffffffff", 22.6, 0.0, UNKNOWN, id="they did not, within the grace"),
        pytest.param("fffffffffffff", 13.0, 0.0, PENDING, id="the deadline passed, the samples have not"),
        pytest.param("ffffffffffffff", 13.2, 0.0, MISSED, id="the samples have"),
        pytest.param("fffffffffffTTT", 13.2, 5.0, PENDING, id="a hold is under way"),
        pytest.param("fffffffffffTTT", 26.1, 5.0, UNKNOWN, id="a hold whose samples never came"),
        pytest.param("fffffTTT", 21.4, 5.0, PENDING, id="a hold from before zero has until zero and its length"),
        pytest.param("fffffTTT", 21.6, 5.0, UNKNOWN, id="and its samples never came"),
        pytest.param("fffffffffffTTTTTT", 16.2, 5.0, MET, id="a hold that was held"),
        pytest.param("fffffffffffffnn", 15.0, 0.0, PENDING, id="a judgeable sample may still pass the deadline"),
        pytest.param("fffffffffffffnn", 23.0, 0.0, UNKNOWN, id="none did"),
    ],
)
def test_when_it_is_decided(text: str, now: float, holds: float, state: ResultState) -> None:
    assert eventually(text, now=now, holds=holds).state is state


def test_a_request_sent_in_time_counts_although_its_answer_came_late() -> None:
    assert eventually("ffffffffffffTTT", within=5.55).state is MET
    assert eventually("ffffffffffffTTT", within=5.45).state is MISSED


@pytest.mark.parametrize(
    ("text", "through", "state"),
    [
        pytest.param("fffffTTTTTTTTT", 4.0, PENDING, id="it may still turn out to have been true before"),
        pytest.param("fffffTTTTTTTTT", 4.5, MET, id="it was not"),
        pytest.param("fffffffffffffff", 12.5, PENDING, id="an answer from before the deadline may still come"),
        pytest.param("fffffffffffffff", 12.6, MISSED, id="none can"),
    ],
)
def test_of_several_probes_the_slowest_counts(text: str, through: float, state: ResultState) -> None:
    series = strip(text)
    series.through = through
    expectation = Expectation("it", Mode.EVENTUALLY, "a.b", within=WITHIN)
    assert judge(expectation, series, Window(REQUESTED, ZERO, None, 10.0, 15.0, 10.0)).state is state


def test_nothing_is_decided_before_zero_is_known() -> None:
    assert eventually("fffffTTTTTTTTTTTTTTTT", started_at=None).state is PENDING


@pytest.mark.parametrize(
    ("holds", "text", "state"),
    [
        #                  0123456789012345678901234
        pytest.param(0.0, "ffffffffffffffffTffffffff", MET, id="in the last second of the stage"),
        pytest.param(0.0, "fffffffffffffffffTfffffff", MISSED, id="after the stage"),
        pytest.param(3.0, "fffffffffffffTTTTffffffff", MET, id="the hold ends with the stage"),
        pytest.param(3.0, "ffffffffffffffTTTTfffffff", MISSED, id="the hold would end after the stage"),
    ],
)
def test_without_within_the_stage_is_the_limit(holds: float, text: str, state: ResultState) -> None:
    assert eventually(text, within=None, holds=holds).state is state


@pytest.mark.parametrize(
    ("gap", "state"),
    [
        pytest.param((2.0, 4.5), MISSED, id="before the request"),
        pytest.param((2.0, 6.5), MISSED, id="before zero: true there, it was lost again"),
        pytest.param((2.0, 6.6), UNKNOWN, id="from before zero until after it"),
        pytest.param((6.0, 7.0), UNKNOWN, id="over zero"),
        pytest.param((8.0, 9.0), UNKNOWN, id="inside"),
        pytest.param((12.0, 13.0), UNKNOWN, id="over the deadline"),
        pytest.param((12.5, 14.0), MISSED, id="after the deadline"),
    ],
)
def test_no_miss_comes_from_missing_lines(gap: tuple[float, float], state: ResultState) -> None:
    assert eventually("fffffffffffffffff", gap=gap).state is state
    assert eventually("ffffffffffffTffff", gap=gap).state is MET


def test_missing_lines_break_a_hold() -> None:
    assert eventually("fffffffffTTTTffff", holds=3.0).state is MET
    assert eventually("fffffffffTTTTffff", holds=3.0, gap=(10.0, 11.0)).state is UNKNOWN


@pytest.mark.parametrize(
    ("text", "skew", "resolution"),
    [
        #             01234567890123
        pytest.param("fffffffffTTTTT", 0.0, 1.1 + 0.5, id="from the unmet sample's request to the met one's answer"),
        pytest.param("ffffffff.TTTTT", 0.0, 2.1 + 0.5, id="a missing sample makes it coarser"),
        pytest.param("fffffffnnTTTTT", 0.0, 3.1 + 0.5, id="so do samples that nobody knows"),
        pytest.param("fffffffffTTTTT", 0.2, 1.1 + 0.5, id="a small clock difference is within it"),
        pytest.param("fffffffffTTTTT", 0.3, 1.4 + 0.5, id="a larger one adds to it"),
        pytest.param("fffffffffTTTTT", 2.1, None, id="with too large a one there is no number"),
    ],
)
def test_resolution(text: str, skew: float, resolution: float | None) -> None:
    judgement = eventually(text, skew=skew, start_resolution=0.5)
    assert judgement.state is MET
    assert judgement.resolution == (None if resolution is None else pytest.approx(resolution))
    assert (judgement.seconds is None) is (resolution is None)


def test_when_it_was_met_and_when_it_was_missed() -> None:
    assert eventually("fffffffffTTTTT").at == pytest.approx(9.1)
    assert eventually("ffffffffffffff").at == pytest.approx(ZERO + WITHIN)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ffffffffffffff", "not true within 6 s: never true in 6 samples"),
        ("ffffffffTTTfffffff", "true for at most 2.0 s, but it must be true for 3 s"),
        ("fffffffnnnnnnnnnn", "a.b is not known: body too long"),
        ("fffffffff", "no sample arrived after the deadline"),
        ("ffffffffTTT....TTTT", "samples are missing: no sample for 5.0 s"),
    ],
)
def test_what_stood_in_the_way_is_told(text: str, why: str) -> None:
    assert why in eventually(text, holds=3.0).why


@pytest.mark.parametrize(
    ("text", "holds", "late", "why"),
    [
        # 01234567890123456789
        ("ffffffffffffffffTTTT", 0.0, 3.6, "true after 9.6 s, 3.6 s late"),
        ("ffffffffffffffffTTTT", 3.0, 3.6, "true after 9.6 s and held for 3 s, 3.6 s late"),
        ("ffffffffffffffffTTTf", 3.0, None, "true for at most 2.0 s, but it must be true for 3 s"),
        ("fffffffffffffffffffff", 0.0, None, "never true in 14 samples"),
        ("fffffTfffffffffffffff", 0.0, None, "never true in 14 samples"),
        ("fffffTffffffffffTTTT", 0.0, 3.6, "true after 9.6 s, 3.6 s late"),
    ],
)
def test_a_miss_tells_by_how_much(text: str, holds: float, late: float | None, why: str) -> None:
    expectation = Expectation("it", Mode.EVENTUALLY, "a.b", within=WITHIN, holds=holds)
    found, told = miss(expectation, strip(text), Window(REQUESTED, ZERO, 20.0, 10.0, 20.0, 10.0))
    assert (found, told) == (pytest.approx(late) if late is not None else None, why)
