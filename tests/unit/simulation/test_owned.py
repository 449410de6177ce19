"""Somebody owns the workers' number: the engine stops the rollback, and the executor looks once more before a Job."""

import pytest

from gameday.controller.drill import command_executor
from gameday.engine.drill import steps
from simulation import running
from simulation.invariants import Rule
from simulation.scenario import Defect, Failure, Scenario, Trial, What

STUCK = Trial(defect=Defect.STUCK, rollback=True)


def broken(seconds: float) -> set[Rule]:
    """What breaks where the number is set to 5, so long after each time that it became 0."""
    owner = Failure(What.OWNED, 0.0, seconds=seconds, count=5)
    outcome = running.run(Scenario(1, (STUCK,), (owner,)))
    assert outcome.effective[What.OWNED]
    return {one.rule for one in outcome.broken}


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.1, 0.4, 0.6, 1.0, 1.4])
def test_every_promise_holds_however_fast_the_owner_is(seconds: float) -> None:
    assert broken(seconds) == set()


def test_the_hands_make_no_job_where_the_engine_has_not_seen_the_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "taken_over", lambda *_: "")
    assert Rule.AT_ITS_NUMBER not in broken(1.0)
    monkeypatch.setattr(command_executor, "taken_over", lambda *_: "")
    assert Rule.AT_ITS_NUMBER in broken(1.0)
