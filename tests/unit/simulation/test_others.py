"""Others beside the operator: somebody writes a Drill's status, a second operator sees the same Drills."""

import pytest

from simulation.invariants import Rule
from simulation.running import Simulation
from simulation.scenario import Defect, Failure, Scenario, Trial, What, draw

GOOD, STUCK = Trial(close_connections=True), Trial(defect=Defect.STUCK, rollback=True)
WAYS = ["emptied", "from before", "without its changes", "damaged", "by hand"]


def told(sim: Simulation) -> str:
    return f"{sim.scenario}: {'; '.join(str(broken) for broken in sim.monitor.broken)}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("trial", [GOOD, STUCK], ids=["plain", "rollback"])
def test_whoever_writes_one_drills_status_ends_neither_the_process_nor_other_drills(trial: Trial, way: str) -> None:
    for half in range(1, 56):
        written = Failure(What.STATUS_WRITTEN, half / 2, 0, count=half % 5, detail=way)
        sim = Simulation(Scenario(half, (trial, GOOD), (written,)))
        sim.run()
        assert not sim.monitor.broken, told(sim)
        assert len(sim.everyone) == 1, "the process goes on"
        assert sim.monitor.verdicts["drill-1"] == "Passed"


@pytest.mark.parametrize("way", WAYS)
def test_whoever_writes_a_status_again_and_again_does_not_stop_the_undo(way: str) -> None:
    often = tuple(Failure(What.STATUS_WRITTEN, at / 2, 0, count=at % 3, detail=way) for at in range(8, 50))
    sim = Simulation(Scenario(1, (GOOD, GOOD), often))
    sim.run()
    assert not sim.monitor.broken, told(sim)
    assert sim.monitor.verdicts["drill-1"] == "Passed"


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_of_two_operators_that_see_the_same_drills_one_acts_and_both_live(first: int) -> None:
    kinds = (
        What.WATCH_DROPS,
        What.WATCH_LATE,
        What.LOSE,
        What.REFUSE,
        What.ABORT,
        What.DRILL_DELETED,
        What.POLICY_DELETED,
    )
    for seed in range(first, first + 10):
        drawn = draw(seed, 2, kinds)
        sim = Simulation(Scenario(seed, drawn.trials, drawn.failures, operators=2))
        sim.run()
        assert not sim.monitor.broken, told(sim)
        assert len(sim.everyone) == 2, "both go on"
        assert all(process.operator.conflicts.count == 0 for process in sim.everyone), told(sim)


@pytest.mark.parametrize("seconds", [0.5, 130.0])
@pytest.mark.parametrize("moment", ["before", "sent", "answered"])
def test_of_two_operators_one_is_killed_at_any_call(moment: str, seconds: float) -> None:
    for nth in range(1, 40, 3):
        crash = Failure(What.CRASH_AT_CALL, 0.0, seconds=seconds, count=nth, detail=moment)
        sim = Simulation(Scenario(nth, (GOOD, GOOD), (crash,), operators=2))
        sim.run()
        assert not sim.monitor.broken, told(sim)


def test_two_operators_that_claim_nothing_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameday.controller.settings.Settings.installation", property(lambda _: ""))
    sim = Simulation(Scenario(1, (GOOD,), (), operators=2))
    sim.run()
    assert sim.monitor.broken or any(process.operator.conflicts.count for process in sim.everyone)
    assert Rule.ENDS not in {broken.rule for broken in sim.monitor.broken}
