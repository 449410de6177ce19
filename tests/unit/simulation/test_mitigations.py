"""Mitigations: whoever dies, ends the drill or interferes, each acts once at most and what it changed is put back."""

import pytest

from gameday.api.lines import events_of, expectations_of, mitigations_of, steps_of
from gameday.cluster.resources import DEPLOYMENTS, Object
from gameday.engine.drill import mitigations
from gameday.model.record import StepState
from simulation import running
from simulation.mitigating import CLEAR, FREE, HOLD, MORE, NAME
from simulation.namespace import WORKERS
from simulation.outcome import Outcome
from simulation.scenario import Defect, Failure, Mitigates, Scenario, Trial, What
from simulation.world import START

ACTS = (Mitigates.EARLY, Mitigates.HOLDS, Mitigates.JOBS, Mitigates.EVICTS)


def site(
    mitigates: Mitigates,
    *troubles: Failure,
    defect: Defect = Defect.STUCK,
    unaided: bool = False,
    rollback: bool = False,
    close_connections: bool = True,
) -> tuple[running.Simulation, Outcome]:
    trial = Trial(
        close_connections=close_connections, defect=defect, mitigates=mitigates, unaided=unaided, rollback=rollback
    )
    made = running.Simulation(Scenario(1, (trial,), troubles))
    outcome = made.run()
    assert not outcome.broken, "; ".join(map(str, outcome.broken))
    return made, outcome


def last(made: running.Simulation) -> Object:
    status: Object = made.namespaces[0].statuses[-1]
    return status


def met_by(status: Object) -> dict[str, str]:
    return {one["name"]: one["by"] for one in expectations_of(status) if "by" in one and one["state"] == "Met"}


def test_a_system_that_a_mitigation_repairs_passes_and_says_so() -> None:
    status = last(site(Mitigates.LATE)[0])
    assert (status["verdict"], status["recoveredBy"]) == ("Passed", "Mitigation")
    assert met_by(status) == {"healthy again": NAME}
    assert [(one["name"], one["state"]) for one in mitigations_of(status)] == [(NAME, "Done")]
    assert [(one["name"], one["state"]) for one in steps_of(status)] == [
        (HOLD, "Done"), (CLEAR, "Done"), (MORE, "Done"), (FREE, "Done"),
    ]  # fmt: skip


def test_what_is_to_be_met_unaided_is_missed_and_starts_no_rollback() -> None:
    """The system is well: a rollback would only do harm to it."""
    made, _ = site(Mitigates.LATE, unaided=True)
    status = last(made)
    assert (status["verdict"], status["recoveredBy"]) == ("Failed", "Mitigation")
    (missed,) = [one for one in expectations_of(status) if one["state"] == "Missed"]
    assert missed["message"] == f"met only after mitigation {NAME} had acted, and it is to be met unaided"
    assert "timeToRecover" not in status["measurements"]


def test_what_a_mitigation_did_not_repair_is_left_to_the_rollback() -> None:
    made, _ = site(Mitigates.JOBS, defect=Defect.STUCK, rollback=True)
    status = last(made)
    assert (status["verdict"], status["recoveredBy"]) == ("Failed", "Rollback")
    assert next(one["name"] for one in steps_of(status)) == CLEAR


def test_a_miss_before_it_stays_a_miss() -> None:
    status = last(site(Mitigates.EARLY, defect=Defect.MUTE)[0])
    assert (status["verdict"], status["reason"]) == ("Failed", "ExpectationMissed")
    assert met_by(status)["healthy again"] == NAME


@pytest.mark.parametrize("defect", [Defect.BLIND, Defect.NOISY])
def test_it_does_nothing_while_its_condition_does_not_hold(defect: Defect) -> None:
    status = last(site(Mitigates.EARLY, defect=defect)[0])
    assert mitigations_of(status) == []
    assert "steps" not in status


def test_it_does_nothing_while_its_condition_is_unknown() -> None:
    """The observer could not read what the condition needs, for as long as it is under the fault."""
    status = last(site(Mitigates.EARLY, Failure(What.CURTAIL, 3.0, seconds=60.0))[0])
    assert status["verdict"] == "Inconclusive"
    assert mitigations_of(status) == []


@pytest.mark.parametrize("mitigates", ACTS)
def test_it_acts_once_although_its_condition_holds_on(mitigates: Mitigates) -> None:
    status = last(site(mitigates, defect=Defect.LOST)[0])
    assert [one["reason"] for one in events_of(status)].count(mitigations.BEGUN) == 1


