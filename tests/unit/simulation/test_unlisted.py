"""A list that a fault or step needs cannot be had, from the middle of a drill on: all else of the drill goes on."""

from itertools import cycle
from typing import Any

import pytest

from gameday.api.lines import mitigations_of, steps_of
from gameday.cluster.resources import DEPLOYMENTS, ENDPOINT_SLICES, PODS, REPLICA_SETS, Object, Resource
from gameday.errors import Forbidden
from gameday.model.labels import DRILL
from simulation import client
from simulation.mitigating import HOLD
from simulation.namespace import WORKERS
from simulation.running import Simulation
from simulation.scenario import Call, Defect, Failure, Faults, Mitigates, Scenario, Trial, What
from simulation.world import START

OF_SCALES = (DEPLOYMENTS, PODS, REPLICA_SETS)
"""What a scale watches: its workload, all pods of the namespace and all ReplicaSets."""
TOLD = Failure(What.DELAY, 0.0, count=0)
"""Tells the promises about verdicts that something goes wrong."""
BEGUN = 9.2
"""Seconds after the world began at which the mitigation begins."""
HELD = 11.8
"""Seconds after the world began at which the mitigation has scaled the workers away."""
TAKEN_OVER = 20.5
"""Seconds after the world began at which another process has taken over from one that died then."""
ENDS = 14.1
"""Seconds after the world began at which the outage has ended as planned."""


class Unlisted:
    """A world in which a list of the account is refused for a while; the drill's own pods can be listed."""

    def __init__(self, trial: Trial, *troubles: Failure, since: float | None = BEGUN - 1.0, until: float = 1e9) -> None:
        """Have it be; ``since`` and ``until`` are seconds after the world began, or after the first process died."""
        self.sim = Simulation(Scenario(1, (trial,), (TOLD, *troubles)))
        (self.ns,) = self.sim.namespaces
        self.since, self.until = since, until
        self.refused = 0

    def run(self, resource: Resource, monkeypatch: pytest.MonkeyPatch) -> Object:
        """The last status of the drill, which has kept every promise."""
        list_, world = client.SimulatedCluster.list, self

        async def refusing(
            self: client.SimulatedCluster, of: Resource, namespace: str | None, labels: str = "", fields: str = ""
        ) -> Any:
            if of is resource and self.account and DRILL not in labels and world.refuses:
                world.refused += 1
                raise Forbidden(f"list {of.plural}: forbidden")
            return await list_(self, of, namespace, labels, fields)

        monkeypatch.setattr(client.SimulatedCluster, "list", refusing)
        outcome = self.sim.run()
        assert not outcome.broken, "; ".join(map(str, outcome.broken))
        worker = self.sim.server.store.need(DEPLOYMENTS, self.ns.namespace, "worker")
        assert worker["spec"]["replicas"] == WORKERS
        status: Object = self.ns.statuses[-1]
        return status

    @property
    def refuses(self) -> bool:
        """Whether that list is refused now."""
        dead = [process.ended_at for process in self.sim.everyone if process.dead]
        if self.since is None:
            return bool(dead) and self.sim.world.elapsed < dead[0] + self.until
        return self.since <= self.sim.world.elapsed < self.until

    @property
    def uncut_at(self) -> float:
        """Seconds after the world began at which the cut was gone."""
        at, there = self.ns.truth[-1]
        assert not there
        return at - START

    def stalled(self) -> set[str]:
        """What the condition Stalled has said."""
        every = (one for status in self.ns.statuses for one in status.get("conditions", ()))
        return {one["message"] for one in every if one["type"] == "Stalled" and one["status"] == "True"}


ENDINGS = [
    *((What.ABORT, "Aborted", resource) for resource in OF_SCALES),
    (What.HALT, "Halted", REPLICA_SETS),
    (What.DRILL_DELETED, "Deleted", REPLICA_SETS),
    (What.GAMEDAY_DELETED, "GameDayDeleted", REPLICA_SETS),
    (What.OPT_OUT, "OptInRevoked", REPLICA_SETS),
    (What.AGENT_DIES, "AgentLost", REPLICA_SETS),
]
"""What ends a drill, the reason that it gives, and what cannot be listed."""


