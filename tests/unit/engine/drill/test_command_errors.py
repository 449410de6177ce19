"""An error shows where its own command is at fault, and nowhere else: names that look alike are kept apart."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from gameday.actions.job import RunJob
from gameday.actions.scale.kind import observed
from gameday.api.conditions import conditions_of
from gameday.engine.drill import commands as do
from gameday.engine.drill.command_queue import CommandQueue
from gameday.engine.drill.context import Context
from gameday.engine.drill.decide import decide
from gameday.engine.drill.undo_log import stalled_by
from gameday.model.change import Change, ChangeState, Observed, Ran, RunState
from gameday.model.observation import CommandKey, Fuse, Observation, Planned
from gameday.model.plan import Plan, Rollback, Step
from gameday.model.record import DrillRecord, Phase, StepEntry, StepState
from simulation.observing import Workers, cut
from unit.engine.script import Script
from unit.engine.simulation import a_plan
from workloads import deployment

REFUSED = "patch deployments/scale: forbidden; kubectl apply -n shop -k manifests/namespace"
NOBODY = Script({}, lambda: 0.0)
"""Samples that nothing is to be concluded from."""
SCALE = Change(
    "stop workers", "scale", "Deployment", "worker", "f", ChangeState.UNDOING, before={"replicas": 3},
    wanted={"replicas": 0}, requested_at=900.0, seen_at=901.0, undo_requested_at=1000.0,
)  # fmt: skip
CUT = Change(
    "redis", "networkPartition", "NetworkPolicy", "p", "cut-fuse", ChangeState.UNDOING, requested_at=900.0,
    object_uid="uid", undo_requested_at=1000.0,
)  # fmt: skip


def workers(replicas: int, change: Change) -> Observed:
    """How the Deployment stands that a step scales."""
    return observed(deployment("worker"), Workers(replicas, replicas, replicas, "7").deployment(), 0, change, replicas)


AT_ZERO = workers(0, SCALE)
CUT_THERE = cut("first", "redis", "uid")


def failing(*commands: do.Command) -> Mapping[CommandKey, str]:
    """The errors that the runner keeps when these commands were refused."""
    queue = CommandQueue()
    for command in commands:
        queue.finish(command, 0.0, REFUSED)
    return queue.errors


def undoing(*changes: Change, **more: bool | None) -> DrillRecord:
    record = DrillRecord(Phase.RECOVERY, since=1000.0, changes=changes, finishing=True, undo_requested_at=1000.0)
    return replace(record, **more)  # type: ignore[arg-type]  # fields of a record


def overdue(record: DrillRecord, observed: Observation, plan: Plan | None = None) -> DrillRecord:
    """The record once its undo is late."""
    return decide(Context(plan or a_plan(rollback=True), record, observed, NOBODY, 1031.0))


def test_a_scale_that_cannot_be_undone_says_so_with_the_answer_of_the_api_server() -> None:
    observed = Observation(changes={SCALE.name: AT_ZERO}, errors=failing(do.Revert(SCALE)))
    late = overdue(undoing(SCALE), observed)
    assert late.stalled_by == REFUSED
    assert ("Stalled", "True", "UndoOverdue", REFUSED) in conditions_of(late)
    line = next(line for line in late.timeline if line.reason == "FaultsNotCleared")
    assert line.message == f"stop workers: worker is at 0 replicas; {REFUSED}"


@pytest.mark.parametrize("error", ["", REFUSED])
def test_a_drill_that_could_not_lock_its_namespace_in_time_says_why(error: str) -> None:
    errors = failing(do.AcquireLock()) if error else {}
    late = Observation(planned=Planned.FROZEN, start_before=1000.0, errors=errors)
    ended = decide(Context(a_plan(), DrillRecord(), late, NOBODY, 1001.0))
    remedy = error or "see that the operator runs, then create a new Drill"
    assert (ended.reason, ended.message) == (
        "TooLate",
        f"startBefore passed before the operator could start it: {remedy}",
    )


def test_an_error_of_scaling_away_is_no_error_of_scaling_back() -> None:
    observed = Observation(changes={SCALE.name: AT_ZERO}, errors=failing(do.Apply(SCALE, "v")))
    assert overdue(undoing(SCALE), observed).stalled_by == ""


def test_a_fault_whose_name_ends_like_another_has_an_error_of_its_own() -> None:
    other = replace(CUT, name="my-redis", object_name="q")
    observed = Observation(changes={"redis": CUT_THERE, "my-redis": CUT_THERE}, errors=failing(do.Revert(other)))
    late = overdue(undoing(CUT, other), observed)
    messages = [line.message for line in late.timeline if line.reason == "FaultsNotCleared"]
    assert messages == ["redis: its policy is still there"]
    assert stalled_by(Context(a_plan(), undoing(CUT, faults_cleared=False), observed, NOBODY, 1031.0)) == ""


def test_a_fuse_that_cannot_be_taken_away_is_told_of_while_the_drill_waits_for_it() -> None:
    undone = replace(CUT, undone_at=1001.0)
    observed = Observation(fuses={"cut-fuse": Fuse("uid")}, errors=failing(do.RemoveFuse(undone)))
    assert decide(Context(a_plan(), undoing(undone), observed, NOBODY, 1010.0)).stalled_by == ""
    assert overdue(undoing(undone), observed).stalled_by == REFUSED


@pytest.mark.parametrize("name", ["Start", "Job", "StartAgents", "a"])
def test_a_step_shows_the_errors_of_its_own_commands_alone(name: str) -> None:
    step = Step(name, RunJob("clear-stalled"), irreversible=True)
    plan = replace(a_plan(), rollback=Rollback(("healthy again",), 20, (step,)))
    record = DrillRecord(Phase.ROLLBACK, since=1000.0)
    others = failing(do.StartAgents(), do.Run(f"{name} it"), do.Read(name))
    late = overdue(record, Observation(errors=others), plan)
    assert f"step {name} was not done within 20 s" in late.doubts[0].message
    assert REFUSED not in late.doubts[0].message
    late = overdue(record, Observation(errors=failing(do.Run(name))), plan)
    assert late.doubts[0].message == f"step {name} was not done within 20 s: {REFUSED}"


@pytest.mark.parametrize(
    ("fuse", "why"),
    [
        (Fuse("u"), "was not armed"),
        (Fuse("u", trouble="OSError"), "could not ask the API server (OSError): see what its pod may reach"),
        (Fuse("u", waits="ErrImagePull: no"), "was not armed: its pod does not run: ErrImagePull: no"),
    ],
    ids=["silent", "deaf", "not started"],
)
def test_a_scale_shows_that_its_fuse_did_not_let_it_happen(fuse: Fuse, why: str) -> None:
    plan = a_plan(rollback=True)
    assert plan.rollback is not None
    plan = replace(plan, rollback=replace(plan.rollback, within=20.0))
    waiting = replace(SCALE, state=ChangeState.REGISTERED, requested_at=None, seen_at=None, undo_requested_at=None)
    entry = StepEntry("stop workers", StepState.INTENDED, 1000.0)
    record = DrillRecord(Phase.ROLLBACK, since=1000.0, changes=(waiting,), steps=(entry,))
    observed = Observation(changes={SCALE.name: workers(3, waiting)}, fuses={"f": fuse})
    late = overdue(record, observed, plan)
    said = f"step stop workers was not done within 20 s: nothing was changed, because its fuse f {why}"
    assert late.doubts[0].message == said


def test_a_scale_that_does_not_settle_says_how_it_stands() -> None:
    plan = a_plan(rollback=True)
    assert plan.rollback is not None
    plan = replace(plan, rollback=replace(plan.rollback, within=20.0))
    active = replace(SCALE, state=ChangeState.ACTIVE, fuse_uid="u", undo_requested_at=None)
    entry = StepEntry("stop workers", StepState.INTENDED, 1000.0)
    record = DrillRecord(Phase.ROLLBACK, since=1000.0, changes=(active,), steps=(entry,))
    seen = replace(AT_ZERO, settled=False, shown="worker has 2 pods, wanted are 0")
    observed = Observation(changes={SCALE.name: seen}, fuses={"f": Fuse("u", armed=True)})
    late = overdue(record, observed, plan)
    said = "worker has 2 pods, wanted are 0, but the change has not taken full effect"
    assert late.doubts[0].message == f"step stop workers was not done within 20 s: {said}"


def test_a_job_that_does_not_end_is_named() -> None:
    step = Step("requeue", RunJob("requeue"), irreversible=True)
    plan = replace(a_plan(), rollback=Rollback(("healthy again",), 20, (step,)))
    record = DrillRecord(Phase.ROLLBACK, since=1000.0, steps=(StepEntry("requeue", StepState.INTENDED, 1000.0),))
    said = "its Job first-step-requeue still runs and was not stopped; see what its pods wait for"
    late = overdue(record, Observation(drill="first", runs={"requeue": Ran(RunState.RUNNING, shown=said)}), plan)
    (doubt,) = late.doubts
    assert doubt.message == f"step requeue was not done within 20 s: {said}"


def test_a_restore_shows_why_its_deployment_is_not_back() -> None:
    plan = a_plan(rollback=True)
    assert plan.rollback is not None
    plan = replace(plan, rollback=replace(plan.rollback, within=20.0, steps=plan.rollback.steps[2:]))
    active = replace(SCALE, state=ChangeState.UNDOING, fuse_uid="u")
    record = DrillRecord(Phase.ROLLBACK, since=1000.0, changes=(active,))
    observed = Observation(
        changes={SCALE.name: AT_ZERO},
        fuses={"f": Fuse("u", armed=True)},
        errors=failing(do.Revert(SCALE)),
    )
    late = overdue(record, observed, plan)
    assert late.doubts[0].message == f"step start workers was not done within 20 s: {REFUSED}"
