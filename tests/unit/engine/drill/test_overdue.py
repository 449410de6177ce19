"""An undo that was late and is done leaves nothing overdue, although a mitigation's change stays until the end."""

from dataclasses import replace

import pytest

from gameday.api.conditions import conditions_of, stalls
from gameday.engine.drill.context import Context
from gameday.engine.drill.undo_log import progress
from gameday.model.change import Change, ChangeState
from gameday.model.observation import Observation
from gameday.model.record import DrillRecord, Phase
from unit.engine.script import Script
from unit.engine.simulation import a_plan

LATE = Change("cut", "manual", "Drill", "d", "", ChangeState.UNDONE, requested_at=1.0, undone_at=90.0)
STAYS = Change("hold", "scale", "Deployment", "producer", "fuse", ChangeState.ACTIVE, requested_at=50.0, seen_at=50.0)


@pytest.mark.parametrize(
    ("late", "cleared"),
    [
        pytest.param(LATE, None, id="it is undone"),
        pytest.param(replace(LATE, state=ChangeState.UNDOING, undone_at=None, waits=True), False, id="it is not"),
    ],
)
def test_what_a_mitigation_changed_is_not_overdue(late: Change, cleared: bool | None) -> None:
    record = DrillRecord(Phase.RECOVERY, since=60.0, changes=(late, STAYS), faults_cleared=False)
    seen = progress(Context(a_plan(), record, Observation(drill="d"), Script({}, lambda: 0.0), 100.0))
    assert seen.faults_cleared is cleared
    assert stalls(seen) is (cleared is False)
    reason = "UndoOverdue" if cleared is False else "Held"
    assert ("FaultsCleared", "False", reason) in {one[:3] for one in conditions_of(seen)}
