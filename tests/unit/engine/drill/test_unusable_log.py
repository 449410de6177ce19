"""A log that is read no further ends the drill: what is cut comes back, and the verdict says why it is Inconclusive."""

from dataclasses import dataclass, replace

import pytest

from gameday.model.record import Cause, Phase, Verdict
from gameday.model.world import World
from unit.engine.simulation import Cluster, Simulation, a_plan, finished

WHY = "the log of agent observer is longer than 10 MiB: it is read no further"


@dataclass
class Flooded(Simulation):
    """A world in which an agent's log is unusable from some moment on."""

    flooded: bool = False

    def seen(self) -> World:
        """What a runner would see."""
        return replace(super().seen(), unusable_log=WHY if self.flooded else "")


@pytest.mark.parametrize("phase", [Phase.STEADY_STATE, Phase.OUTAGE, Phase.RECOVERY])
def test_it_ends_the_drill_and_lifts_the_cut_at_once(phase: Phase) -> None:
    simulation = Flooded(a_plan())
    while simulation.record.phase is not phase or simulation.now < simulation.record.since + 1:
        simulation.step()
    simulation.flooded = True
    simulation.step()
    assert simulation.cluster.policies == {}
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, Cause.LOG_UNUSABLE.value)
    assert WHY in record.message
    assert simulation.cluster.snapshot() == Cluster().snapshot()
