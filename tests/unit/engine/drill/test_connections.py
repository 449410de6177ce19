"""What speaks against showing that open connections are gone, before anything is cut."""

from dataclasses import dataclass, replace

import pytest

from gameday.actions.network_partition.action import OpenConnections, cuts_of
from gameday.engine.drill.connections import doubtful
from gameday.engine.drill.context import Context
from gameday.engine.evidence.proof import Proof
from gameday.model import held_connection
from gameday.model.observation import ConnectionsClosed, ConnectionsCounted, Observation
from gameday.model.plan import Fault, Plan
from gameday.model.record import DrillRecord, Verdict
from gameday.model.sample import LineType, Sample
from unit.engine.simulation import Simulation, a_plan


@dataclass
class Seen:
    proofs: dict[str, Proof]


def told(counted: ConnectionsCounted | None, *, local: bool = False, plan: Plan | None = None) -> list[str]:
    proof = Proof(range(1))
    values = {held_connection.CONNECTION: 1, held_connection.ANSWERED: 1, held_connection.LOCAL: local}
    proof.take(Sample("witness-0", 1, "target:a", 1.0, 1.1, ok=True, values=values, type=LineType.HELD))
    observed = Observation(connections_counted={"partition": counted} if counted is not None else {})
    ctx = Context(plan or a_plan(), DrillRecord(), observed, Seen({"partition": proof}), 10.0)  # type: ignore[arg-type]  # only what is asked
    return list(doubtful(ctx))


@pytest.mark.parametrize(
    ("counted", "local", "lines"),
    [
        (None, False, []),
        (ConnectionsCounted(2), False, []),
        (ConnectionsCounted(0), False, ["the dependency shows no connection of the targets so far"]),
        (ConnectionsCounted(0, "NOPERM: the user needs CLIENT LIST"), False, ["cannot be counted"]),
        (ConnectionsCounted(2, "timeout"), False, ["cannot be counted"]),
        (None, True, ["that witness-0 hold open end at a proxy in the agent's own pod"]),
        (ConnectionsCounted(0), True, ["a proxy in the agent's own pod", "shows no connection of the targets"]),
    ],
)
def test_it_is_said_before_the_cut(counted: ConnectionsCounted | None, local: bool, lines: list[str]) -> None:
    found = told(counted, local=local)
    assert len(found) == len(lines)
    assert all(wanted in line for wanted, line in zip(lines, found, strict=True))


def test_where_open_connections_are_to_be_kept_there_is_nothing_to_say() -> None:
    plan = a_plan()
    partition = replace(cuts_of(plan)[0][1], open_connections=OpenConnections.KEEP)
    kept = replace(plan, outage=replace(plan.outage, faults=(Fault("partition", partition),)))
    assert told(ConnectionsCounted(0), local=True, plan=kept) == []


def test_the_timeline_has_it_when_the_steady_state_ends() -> None:
    simulation = Simulation(a_plan(), connections_counted={"partition": ConnectionsCounted(0)})
    simulation.finish()
    (line,) = [line for line in simulation.record.timeline if line.reason == "ProofWarning"]
    assert line.warning
    assert line.at <= (simulation.record.inject_requested_at or 0.0)


def test_each_target_is_to_be_seen() -> None:
    simulation = Simulation(
        a_plan(), connections_closed=ConnectionsClosed(2, 0, unseen=2, example="pod api-7 (10.0.0.7)")
    )
    simulation.finish()
    record = simulation.record
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsKept")
    assert "the dependency never showed a connection of pod api-7 (10.0.0.7) (and of 1 more)" in record.message
