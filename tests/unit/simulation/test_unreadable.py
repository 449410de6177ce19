"""A state that cannot be read any more, at any moment and whatever is held then: nothing is left behind.

And a status that the API server goes on refusing for what stands in it: the drill ends all the same.
"""

import json
import random
from collections.abc import Callable

import pytest

from gameday.api.lines import events_of
from gameday.api.migration import VERSION
from gameday.api.packing import packed, unpacked
from gameday.cluster.resources import DRILLS, Object
from gameday.model.record import Reason
from simulation.running import Simulation
from simulation.scenario import Defect, Failure, Scenario, Trial, What
from simulation.store import PERSON
from simulation.world import START
from unit.simulation.mutations import MUTATIONS

Damage = Callable[[Object], Object]
"""What becomes of a status."""


def newer(status: Object) -> Object:
    return status | {"state": packed(json.dumps(unpacked(status["state"])), VERSION + 1)}


def torn(status: Object) -> Object:
    return status | {"state": status["state"][: len(status["state"]) // 2]}


def edited(status: Object) -> Object:
    state = unpacked(status["state"])
    return status | {"state": packed(json.dumps(state | {"engine": state["engine"] | {"phase": "Lunch"}}), VERSION)}


def gone(status: Object) -> Object:
    return {name: value for name, value in status.items() if name != "state"}


def another_plan(status: Object) -> Object:
    state = unpacked(status["state"])
    plan = json.loads(state["plan"]) | {"ofALaterVersion": True} if "plan" in state else {}
    return status | {"state": packed(json.dumps(state | {"plan": json.dumps(plan)}), VERSION)}


DAMAGES: dict[str, Damage] = {f.__name__: f for f in (newer, torn, edited, gone, another_plan)}
CUT, SCALED = Trial(close_connections=True), Trial(defect=Defect.STUCK, rollback=True)


class Spoilt:
    """A world in which the operator dies at a moment, and somebody damages the drill's state before it is back."""

    def __init__(self, trial: Trial, damage: Damage, seed: int) -> None:
        # The first moments are anywhere in the drill, the others while workers are scaled away.
        at = random.Random(seed).uniform(*((2.0, 30.0) if seed % 2 else (20.5, 24.0)))
        self.sim = Simulation(Scenario(seed, (trial,), (Failure(What.CRASH, at, seconds=2.0),)))
        self.damage = damage
        self.held: set[str] = set()
        self.spoilt = False
        self.sim.world.at(START + at + 0.5, self.spoil)

    @property
    def drill(self) -> Object:
        """The Drill, as it is now."""
        found = self.sim.namespaces[0].drill
        assert found is not None
        return found

    def spoil(self) -> None:
        """Damage the state of a drill that has begun and not ended."""
        drill = self.drill
        status = drill.get("status", {})
        if "state" not in status or status["phase"] == "Finished":
            return
        self.spoilt = True
        self.held = {entry["kind"] for entry in status["undo"] if entry["state"] in {"Requested", "Active"}}
        body = drill | {"status": self.damage(status)}
        self.sim.server.store.replace_status(PERSON, DRILLS, "town-0", drill["metadata"]["name"], body)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("trial", [CUT, SCALED], ids=["cut", "scaled"])
def test_a_state_that_cannot_be_read_leaves_nothing_behind(trial: Trial, damage: Damage) -> None:
    held = set[str]()
    for seed in range(12):
        world = Spoilt(trial, damage, seed)
        outcome = world.sim.run()
        assert not outcome.broken, f"seed {seed}: {outcome.broken}"
        held |= world.held
        if world.spoilt:
            status = world.drill["status"]
            assert (status["verdict"], status["reason"]) == ("Inconclusive", Reason.STATE_UNREADABLE.value), seed
    assert held >= ({"scale"} if trial.rollback else {"networkPartition"}), "it was never damaged under a change"


def test_a_drill_whose_status_is_refused_for_what_stands_in_it_ends_all_the_same() -> None:
    (bug,) = (mutation for mutation in MUTATIONS if mutation.name == "a figure is longer than a status takes")
    with bug.put_in():
        sim = Simulation(Scenario(1, (CUT,)))
        refused = list[str]()
        sim.server.store.refused = lambda actor, _: refused.append(actor)
        outcome = sim.run()
    assert refused, "the bug was never put in"
    assert not outcome.broken
    drill = sim.namespaces[0].drill
    assert drill is not None
    status = drill["status"]
    assert (status["phase"], status["verdict"]) == ("Finished", "Passed")
    assert [line["reason"] for line in events_of(status)] == ["StatusRefused"]
    assert "Invalid length" in events_of(status)[0]["message"]
