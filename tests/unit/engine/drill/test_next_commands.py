"""Commands that follow from a record and what is seen."""

from dataclasses import replace

import pytest

from gameday.engine.drill import commands as do
from gameday.engine.drill.next_commands import commands_for
from gameday.model.observation import Life, Observation
from gameday.model.record import DrillRecord, Phase
from unit.engine.simulation import a_plan


def ending(life: Life) -> Observation:
    """A world with the pod that ends connections."""
    return Observation(closers={"partition": life})


UNDOING = DrillRecord(phase=Phase.RECOVERY, undo_requested_at=10.0)


@pytest.mark.parametrize("life", [Life.STARTING, Life.RUNNING])
@pytest.mark.parametrize("record", [UNDOING, replace(UNDOING, finishing=True), replace(UNDOING, phase=Phase.ROLLBACK)])
def test_no_connection_is_ended_any_more_once_the_cut_is_to_go(record: DrillRecord, life: Life) -> None:
    """Also where nothing is to be reverted, as somebody took the policy away."""
    assert do.StopClosing("partition") in tuple(commands_for(a_plan(rollback=True), record, ending(life)))


@pytest.mark.parametrize(
    ("record", "life"), [(UNDOING, Life.ENDED), (UNDOING, Life.ABSENT), (DrillRecord(phase=Phase.OUTAGE), Life.RUNNING)]
)
def test_before_that_and_after_it_has_ended_it_is_left_alone(record: DrillRecord, life: Life) -> None:
    assert do.StopClosing("partition") not in tuple(commands_for(a_plan(rollback=True), record, ending(life)))


def test_the_namespace_is_not_given_back_while_it_is_there() -> None:
    over = DrillRecord(phase=Phase.FINISHED, finishing=True, faults_cleared=True, undo_requested_at=10.0)
    found = tuple(commands_for(a_plan(), over, ending(Life.ENDED)))
    assert do.StopAgents() in found
    assert do.ReleaseLock() not in found
