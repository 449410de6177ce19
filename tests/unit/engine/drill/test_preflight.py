"""What the preflight found is told at once, whatever becomes of the drill."""

import pytest

from gameday.engine.drill.phases.preflight import decide as preflight
from gameday.engine.drill.situation import Situation
from gameday.model.record import Cause, Phase, Record
from gameday.model.world import Preflight, World
from unit.engine.script import Script
from unit.engine.simulation import a_plan

NOBODY = Script({}, lambda: 0.0)
WARNING = "the observer can hardly reach DNS"


@pytest.mark.parametrize("refusals", [(), ("the observer cannot reach Service api",)], ids=["goes on", "refused"])
def test_warnings_stand_in_the_timeline(refusals: tuple[str, ...]) -> None:
    world = World(preflight=Preflight(refusals=refusals, warnings=(WARNING,)))
    after = preflight(Situation(a_plan(), Record(Phase.PREFLIGHT, since=100.0), world, NOBODY, 101.0))
    assert [(line.reason, line.message) for line in after.timeline if line.warning][:1] == [
        ("PreflightWarning", WARNING)
    ]
    assert after.warnings == (WARNING,)
    failed = [line.message for line in after.timeline if line.reason == Cause.PREFLIGHT_FAILED.value]
    assert failed == list(refusals)
    assert after.finishing is bool(refusals)
