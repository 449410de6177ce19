"""What held connections show, row by row: an answer each second, then an end, of a witness and of its control."""

from dataclasses import dataclass
from typing import Any

import pytest

from gameday.engine.evidence.evidence import Evidence
from gameday.engine.evidence.held_connections import Span
from gameday.engine.evidence.proof import Proof
from gameday.model import held_connection
from gameday.model.plan import Outage, Plan, Recovery, SteadyState
from gameday.model.sample import LineType, Sample

CUT = Span(requested=100.0, started_at=100.5, until=160.0)


@dataclass(frozen=True)
class Holds:
    """What one agent of a pair tells of a connection: when it answered, when it ended and how."""

    answers: tuple[float, ...]
    ended_at: float | None = None
    how: str = held_connection.TIMEOUT
    local: bool = False
    lost: int = 0
    """Answers of which no line is known."""
    number: int = 1

    def told(self, agent: str, name: str) -> list[Sample]:
        def line(sent: float, received: float, answered: int, error: str | None = None) -> Sample:
            values: dict[str, Any] = {
                held_connection.CONNECTION: self.number,
                held_connection.ANSWERED: answered + self.lost,
                held_connection.LOCAL: self.local,
            }
            n = int(received * 100)
            return Sample(agent, n, name, sent, received, error is None, error, values, type=LineType.HELD)

        lines = [line(sent, sent + 0.01, index + 1) for index, sent in enumerate(self.answers)]
        if self.ended_at is not None:
            last = self.answers[-1] if self.answers else self.ended_at
            lines.append(line(last, self.ended_at, len(self.answers), self.how))
        return lines


BEFORE = (80.0, 90.0, 99.5)
ENDED = Holds(BEFORE, 104.2)
LIVES = Holds((*BEFORE, 101.0, 111.0))


def proof_of(witness: Holds | None, control: Holds | None, *, pairs: int = 1, name: str = "target:10.0.0.3") -> Proof:
    proof = Proof(range(pairs))
    for agent, holds in (("witness-0", witness), ("control-0", control)):
        for sample in holds.told(agent, name) if holds is not None else ():
            proof.take(sample)
    return proof


def test_a_witness_connection_that_timed_out_while_its_controls_lived_on_shows_it() -> None:
    told = proof_of(ENDED, LIVES).held.result(range(1), CUT)
    assert told.since == CUT.started_at, "it was silent for 4 s before: the start is not moved"
    late = proof_of(Holds(BEFORE, 112.0), LIVES).held.result(range(1), CUT)
    assert late.since == 108.0, "this network took its time"


def test_a_control_that_says_nothing_of_an_end_for_long_enough_lives_on() -> None:
    """Its next exchange may be 10 s away; its dials tell that its log is known so far."""
    proof = proof_of(ENDED, Holds(BEFORE))
    proof.take(Sample("control-0", 99, "target:10.0.0.3", 107.0, 107.1, ok=True, type=LineType.DIAL))
    assert proof.held.result(range(1), CUT).since is None
    proof.take(Sample("control-0", 100, "target:10.0.0.3", 107.2, 107.3, ok=True, type=LineType.DIAL))
    assert proof.held.result(range(1), CUT).since == CUT.started_at


@pytest.mark.parametrize(
    ("witness", "control", "why"),
    [
        pytest.param(
            Holds(BEFORE, 104.2, held_connection.CLOSED), LIVES, "not by a timeout (closed)", id="the other end closed"
        ),
        pytest.param(
            Holds(BEFORE, 104.2, held_connection.RESET), LIVES, "not by a timeout (reset)", id="the other end reset"
        ),
        pytest.param(
            Holds(BEFORE, 106.0, held_connection.UNANSWERED),
            LIVES,
            "not by a timeout (unanswered)",
            id="a proxy took it and is mute",
        ),
        pytest.param(Holds((99.5,), 104.2), LIVES, "had not answered twice before the cut", id="answered once"),
        pytest.param(Holds((99.5, 100.2), 104.2), LIVES, "had not answered twice", id="once before the cut"),
        pytest.param(Holds(BEFORE, 104.2, local=True), LIVES, "a proxy in its own pod", id="a local proxy"),
        pytest.param(ENDED, Holds(LIVES.answers, local=True), "none to compare", id="the control's is a local proxy's"),
        pytest.param(ENDED, Holds(BEFORE, 105.0), "that of control-0 as well", id="the control's ended too"),
        pytest.param(
            ENDED,
            Holds((*BEFORE, 101.0), 105.5, held_connection.CLOSED),
            "that of control-0 as well (closed)",
            id="closed too",
        ),
        pytest.param(
            ENDED, Holds(BEFORE), "not known yet whether that of control-0 did", id="the control was not heard since"
        ),
        pytest.param(ENDED, None, "none to compare it with", id="the control holds none"),
        pytest.param(ENDED, Holds((99.5,)), "none to compare it with", id="the control's answered once"),
        pytest.param(None, LIVES, "held no open connection", id="nothing is held"),
        pytest.param(Holds(BEFORE), LIVES, "neither ended nor answered", id="not yet"),
        pytest.param(Holds(BEFORE, 161.0), LIVES, "neither ended nor answered", id="it ended after the cut"),
        pytest.param(Holds(BEFORE, 99.9), LIVES, "had not answered twice before", id="it ended before the cut"),
        pytest.param(
            Holds(BEFORE, 104.2, lost=1), LIVES, "lines of the agents' logs are missing", id="a line is missing"
        ),
        pytest.param(LIVES, LIVES, "still answers", id="it lives on"),
        pytest.param(Holds((*BEFORE, 109.5), 120.0), LIVES, "still answers", id="it lived on for a while"),
    ],
)
def test_anything_else_shows_nothing(witness: Holds | None, control: Holds | None, why: str) -> None:
    told = proof_of(witness, control).held.result(range(1), CUT)
    assert told.since is None
    assert why in told.why


