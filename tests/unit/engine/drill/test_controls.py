"""A control that does not get through: the dependency's doing, the cut's, or that of the dependency's own policy."""

from dataclasses import dataclass, replace

import pytest

from gameday.engine.drill import controls
from gameday.engine.drill.context import Context
from gameday.engine.evidence.evidence import Evidence
from gameday.engine.evidence.proof import Proof
from gameday.model.change import Change, ChangeState
from gameday.model.observation import Observation
from gameday.model.places import redis_at
from gameday.model.plan import Expectation, Mode, Probe, ServiceRef
from gameday.model.record import Doubt, DrillRecord, Reason, Verdict
from gameday.model.sample import LineType, Sample
from gameday.probes.redis.kind import RedisProbe
from unit.engine.simulation import Simulation, a_plan, finished

EVERY = 0.25


def dials(proof: Proof, *rows: tuple[str, str], start: float = 99.0, name: str = "target:a") -> Proof:
    """The proof with dials of each agent, one letter each: ``.`` good, ``x`` bad."""
    for agent, letters in rows:
        for n, letter in enumerate(letters):
            sent = start + n * EVERY
            error = None if letter == "." else "timeout"
            kind = LineType.SAMPLE if agent == "client" else LineType.DIAL
            where = "redis" if agent == "client" else name
            proof.take(Sample(agent, n + 1, where, sent, sent, letter == ".", error, type=kind))
    return proof


@dataclass
class Seen:
    proofs: dict[str, Proof]


def situation(proof: Proof, record: DrillRecord, now: float = 110.0) -> Context:
    observed = Observation(
        kinds=("pods with app=api on node a", "pods with app=worker on node b"),
        gates={"partition": ("NetworkPolicy d/redis",)},
    )
    return Context(a_plan(), record, observed, Seen({"partition": proof}), now)  # type: ignore[arg-type]  # only what is asked for here


PARTITION = Change(
    "partition", "networkPartition", "NetworkPolicy", "p", "f", ChangeState.REQUESTED, requested_at=100.0
)
ASKED = DrillRecord(inject_requested_at=100.0, changes=(PARTITION,))
CUT = "....xxxxxx"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param([("control-0", CUT), ("control-1", "." * 12)], True, id="another control gets through"),
        pytest.param([("control-0", CUT), ("client", "." * 12)], True, id="the client gets through"),
        pytest.param([("control-0", CUT), ("control-1", CUT)], False, id="all fail"),
        pytest.param(
            [("control-0", CUT), ("control-1", "....x......")], False, id="another failed as well, for a moment"
        ),
        pytest.param([("control-0", CUT), ("control-1", "....")], False, id="the other was not heard since"),
        pytest.param([("control-0", CUT), ("client", "")], False, id="nobody else"),
        pytest.param([("control-0", "." * 10)], False, id="it gets through"),
    ],
)
def test_a_control_that_fails_alone_since_the_cut_was_not_spared_by_it(rows: list[tuple[str, str]], told: bool) -> None:
    proof = dials(Proof(range(2), probes=frozenset({"redis"})), *rows)
    found = controls.not_spared(PARTITION, proof)
    assert (found is not None) is told
    if found is not None:
        reason, why, since = found
        assert (reason, since) == (Reason.CONTROL_CUT, 100.0)
        assert "gameday.dev/role=control" in why


def test_a_control_that_fails_long_after_the_cut_is_no_matter_of_its_label() -> None:
    proof = dials(Proof(range(2)), ("control-0", "." * 130 + "xxxx"), ("control-1", "." * 150))
    assert controls.not_spared(PARTITION, proof) is None


def ended(since: float = 100.5, undone: float | None = 102.1) -> DrillRecord:
    """A drill that was undone since its controls failed."""
    change = replace(PARTITION, state=ChangeState.UNDONE, undone_at=undone)
    doubt = Doubt(Reason.DEPENDENCY_DOWN, "control-0 cannot reach it", since)
    return replace(ASKED, undo_requested_at=102.0, changes=(change,), doubts=(doubt,))


def proven(record: DrillRecord, at: float) -> DrillRecord:
    """A drill whose cut was proven then."""
    return replace(record, proven_at=at, changes=(replace(record.changes[0], proven_at=at),))


@pytest.mark.parametrize(
    ("letters", "record", "reason"),
    [
        pytest.param("......xxxxxx....", ended(), Reason.CONTROL_CUT, id="back as soon as it is reverted"),
        pytest.param("......xxxxxxxxxxxxxxxxxxxxxxxxxx", ended(), Reason.DEPENDENCY_DOWN, id="not back"),
        pytest.param("......xxxx......", ended(), Reason.DEPENDENCY_DOWN, id="back before it was reverted"),
        pytest.param("......xxxxxx", ended(), Reason.DEPENDENCY_DOWN, id="not heard since"),
        pytest.param("......xxxxxx....", ended(131.0), Reason.DEPENDENCY_DOWN, id="it began long after the cut"),
        pytest.param("." * 14 + "xxx" + "....", ended(102.5), Reason.DEPENDENCY_DOWN, id="it began after the undo"),
    ],
)
def test_controls_that_failed_just_as_long_as_the_cut_was_there_were_cut(
    letters: str, record: DrillRecord, reason: Reason
) -> None:
    named = controls.named(situation(dials(Proof(range(1)), ("control-0", letters)), record))
    assert [doubt.cause for doubt in named.doubts] == [reason]
    assert named.doubts[0].since == record.doubts[0].since


