"""What proves a cut, row by row: dials of a witness and its control, one letter each (``.`` good, ``x`` bad)."""

import pytest

from gameday.engine.evidence.proof import Proof
from gameday.model.sample import LineType, Sample

EVERY = 0.25
REQUEST = 100.0


def seen(witness: str, control: str, *, start: float, name: str = "target") -> Proof:
    """A proof fed with one pair's dials, the first of them sent at ``start``."""
    proof = Proof(range(1))
    for agent, letters in (("witness-0", witness), ("control-0", control)):
        for n, letter in enumerate(letters):
            sent = start + n * EVERY
            error = None if letter == "." else "timeout"
            proof.take(Sample(agent, n + 1, name, sent, sent + 0.01, letter == ".", error, type=LineType.DIAL))
    return proof


@pytest.mark.parametrize(
    ("witness", "control", "started_at"),
    [
        pytest.param("....xxx", "........", 100.0, id="cut at once: zero is the first failed dial"),
        pytest.param(".....xxx", ".........", 100.25, id="one more good dial after the request"),
        pytest.param("....x.xxx", "..........", 100.5, id="a single failure is a blip, the run of three counts"),
        pytest.param("....xx", "......", None, id="two failures prove nothing yet"),
        pytest.param("....xxx", ".......", 100.0, id="the control's dial sent with the third failure is enough"),
        pytest.param("....xxx", "......", None, id="the control has not been heard since: Redis may have died"),
        pytest.param("....xxxxx", "....xxxxx", None, id="both fail: the dependency is down, that is no cut"),
        pytest.param("..x.xxx", "........", None, id="the witness was not well before the request"),
        pytest.param("........", "........", None, id="nobody was cut off"),
    ],
)
def test_zero_of_the_outage(witness: str, control: str, started_at: float | None) -> None:
    proof = seen(witness, control, start=REQUEST - 4 * EVERY)
    found = proof.started(REQUEST)
    assert (found.at if found else None) == started_at


def test_zero_is_the_last_pairs() -> None:
    proof = seen("....xxx", "........", start=99.0)
    proof.pairs = range(2)
    assert proof.started(REQUEST) is None
    for agent, letters in (("witness-1", "......xxx"), ("control-1", "..........")):
        for n, letter in enumerate(letters):
            sent = 99.0 + n * EVERY
            proof.take(Sample(agent, n + 1, "target", sent, sent, letter == ".", type=LineType.DIAL))
    found = proof.started(REQUEST)
    assert found is not None
    assert found.at == 100.5


def test_a_witness_that_gets_through_is_a_leak_from_its_first_good_dial() -> None:
    proof = seen("....xxxx.", ".........", start=99.0)
    leak = proof.bypass(100.0, None)
    assert leak is not None
    assert leak.since == 101.0
    assert proof.bypass(100.0, until=101.0) is None


def test_a_control_that_fails_three_times_says_since_when_the_dependency_is_down() -> None:
    proof = seen("....xxxx", ".....xxx", start=99.0)
    down = proof.control_down(99.0)
    assert down is not None
    assert down.since == 100.25
    assert proof.control_down(100.5) is None


def test_a_bystander_that_answered_before_and_fails_now_is_collateral() -> None:
    proof = seen("....xxx", ".......", start=99.0, name="bystander:dns")
    hit = proof.collateral(REQUEST, None)
    assert hit is not None
    assert (hit.who, hit.since) == ("dns", 100.0)


def test_a_bystander_that_never_answered_is_not_ours() -> None:
    assert seen("xxxxxxx", ".......", start=99.0, name="bystander:dns").collateral(REQUEST, None) is None


@pytest.mark.parametrize(
    ("witness", "control", "since"),
    [
        pytest.param("....xxx......", "....xxx......", None, id="both fail for a moment: DNS is busy"),
        pytest.param("....xxx......", ".....x.......", None, id="the control has lost a dial meanwhile"),
        pytest.param("....xxx", "......", None, id="the control has not been heard since"),
        pytest.param("....xxxxxxxxxxxxx", "....xx...........", 101.5, id="the control is well again, the witness not"),
    ],
)
def test_a_bystander_that_fails_the_control_as_well_is_not_hit_by_the_cut(
    witness: str, control: str, since: float | None
) -> None:
    hit = seen(witness, control, start=99.0, name="bystander:dns").collateral(REQUEST, None)
    assert (hit.since if hit else None) == since


