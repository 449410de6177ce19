"""An admission that changes a cut only as it is really made: it is reverted at once, made once, and nobody blamed."""

from typing import Any

import pytest

from gameday.api.lines import events_of
from gameday.cluster.resources import NETWORK_POLICIES, Object, Resource
from simulation import client
from simulation.running import Simulation
from simulation.scenario import Failure, Scenario, Trial, What

LATE = Failure(What.WATCH_LATE, 0.0, seconds=60.0)
SLOW = Failure(What.DELAY, 0.0, count=0)
"""Tells the promises about verdicts that something may be late."""


class Admission:
    """A world whose admission opens each NetworkPolicy that is really created; if ``stuck``, its first delete fails."""

    def __init__(self, *failures: Failure, stuck: bool = False) -> None:
        self.sim = Simulation(Scenario(1, (Trial(),), (SLOW, *failures)))
        (self.ns,) = self.sim.namespaces
        self.made: list[float] = []
        self.reverted: list[float] = []
        self.stuck = stuck

    def run(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        create, delete, world = client.SimulatedCluster.create, client.SimulatedCluster.delete, self

        async def opened(self: Any, resource: Resource, namespace: str | None, body: Object, **options: Any) -> Object:
            if resource is NETWORK_POLICIES and not options.get("dry_run"):
                world.made.append(self.store.world.now)
                body = body | {"spec": body["spec"] | {"egress": [*body["spec"]["egress"], {}]}}
            return await create(self, resource, namespace, body, **options)

        async def reverted(self: Any, resource: Resource, *args: Any, **options: Any) -> bool:
            if resource is NETWORK_POLICIES:
                if world.stuck:
                    world.stuck = False
                    self.server.refusing.insert(0, "422")
                else:
                    world.reverted.append(self.store.world.now)
            return await delete(self, resource, *args, **options)

        monkeypatch.setattr(client.SimulatedCluster, "create", opened)
        monkeypatch.setattr(client.SimulatedCluster, "delete", reverted)
        return self.sim.run()


@pytest.mark.parametrize("stuck", [False, True], ids=["deleted at once", "the delete is refused"])
@pytest.mark.parametrize("failures", [(), (LATE,)], ids=["seen at once", "seen late"])
def test_what_admission_makes_of_a_cut_is_reverted_at_once_and_never_made_again(
    failures: tuple[Failure, ...], stuck: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Admission(*failures, stuck=stuck)
    outcome = world.run(monkeypatch)
    assert not outcome.broken, outcome.broken
    assert len(world.made) == 1
    assert world.reverted[0] - world.made[0] < (1.0 if stuck else 0.05)
    status = (world.ns.drill or {})["status"]
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "CutChanged")
    assert "admission" in status["message"]
    assert "somebody else" not in str(events_of(status))
