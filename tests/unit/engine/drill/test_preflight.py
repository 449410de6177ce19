"""What the preflight found is told at once, whatever becomes of the drill."""

import pytest

from gameday.engine.drill.context import Context
from gameday.engine.drill.phases.preflight import decide as preflight
from gameday.model.observation import Observation, Preflight
from gameday.model.record import DrillRecord, Phase, Reason
from unit.engine.script import Script
from unit.engine.simulation import a_plan

NOBODY = Script({}, lambda: 0.0)
WARNING = "the observer can hardly reach DNS"


@pytest.mark.parametrize("refusals", [(), ("the observer cannot reach Service api",)], ids=["goes on", "refused"])
def test_warnings_stand_in_the_timeline(refusals: tuple[str, ...]) -> None:
    observed = Observation(preflight=Preflight(refusals=refusals, warnings=(WARNING,)))
    after = preflight(Context(a_plan(), DrillRecord(Phase.PREFLIGHT, since=100.0), observed, NOBODY, 101.0))
    assert [(line.reason, line.message) for line in after.timeline if line.warning][:1] == [
        ("PreflightWarning", WARNING)
    ]
    assert after.warnings == (WARNING,)
    failed = [line.message for line in after.timeline if line.reason == Reason.PREFLIGHT_FAILED.value]
    assert failed == list(refusals)
    assert after.finishing is bool(refusals)
