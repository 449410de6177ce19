"""Commands that follow from a record and what is seen."""

from dataclasses import replace

import pytest

from gameday.engine.drill import commands as do
from gameday.engine.drill.orders import orders
from gameday.model.record import Phase, Record
from gameday.model.world import Life, World
from unit.engine.simulation import a_plan


def ending(life: Life) -> World:
    """A world with the pod that ends connections."""
    return World(closers={"partition": life})


UNDOING = Record(phase=Phase.RECOVERY, undo_requested_at=10.0)


@pytest.mark.parametrize("life", [Life.STARTING, Life.RUNNING])
@pytest.mark.parametrize("record", [UNDOING, replace(UNDOING, finishing=True), replace(UNDOING, phase=Phase.ROLLBACK)])
def test_no_connection_is_ended_any_more_once_the_cut_is_to_go(record: Record, life: Life) -> None:
    """Also where nothing is to be lifted, as somebody took the policy away."""
    assert do.EndSevering("partition") in tuple(orders(a_plan(rollback=True), record, ending(life)))


@pytest.mark.parametrize(
    ("record", "life"), [(UNDOING, Life.ENDED), (UNDOING, Life.ABSENT), (Record(phase=Phase.OUTAGE), Life.RUNNING)]
)
def test_before_that_and_after_it_has_ended_it_is_left_alone(record: Record, life: Life) -> None:
    assert do.EndSevering("partition") not in tuple(orders(a_plan(rollback=True), record, ending(life)))


def test_the_namespace_is_not_given_back_while_it_is_there() -> None:
    over = Record(phase=Phase.FINISHED, finishing=True, faults_cleared=True, undo_requested_at=10.0)
    found = tuple(orders(a_plan(), over, ending(Life.ENDED)))
    assert do.StopAgents() in found
    assert do.FreeLock() not in found
