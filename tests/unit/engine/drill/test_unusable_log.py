"""A log that is read no further ends the drill: what is cut comes back, and the verdict says why it is Inconclusive."""

import pytest

from gameday.model.record import Phase, Reason, Verdict
from unit.engine.simulation import Simulation, a_plan, finished

WHY = "the log of agent observer is longer than 10 MiB, and the operator stopped reading it"


@pytest.mark.parametrize("phase", [Phase.STEADY_STATE, Phase.OUTAGE, Phase.RECOVERY])
def test_it_ends_the_drill_and_reverts_the_cut_at_once(phase: Phase) -> None:
    simulation = Simulation(a_plan())
    while simulation.record.phase is not phase or simulation.now < simulation.record.since + 1:
        simulation.step()
    simulation.show(unusable_log=WHY)
    simulation.step()
    assert simulation.there("policy") == []
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, Reason.LOG_UNUSABLE.value)
    assert WHY in record.message
    assert simulation.left() == []