def test_an_answer_at_the_moment_of_the_cut_is_no_life_under_it() -> None:
    assert proof_of(Holds((*BEFORE, 101.0), 105.2), LIVES).held.result(range(1), CUT).since == 101.2


def test_the_last_pair_decides_and_one_that_lives_on_is_named() -> None:
    proof = proof_of(ENDED, LIVES, pairs=2)
    assert "witness-1 held no open connection" in proof.held.result(range(2), CUT).why
    for agent, holds in (("witness-1", Holds(BEFORE, 109.0)), ("control-1", LIVES)):
        for sample in holds.told(agent, "target:10.0.0.3"):
            proof.take(sample)
    assert proof.held.result(range(2), CUT).since == 105.0
    open_one = proof_of(Holds(BEFORE), LIVES, pairs=2)
    for agent in ("witness-1", "control-1"):
        for sample in LIVES.told(agent, "target:10.0.0.3"):
            open_one.take(sample)
    assert "witness-1 to 10.0.0.3 still answers" in open_one.held.result(range(2), CUT).why


def test_one_connection_of_a_pair_is_enough_and_none_may_live_on() -> None:
    proof = proof_of(ENDED, LIVES)
    for agent, holds in (("witness-0", Holds(BEFORE, 104.0, held_connection.CLOSED)), ("control-0", LIVES)):
        for sample in holds.told(agent, "target:10.0.0.4"):
            proof.take(sample)
    assert proof.held.result(range(1), CUT).since == CUT.started_at
    for agent in ("witness-0", "control-0"):
        for sample in LIVES.told(agent, "target:10.0.0.5"):
            proof.take(sample)
    assert "10.0.0.5 still answers" in proof.held.result(range(1), CUT).why


def test_one_that_was_opened_anew_counts_for_itself() -> None:
    proof = proof_of(
        Holds((60.0, 61.0), 62.0, held_connection.CLOSED), Holds((60.0, 61.0), 62.0, held_connection.CLOSED)
    )
    for agent, holds in (("witness-0", Holds(BEFORE, 104.2, number=2)), ("control-0", Holds(LIVES.answers, number=2))):
        for sample in holds.told(agent, "target:10.0.0.3"):
            proof.take(sample)
    assert proof.held.result(range(1), CUT).since == CUT.started_at


@pytest.mark.parametrize(
    "values",
    [
        {},
        {held_connection.CONNECTION: "1", held_connection.ANSWERED: 1},
        {held_connection.CONNECTION: 1, held_connection.ANSWERED: True},
    ],
)
def test_a_line_that_makes_no_sense_is_passed_over(values: dict[str, Any]) -> None:
    proof = Proof(range(1))
    proof.take(Sample("witness-0", 1, "target:a", 1.0, 1.0, ok=True, values=values, type=LineType.HELD))
    assert proof.held.connections == {}


def test_bystanders_and_other_agents_hold_nothing() -> None:
    proof = Proof(range(1))
    for agent, name in (("witness-0", "bystander:dns"), ("client", "target:a"), ("observer", "target:a")):
        for sample in ENDED.told(agent, name):
            proof.take(sample)
    assert proof.held.connections == {}


def test_lines_that_come_late_are_put_where_they_belong() -> None:
    plan = Plan("g", (), SteadyState(1.0), Outage(1.0, ()), Recovery(1.0))
    lines = [
        line for agent, holds in (("witness-0", ENDED), ("control-0", LIVES)) for line in holds.told(agent, "target:a")
    ]
    shuffled = Evidence(plan, {"partition": range(1)})
    for line in (*lines[1:], lines[0]):
        assert shuffled.take(line)
    assert [c.answers for c in shuffled.proofs["partition"].held.connections["witness-0", "target:a"]] == [list(BEFORE)]
    assert shuffled.proofs["partition"].held.result(range(1), CUT).since == CUT.started_at


def test_a_proxy_in_an_agents_own_pod_is_named() -> None:
    assert proof_of(Holds(BEFORE, local=True), LIVES).held.local() == ("witness-0",)