def test_controls_that_fail_after_the_proof_were_spared_by_the_cut() -> None:
    """Redis may die and come back just then; that the cut spares controls has been seen."""
    alone = dials(Proof(range(2)), ("control-0", CUT), ("control-1", "." * 12))
    assert controls.not_spared(replace(PARTITION, proven_at=100.0), alone) is None
    proof = dials(Proof(range(1)), ("control-0", "......xxxxxx...."))
    assert controls.named(situation(proof, proven(ended(), 100.4))).doubts[0].cause is Reason.DEPENDENCY_DOWN


def test_one_control_that_the_cut_spared_speaks_for_the_dependency_being_down() -> None:
    proof = dials(Proof(range(2)), ("control-0", "......xxxxxx...."), ("control-1", "......x........."))
    assert controls.named(situation(proof, ended())).doubts[0].cause is Reason.DEPENDENCY_DOWN


def test_it_is_waited_for_a_moment_until_controls_tell() -> None:
    proof = dials(Proof(range(1)), ("control-0", "......xxxxxx"))
    assert controls.unsettled(situation(proof, ended(), now=103.0))
    assert not controls.unsettled(situation(proof, ended(), now=105.2))
    assert not controls.unsettled(situation(dials(proof, ("control-0", "...."), start=102.3), ended(), now=103.0))
    assert not controls.unsettled(situation(proof, replace(ended(), doubts=()), now=103.0))


@pytest.mark.parametrize(
    ("rows", "pairs"),
    [
        pytest.param(
            [("witness-0", "...."), ("control-0", "...."), ("witness-1", "xxxx"), ("control-1", "xxxx")],
            (1,),
            id="another pair gets through",
        ),
        pytest.param([("witness-0", "xxxx"), ("control-0", "xxxx"), ("client", "....")], (0,), id="the client does"),
        pytest.param([("witness-0", "xxxx"), ("control-0", "xxxx"), ("client", "xxxx")], (), id="nobody does"),
        pytest.param([("witness-0", "xxxx"), ("control-0", "xxxx")], (), id="nobody else is there"),
        pytest.param([("witness-0", "xxxx"), ("control-0", "x..x"), ("client", "....")], (), id="the control did once"),
        pytest.param([("witness-0", "xx"), ("control-0", "xx"), ("client", "....")], (), id="too early to tell"),
    ],
)
def test_a_kind_of_target_that_never_gets_through_while_others_do_is_not_admitted(
    rows: list[tuple[str, str]], pairs: tuple[int, ...]
) -> None:
    proof = dials(Proof(range(2), probes=frozenset({"redis"})), *rows)
    assert proof.shut_out() == pairs
    told = controls.shut_out(situation(proof, DrillRecord()), "partition", proof)
    assert (told is not None) is bool(pairs)
    if pairs == (1,):
        assert told is not None
        assert told.startswith("pods with app=worker on node b: ")
        assert "(NetworkPolicy d/redis)" in told


@pytest.mark.parametrize(
    ("service", "counts"), [(ServiceRef("redis"), True), (ServiceRef("cache"), False), (None, False)]
)
def test_only_a_redis_probe_of_what_is_cut_tells_that_it_answers(service: ServiceRef | None, counts: bool) -> None:
    plan = a_plan()
    probe = Probe("redis", RedisProbe(redis_at(service=service, host="" if service else "10.0.0.3")))
    expect = (Expectation("e", Mode.ALWAYS, "redis.ok"),)
    plan = replace(plan, probes=(*plan.probes, probe), steady_state=replace(plan.steady_state, expect=expect))
    evidence = Evidence(plan, {"partition": range(1)})
    evidence.take(Sample("client", 1, "redis", 1.0, 1.1, ok=False, error="redis LOADING"))
    evidence.take(Sample("client", 2, "redis", 2.0, 2.1, ok=False, error="timeout"))
    assert evidence.proofs["partition"].client.ok == ([True, False] if counts else []), (
        "an error that it says is an answer"
    )


def test_a_drill_whose_controls_are_cut_too_says_so_after_its_undo() -> None:
    simulation = Simulation(a_plan(), spares_controls=False)
    simulation.every = 0.25
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ControlCut")
    assert record.undo_requested_at is not None
    assert record.inject_requested_at is not None
    assert record.undo_requested_at - record.inject_requested_at < 3.0, "it is undone at once"