@pytest.mark.parametrize("mitigates", [Mitigates.EARLY, Mitigates.HOLDS, Mitigates.EVICTS])
@pytest.mark.parametrize(
    ("what", "reason", "resource"), [pytest.param(*one, id=f"{one[0].value}-{one[2].plural}") for one in ENDINGS]
)
def test_whatever_ends_a_drill_reverts_its_cut_while_a_mitigation_waits_for_a_list(
    what: What, reason: str, mitigates: Mitigates, resource: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Unlisted(Trial(defect=Defect.STUCK, mitigates=mitigates), Failure(what, BEGUN + 1.0, seconds=30.0))
    status = world.run(resource, monkeypatch)
    assert world.refused
    assert [one["state"] for one in mitigations_of(status)] == ["Begun"]
    assert status["reason"] == reason
    assert world.uncut_at < BEGUN + 2.0


@pytest.mark.parametrize("resource", OF_SCALES, ids=lambda one: one.plural)
def test_a_guardrail_reverts_the_cut_meanwhile(resource: Resource, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Unlisted(Trial(defect=Defect.FRAGILE, mitigates=Mitigates.HOLDS))
    status = world.run(resource, monkeypatch)
    assert world.refused
    assert [one["state"] for one in mitigations_of(status)] == ["Begun"]
    assert (status["verdict"], status["reason"]) == ("Failed", "GuardrailViolated")
    assert world.uncut_at < ENDS


@pytest.mark.parametrize("resource", OF_SCALES, ids=lambda one: one.plural)
@pytest.mark.parametrize("mitigates", [Mitigates.EARLY, Mitigates.HOLDS, Mitigates.EVICTS])
def test_the_outage_ends_as_planned_and_the_step_in_its_time_and_both_say_what_fails(
    mitigates: Mitigates, resource: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Unlisted(Trial(mitigates=mitigates))
    status = world.run(resource, monkeypatch)
    assert world.refused
    assert world.uncut_at < ENDS
    error = f"list {resource.plural}: forbidden"
    assert world.stalled() == {error}
    assert status["reason"] == "MitigationFailed"
    assert status["message"].endswith(f"was not done within 30 s: {error}")
    assert not status.get("undo", ())[1:], "nothing was registered beside the cut"
    assert not steps_of(status)


@pytest.mark.parametrize("resource", OF_SCALES, ids=lambda one: one.plural)
@pytest.mark.parametrize("aborts", [True, False])
def test_a_process_that_takes_over_reverts_without_a_list_that_no_undo_needs(
    aborts: bool, resource: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workers are scaled away as the process dies; whether they are back is unknown until they can be listed."""
    troubles = [Failure(What.CRASH, HELD, seconds=0.5)] + [Failure(What.ABORT, HELD + 1.0)] * aborts
    trial = Trial(defect=Defect.STUCK, mitigates=Mitigates.HOLDS)
    world = Unlisted(trial, *troubles, since=HELD, until=40.0)
    status = world.run(resource, monkeypatch)
    assert world.refused
    assert {one["name"]: one["state"] for one in steps_of(status)} == {HOLD: "Done"}
    assert world.uncut_at < TAKEN_OVER + 1.0
    assert status["verdict"] == ("Aborted" if aborts else "Failed")


TRIALS = {
    "scale, then cut": (Trial(faults=Faults.SCALE_AND_CUT), REPLICA_SETS),
    "cut, then scale": (Trial(faults=Faults.CUT_AND_SCALE), DEPLOYMENTS),
    "rollback": (Trial(defect=Defect.STUCK, rollback=True), REPLICA_SETS),
    "mitigation": (Trial(defect=Defect.STUCK, mitigates=Mitigates.EARLY), PODS),
    "restart": (Trial(defect=Defect.STUCK, mitigates=Mitigates.EVICTS), REPLICA_SETS),
    "cut of a Service": (Trial(), ENDPOINT_SLICES),
    "user switched off": (Trial(call=Call(acl=True)), PODS),
}


@pytest.mark.parametrize(("trial", "resource"), TRIALS.values(), ids=TRIALS)
def test_wherever_a_process_dies_a_list_that_fails_for_a_while_breaks_no_promise(
    trial: Trial, resource: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = 0
    for call, lasts in zip(range(4, 32, 4), cycle((12.0, 60.0)), strict=False):
        dies = Failure(What.CRASH_AT_CALL, 0.5, seconds=0.5, count=call, detail="sent")
        with monkeypatch.context() as patch:
            world = Unlisted(trial, dies, since=None, until=lasts)
            world.run(resource, patch)
        refused += bool(world.refused)
    assert refused > 1
