"""A node that is lost keeps the pods of a drill: its agents hold up nothing, and what may still act keeps the lock."""

from collections.abc import Callable
from typing import Any

import pytest

from gameday.api.lines import events_of
from gameday.cluster.resources import LEASES, Object
from gameday.controller.drill import pods
from simulation.controllers import Controllers
from simulation.running import Simulation
from simulation.scenario import Call, Failure, Scenario, Trial, What
from simulation.store import Change

ABORTED = Failure(What.ABORT, 12.0)
BACK = 150.0
"""Seconds after which the node is back, and its kubelet ends what is deleted."""


class Lost:
    """A world with a node that is lost with all pods whose name has ``part`` in it."""

    def __init__(self, trial: Trial, part: str, *failures: Failure, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sim = Simulation(Scenario(1, (trial,), (ABORTED, *failures)))
        (self.ns,) = self.sim.namespaces
        self.lost: set[str] = set()
        self.unlocked_at = self.reported_at = 0.0
        self.stalled: set[str] = set()
        self.sim.server.store.listeners.append(self._hear)
        end, this = Controllers._end_pod, self

        def stays(self: Controllers, pod: Object) -> None:
            if part in pod["metadata"]["name"] and self.world.elapsed < BACK:
                this.lost.add(pod["metadata"]["name"])
                self.world.after(BACK - self.world.elapsed, end, self, pod)
            else:
                end(self, pod)

        monkeypatch.setattr(Controllers, "_end_pod", stays)
        assert not self.sim.run().broken

    def _hear(self, change: Change) -> None:
        now = self.sim.world.elapsed
        if change.resource is LEASES and change.thing["metadata"]["name"] == "gameday":
            self.unlocked_at = now
        if change.verb == "status" and change.resource.plural == "drills" and change.after is not None:
            status = change.after["status"]
            self.stalled |= {
                one["message"] for one in status["conditions"] if (one["type"], one["status"]) == ("Stalled", "True")
            }
            if status.get("phase") == "Finished" and not status.get("unreported"):
                self.reported_at = self.reported_at or now
            self.last = status


@pytest.mark.parametrize("part", ["-witness-", "-observer", "-"])
def test_agents_that_only_their_node_keeps_hold_up_nothing(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Lost(Trial(), part, monkeypatch=monkeypatch)
    assert world.lost
    assert 0.0 < world.unlocked_at < world.reported_at < BACK - 30.0
    assert not world.stalled
    (line,) = [one["message"] for one in events_of(world.last) if one["reason"] == "AgentsLeft"]
    assert all(name in line for name in sorted(world.lost)[:1])


@pytest.mark.parametrize("ends", [What.ABORT, What.DRILL_DELETED])
def test_a_fuse_that_may_still_act_keeps_the_lock_and_the_drill_says_so(
    ends: What, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Lost(Trial(call=Call()), "-fuse-", Failure(ends, 12.0), monkeypatch=monkeypatch)
    (name,) = world.lost
    assert world.unlocked_at >= BACK
    assert any(name in text for text in world.stalled)


def test_the_rules_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where orphaned fuses are overlooked, the lock goes before they do."""
    may_act: Callable[..., bool] = pods.may_act

    def overlooks(pod: Object, jobs: Any) -> bool:
        return may_act(pod, jobs) and "-fuse-" not in pod["metadata"]["name"]

    monkeypatch.setattr("gameday.controller.drill.informers.may_act", overlooks)
    world = Lost(Trial(call=Call()), "-fuse-", monkeypatch=monkeypatch)
    assert world.unlocked_at < BACK
