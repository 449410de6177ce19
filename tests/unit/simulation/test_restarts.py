"""A rollback that restarts the workers: killed at every call, refused, left without answers; no pod goes in vain."""

import pytest

from gameday.actions.restart import RestartKind
from gameday.model.change import Ran, RunState
from simulation import running
from simulation.invariants import Rule
from simulation.namespace import WORKERS, is_ready
from simulation.outcome import Outcome
from simulation.scenario import Defect, Failure, Scenario, Trial, What

STUCK = Trial(defect=Defect.STUCK, rollback=True, restarts=True)
LOST = Trial(defect=Defect.LOST, rollback=True, restarts=True)
BEGINS = 21.85
"""Seconds after which the rollback of such a drill has begun, and its step not yet."""
CALLS = 8
"""Writing calls from then on until the last pod is evicted, and more: the step's entry, the evictions, its end."""


def site(*troubles: Failure, trial: Trial = STUCK, replicas: int = 1) -> tuple[running.Simulation, Outcome]:
    made = running.Simulation(Scenario(1, (trial,), troubles, replicas))
    return made, made.run()


def evicted(made: running.Simulation) -> int:
    """How many of the first workers are gone, or about to end."""
    (ns,) = made.namespaces
    return len(ns.first_workers - {pod["metadata"]["uid"] for pod in ns.workers() if is_ready(pod)})


@pytest.mark.parametrize("trial", [STUCK, LOST], ids=["it repairs", "it does not"])
def test_the_workers_are_restarted_and_the_miss_stays_one(trial: Trial) -> None:
    made, outcome = site(trial=trial)
    assert not outcome.broken
    assert outcome.verdicts == {"Failed": 1}
    assert evicted(made) == len(made.namespaces[0].workers()) == WORKERS


@pytest.mark.parametrize("moment", ["before", "sent", "answered"])
@pytest.mark.parametrize("count", range(1, CALLS + 1))
def test_a_killed_operator_goes_on_with_the_same_pods(count: int, moment: str) -> None:
    crash = Failure(What.CRASH_AT_CALL, BEGINS, seconds=0.5, count=count, detail=moment)
    made, outcome = site(crash)
    assert not outcome.broken
    assert outcome.effective[What.CRASH_AT_CALL] == 1
    assert evicted(made) == WORKERS
    assert outcome.verdicts == {"Failed": 1}


@pytest.mark.parametrize(
    ("failure", "replicas"),
    [
        (Failure(What.LOSE, BEGINS, count=4), 1),
        (Failure(What.REFUSE, BEGINS, count=5, detail="429"), 1),
        (Failure(What.REFUSE, BEGINS, count=5, detail="500"), 1),
        (Failure(What.DELAY, BEGINS, seconds=3.0, count=4), 1),
        (Failure(What.DELAY, BEGINS + 0.1, seconds=30.0, count=1), 1),
        (Failure(What.WATCH_LATE, BEGINS - 2, seconds=20.0), 1),
        (Failure(What.WATCH_DROPS, BEGINS - 2, seconds=8.0), 1),
        (Failure(What.API_HANGS, BEGINS + 0.5, seconds=12.0), 1),
        (Failure(What.RIGHTS_GONE, BEGINS - 2, seconds=8.0), 1),
        (Failure(What.FREEZE, BEGINS + 1, seconds=20.0), 2),
        (Failure(What.ABORT, BEGINS + 1.0), 1),
        (Failure(What.DRILL_DELETED, BEGINS + 1.0), 1),
        *((Failure(What.FREEZE_AT_CALL, BEGINS, seconds=9.0, count=count), 2) for count in range(1, 6)),
    ],
    ids=lambda one: f"{one.what.value} {one.count}" if isinstance(one, Failure) else "",
)
def test_no_promise_is_broken_whatever_goes_wrong_meanwhile(failure: Failure, replicas: int) -> None:
    _, outcome = site(failure, replicas=replicas)
    assert not outcome.broken
    assert outcome.effective[failure.what]


def test_an_abort_leaves_the_rest_of_the_pods_alone() -> None:
    made, outcome = site(Failure(What.ABORT, BEGINS + 1.0))
    assert outcome.verdicts == {"Aborted": 1}
    assert evicted(made) == 1


def test_a_restart_that_does_not_wait_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    before = RestartKind.ran

    def hasty(*args: object) -> Ran:
        ran: Ran = before(*args)  # type: ignore[arg-type]  # handed on as it came
        return Ran(RunState.NEXT, shown=ran.shown) if "not all replacements" in ran.shown else ran

    monkeypatch.setattr(RestartKind, "ran", hasty)
    _, outcome = site()
    assert {one.rule for one in outcome.broken} == {Rule.ONE_BY_ONE}