def test_a_bystander_that_controls_do_not_reach_for_a_while_is_down_by_itself() -> None:
    down = seen("....", "...." + "x" * 21, start=99.0, name="bystander:dns").bystander_down(REQUEST)
    assert down is not None
    assert (down.who, down.since) == ("dns", 100.0)
    assert seen("....", "...." + "x" * 20, start=99.0, name="bystander:dns").bystander_down(REQUEST) is None
    assert seen("....", "...." + "x" * 30 + ".", start=99.0, name="bystander:dns").bystander_down(REQUEST) is None
    assert seen("....", "x" * 40, start=99.0, name="bystander:dns").bystander_down(REQUEST) is None


def test_restored_is_the_first_good_dial_after_the_undo() -> None:
    proof = seen("....xxxx..", "..........", start=99.0)
    start = proof.restored(100.6)
    assert start is not None
    assert start.at == 101.0
    assert proof.restored(101.3) is None


def test_a_witness_that_fails_with_its_control_after_the_undo_is_not_held_by_us() -> None:
    assert seen("....xxxx", "....xxxx", start=99.0).fails_like_control(100.0)
    assert not seen("....xxxx", "........", start=99.0).fails_like_control(100.0)


def with_address(proof: Proof, name: str, witness: str, control: str, *, start: float) -> Proof:
    """The proof with dials of one more address."""
    for agent, letters in (("witness-0", witness), ("control-0", control)):
        for n, letter in enumerate(letters):
            sent = start + n * EVERY
            proof.take(Sample(agent, n + 1, name, sent, sent, letter == ".", "refused", type=LineType.DIAL))
    return proof


def test_every_address_must_be_cut_off() -> None:
    proof = with_address(seen("....xxx", "........", start=99.0), "target:b", "......xxx", "..........", start=99.0)
    found = proof.started(REQUEST)
    assert found is not None
    assert found.at == 100.5
    open_one = with_address(seen("....xxx", "........", start=99.0), "target:b", "..........", "..........", start=99.0)
    assert open_one.started(REQUEST) is None
    leak = open_one.bypass(REQUEST, None)
    assert leak is not None
    assert leak.detail == "reached what is cut at b"


def test_an_address_that_answers_nobody_is_waited_for_and_then_left_out() -> None:
    deaf = "x" * 100
    proof = with_address(seen("." * 80 + "xxx", "." * 84, start=80.0), "target:b", deaf, deaf, start=80.0)
    assert not proof.ready(94.0)
    assert proof.ready(95.0)
    assert proof.silent() == ("b",)
    assert proof.control_down(80.0) is None
    assert proof.started(REQUEST) is not None


def test_an_address_that_answers_one_node_alone_counts_on_both() -> None:
    proof = with_address(seen("." * 80, "." * 80, start=80.0), "target:b", "x" * 80, "." * 80, start=80.0)
    assert proof.silent() == ()
    assert not proof.ready(99.0)
    down = proof.witness_down(80.0, REQUEST)
    assert down is not None
    assert down.detail == "refused at b"


def test_an_address_that_answers_for_the_first_time_under_the_cut_does_not_undo_its_proof() -> None:
    late = with_address(
        seen("." * 80 + "xxx", "." * 84, start=80.0), "target:b", "x" * 90, "x" * 80 + "....", start=80.0
    )
    assert late.started(REQUEST) is not None


def test_where_nothing_answers_anybody_the_dependency_is_down() -> None:
    proof = with_address(seen("xxxx", "xxxx", start=80.0), "target:b", "xxxx", "xxxx", start=80.0)
    assert proof.silent() == ()
    assert proof.control_down(80.0) is not None
