"""A Redis of several servers: a control that is told of one which is not cut ends the drill, and not as an outage."""

from typing import Any

import pytest

from gameday.model.agent import SERVERS
from gameday.model.plan import Stage
from gameday.model.record import Reason, ResultState, Verdict
from unit.engine.simulation import Simulation, a_plan, finished

TOLD = f"{SERVERS}10.0.0.9:6379 is one of them and is not cut"


class Failing(Simulation):
    """A world in which no control ever gets through, for one reason."""

    error = ""

    def say(self, agent: str, name: str, sent: float, ok: bool, *rest: Any, **named: Any) -> None:
        if agent.startswith(("control", "witness")) and named.get("kind") is None:
            ok, named["error"] = False, self.error
        super().say(agent, name, sent, ok, *rest, **named)


@pytest.mark.parametrize(
    ("error", "reason", "says"),
    [
        ("tls: the certificate is not trusted (give its CA in tls.caFrom)", Reason.AGENTS_NOT_READY, "tls.caFrom"),
        ("auth: the Redis password cannot be read: check its Secret", Reason.AGENTS_NOT_READY, "check its Secret"),
        ("refused", Reason.DEPENDENCY_DOWN, "or admits no pod of the drill"),
        ("tls", Reason.DEPENDENCY_DOWN, "or admits no pod of the drill"),
    ],
)
def test_a_dependency_that_cannot_be_asked_is_not_called_down(error: str, reason: Reason, says: str) -> None:
    simulation = Failing(a_plan())
    simulation.error = error
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, reason.value)
    assert says in record.message
    assert ("the dependency is down" in record.message) is (reason is Reason.DEPENDENCY_DOWN)
    assert simulation.injections.total() == 0


class Growing(Simulation):
    """A world in which controls are told of another server while ``grown`` is true."""

    grown = False

    def say(self, agent: str, name: str, sent: float, ok: bool, *rest: Any, **named: Any) -> None:
        if self.grown and agent.startswith("control") and named.get("kind") is None:
            ok, named["error"] = False, TOLD
        super().say(agent, name, sent, ok, *rest, **named)


def test_nothing_is_touched_while_a_server_would_stay_open() -> None:
    simulation = Growing(a_plan())
    simulation.grown = True
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, Reason.ADDRESSES_UNKNOWN.value)
    assert "10.0.0.9:6379 is one of them and is not cut" in record.message
    assert "name a Service that selects every server" in record.message
    assert "the dependency is down" not in record.message
    assert simulation.injections.total() == 0


def test_a_server_that_comes_under_the_cut_ends_it_without_a_verdict_on_the_system() -> None:
    def comes(world: Simulation) -> None:
        if world.record.outage_started_at is not None and world.now > world.record.outage_started_at + 2:
            assert isinstance(world, Growing)
            world.grown = world.record.undo_requested_at is None

    simulation = Growing(a_plan(), meddle=comes)
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, Reason.ADDRESSES_UNKNOWN.value)
    states = {result.state for result in record.results if result.stage is Stage.OUTAGE}
    assert ResultState.MISSED not in states
    assert simulation.left() == []