@pytest.mark.parametrize("mitigates", ACTS)
def test_what_it_changed_stays_until_the_drill_ends(mitigates: Mitigates) -> None:
    made, _ = site(mitigates, defect=Defect.NONE)
    status = last(made)
    scaled = [one for one in status["undo"] if one["name"] == HOLD]
    assert len(scaled) == mitigates.scales
    worker = made.server.store.get(DEPLOYMENTS, "town-0", "worker")
    assert worker is not None
    assert worker["spec"]["replicas"] == WORKERS
    if mitigates is Mitigates.HOLDS:
        recovered = next(one["at"] for one in events_of(status) if one["reason"] == "CutReverted")
        undone = next(
            one["at"] for one in events_of(status) if one["reason"] == "Undone" and one["message"].startswith(HOLD)
        )
        assert undone > recovered, "the end of the outage is not the end of the drill"


@pytest.mark.parametrize("mitigates", ACTS)
@pytest.mark.parametrize("what", [What.ABORT, What.DRILL_DELETED, What.GAMEDAY_DELETED, What.OPT_OUT, What.HALT])
@pytest.mark.parametrize("at", [6.4, 7.0, 7.8, 8.6, 9.4, 10.2, 11.0, 12.0])
def test_whoever_ends_the_drill_in_its_middle_everything_is_put_back(
    mitigates: Mitigates, what: What, at: float
) -> None:
    made, outcome = site(mitigates, Failure(what, at, seconds=30.0))
    assert outcome.verdicts.keys() <= {"Aborted", "Inconclusive", "Passed", "Failed"}
    worker = made.server.store.get(DEPLOYMENTS, "town-0", "worker")
    assert worker is not None
    assert worker["spec"]["replicas"] == WORKERS


def test_a_guardrail_in_its_middle_ends_it() -> None:
    status = last(site(Mitigates.HOLDS, defect=Defect.FRAGILE, close_connections=False)[0])
    assert (status["verdict"], status["reason"]) == ("Failed", "GuardrailViolated")
    assert [one["state"] for one in mitigations_of(status)] in (["Begun"], ["Acting"])


def test_a_step_that_fails_ends_the_drill() -> None:
    made, _ = site(Mitigates.EARLY, Failure(What.JOB_FAILS, 0.0))
    status = last(made)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "MitigationFailed")
    assert [(one["name"], one["state"]) for one in steps_of(status)] == [(HOLD, "Done"), (CLEAR, "Failed")]
    assert [one["state"] for one in mitigations_of(status)] == ["Acting"]


def test_who_takes_its_workers_back_ends_the_drill_and_keeps_them() -> None:
    made, _ = site(Mitigates.HOLDS, Failure(What.OWNED, 0.0, count=5, seconds=1.0))
    status = last(made)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "MitigationFailed")
    worker = made.server.store.get(DEPLOYMENTS, "town-0", "worker")
    assert worker is not None
    assert worker["spec"]["replicas"] == 5


def alone(trial: Trial, phase: str) -> running.Simulation:
    """A world whose operator dies with the workers scaled away, in a phase, and never comes back."""
    made = running.Simulation(Scenario(1, (trial,)))
    (ns,) = made.namespaces
    ns.create()
    made.start()
    store = made.server.store

    def away() -> bool:
        worker, drill = store.get(DEPLOYMENTS, ns.namespace, "worker"), ns.drill
        there = drill is not None and drill.get("status", {}).get("phase") == phase
        return there and worker is not None and worker["spec"]["replicas"] == 0

    assert made.world.run(START + 120, away)
    made.restart_after = 1e9
    for process in list(made.alive):
        process.kill()
    return made


@pytest.mark.parametrize(("mitigates", "phase"), [
    (Mitigates.HOLDS, "Outage"), (Mitigates.HOLDS, "Recovery"), (Mitigates.LATE, "Recovery"),
])  # fmt: skip
def test_without_any_operator_its_fuse_puts_the_workers_back(mitigates: Mitigates, phase: str) -> None:
    made = alone(Trial(close_connections=True, defect=Defect.STUCK, mitigates=mitigates), phase)
    (fires,) = made.namespaces[0].fires.values()
    made.world.run(fires + 3.0, lambda: False)
    for process in made.everyone:
        process.shut_down()
    worker = made.server.store.get(DEPLOYMENTS, "town-0", "worker")
    assert worker is not None
    assert worker["spec"]["replicas"] == WORKERS
    assert not made.monitor.broken


def test_a_job_of_which_a_killed_operator_knows_nothing_is_not_run_again() -> None:
    """Its creation was saved as intended, and is lost with the process."""
    ended = 0
    for count in range(1, 40):
        crash = Failure(What.CRASH_AT_CALL, 4.0, seconds=0.5, count=count, detail="before")
        made, outcome = site(Mitigates.JOBS, crash)
        assert outcome.effective[What.CRASH_AT_CALL] or count > 10
        states = {one["name"]: one["state"] for one in steps_of(last(made))}
        ended += states.get(CLEAR) == StepState.UNKNOWN.value
        if states.get(CLEAR) == StepState.UNKNOWN.value:
            assert last(made)["reason"] == "MitigationFailed"
    assert ended, "no crash came between the save and the Job"
