"""A rollback stops as soon as somebody else sets the replicas that a step set, and fights nobody for them."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from gameday.actions.scale.kind import observed
from gameday.engine.drill import commands as do
from gameday.engine.drill.context import Context
from gameday.engine.drill.decide import decide
from gameday.engine.drill.next_commands import commands_for
from gameday.engine.drill.steps import taken_over
from gameday.model.change import Change, ChangeState, Observed, Presence
from gameday.model.observation import Fuse, Observation
from gameday.model.record import DrillRecord, Phase, Reason, ResultState, StepEntry, StepState, Verdict
from simulation.observing import Workers
from simulation.scenario import What
from unit.engine.script import Script
from unit.engine.simulation import Simulation, a_plan, finished
from workloads import deployment

MISSES_RECOVERY: Mapping[str, ResultState] = {"healthy again": ResultState.MISSED}
PLAN = a_plan(rollback=True)
NOBODY = Script({}, lambda: 0.0)
NOW = 1000.0
HOLD = Change(
    "stop workers", "scale", "Deployment", "worker", "fuse", ChangeState.ACTIVE, before={"replicas": 3},
    wanted={"replicas": 0}, fuse_uid="uid", fuse_deadline=NOW + 100, requested_at=NOW - 2, seen_at=NOW - 1,
)  # fmt: skip
AT_ZERO = Workers(0, 0, 0, "7")
WAS = "worker was set to 0 replicas by step stop workers and"
TAKEN = f"{WAS} is at 3: KEDA, an HPA, GitOps or a person changes its replicas"


def seen(workers: Workers | None, change: Change = HOLD) -> Observed:
    """The Deployment as its kind observes it; None where it is gone."""
    there, left = (workers.deployment(), workers.left) if workers is not None else (None, 0)
    return observed(deployment("worker"), there, 0, change, left)


def a_record(*steps: StepEntry, change: Change = HOLD) -> DrillRecord:
    return DrillRecord(Phase.ROLLBACK, since=NOW - 3, changes=(change,), steps=steps)


STOPPING = a_record(StepEntry("stop workers", StepState.INTENDED, NOW - 3))
STOPPED = a_record(StepEntry("stop workers", StepState.DONE, NOW - 1))
CLEARED = a_record(*STOPPED.steps, StepEntry("clear state", StepState.DONE, NOW - 1))


def decided(record: DrillRecord, workload: Workers | None, now: float = NOW) -> DrillRecord:
    return decide(Context(PLAN, record, a_world(workload), NOBODY, now))


def a_world(workload: Workers | None, change: Change = HOLD) -> Observation:
    return Observation(
        drill="drill", fuses={"fuse": Fuse("uid", armed=True)}, changes={HOLD.name: seen(workload, change)}
    )


@pytest.mark.parametrize(
    "record", [STOPPING, STOPPED, CLEARED], ids=["before its pods are gone", "before the Job", "after the Job"]
)
def test_the_rollback_stops_at_once_and_names_what_it_saw(record: DrillRecord) -> None:
    stopped = decided(record, Workers(3, 0, 3))
    assert [(doubt.cause, doubt.message) for doubt in stopped.doubts] == [(Reason.ROLLBACK_FAILED, TAKEN)]
    assert stopped.finishing
    assert not [step for step in stopped.steps if step.state is StepState.INTENDED and step.name != "stop workers"]


def test_pods_that_are_there_again_at_zero_stop_it_too() -> None:
    stopped = decided(STOPPED, Workers(0, 1, 2))
    assert stopped.doubts[0].message.startswith(
        "worker was set to 0 replicas by step stop workers and has 2 pods again"
    )


def test_a_workload_that_is_deleted_stops_it_too() -> None:
    assert decided(STOPPED, None).doubts[0].message == f"{WAS} was deleted by somebody else"


def test_pods_that_are_still_going_stop_nothing() -> None:
    assert decided(STOPPING, Workers(0, 0, 2)).doubts == ()


def test_no_irreversible_step_starts_before_the_last_pod_has_ended() -> None:
    """Its controller counts a pod no more that is ending, and it may work until its grace period is over."""
    waiting = decided(STOPPING, replace(AT_ZERO, ending=1))
    assert waiting.doubts == ()
    assert waiting.step("stop workers") == STOPPING.step("stop workers")
    done = decided(STOPPING, AT_ZERO).step("stop workers")
    assert done is not None
    assert done.state is StepState.DONE


def test_a_change_that_its_controller_has_not_seen_yet_is_waited_for() -> None:
    waiting = decided(STOPPED, replace(AT_ZERO, ready=-1, pods=-1))
    assert waiting.doubts == ()
    assert "clear state" not in {step.name for step in waiting.steps}
    assert "clear state" in {step.name for step in decided(STOPPED, AT_ZERO).steps}


def test_a_number_that_the_fuse_has_put_back_is_not_blamed_on_others() -> None:
    late = decided(STOPPED, Workers(3, 3, 3), now=NOW + 101)
    assert late.doubts[0].message == "the fuse of step stop workers put worker back because its deadline passed"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (NOW, "step stop workers was done and its fuse took the call back"),
        (NOW + 101, "the fuse of step stop workers took it back because its deadline passed"),
    ],
)
def test_a_call_that_its_fuse_has_taken_back_sets_no_number(now: float, said: str) -> None:
    called = replace(HOLD, kind="http", object_kind="Pod", object_name="first-call", wanted={"undo": {}})
    back = Observed(Presence.ABSENT, "Pod", "first-call", detail="its fuse took the call back")
    record = a_record(*STOPPED.steps, change=called)
    observed_now = replace(a_world(AT_ZERO), changes={HOLD.name: back})
    assert decide(Context(PLAN, record, observed_now, NOBODY, now)).doubts[0].message == said


def test_what_is_not_known_yet_says_nothing() -> None:
    assert taken_over(STOPPED, HOLD, Observed()) == ""


def owner(number: int, after: float) -> Callable[[Simulation], None]:
    """Somebody who sets the number as soon as it has been 0 for ``after`` seconds."""
    zero_at: list[float] = []

    def sets(world: Simulation) -> None:
        if world.workers != 0:
            zero_at.clear()
            return
        zero_at.append(world.now)
        if world.now - zero_at[0] >= after:
            world.inject(What.SCALED_BY_OTHERS, number)

    return sets


@pytest.mark.parametrize(("number", "left"), [(3, 3), (5, 5)], ids=["to the number from before", "to another"])
def test_a_number_that_is_changed_back_at_once_is_changed_by_us_only_once(number: int, left: int) -> None:
    simulation = Simulation(PLAN, MISSES_RECOVERY, meddle=owner(number, 0.0))
    record = finished(simulation)
    sent = [one for one in simulation.given if isinstance(one, do.Apply | do.Revert) and one.change.before is not None]
    assert len(sent) == 1
    assert Reason.ROLLBACK_FAILED in {doubt.cause for doubt in record.doubts}
    assert record.verdict is Verdict.FAILED
    assert simulation.there("job") == [], "no irreversible step began"
    assert (simulation.left(), simulation.workers) == ([] if left == 3 else ["the workers' number"], left)


def test_an_undo_leaves_what_somebody_else_has_set_and_says_so() -> None:
    undoing = a_record(change=replace(HOLD, state=ChangeState.UNDOING, undo_requested_at=NOW))
    theirs = Workers(5, 5, 5, "8")
    record = decided(replace(undoing, finishing=True), theirs)
    assert record.changes[0].undone_at == NOW
    line = next(line for line in record.timeline if line.reason == "Undone")
    assert line.warning
    assert line.message == (
        "stop workers: worker stays at 5 replicas, which somebody else set; before the drill it had 3"
    )
    assert not [one for one in commands_for(PLAN, undoing, a_world(theirs)) if isinstance(one, do.Revert)]
    assert do.Revert(undoing.changes[0]) in commands_for(PLAN, undoing, a_world(AT_ZERO))


def test_a_number_of_others_ends_nothing_while_our_own_may_still_come() -> None:
    change = replace(HOLD, state=ChangeState.UNDOING, undo_requested_at=NOW, seen_at=None)
    undoing = replace(a_record(change=change), finishing=True)
    theirs = Workers(5, 5, 5, "8")
    assert decided(undoing, theirs, now=NOW + 60).changes[0].undone_at is None
    assert decided(undoing, theirs, now=NOW + 71).changes[0].undone_at == NOW + 71


def meddler(at: ChangeState | None, number: int) -> Callable[[Simulation], None]:
    """Somebody who sets the number once, when the step's change is in this state; None right before it is noted."""

    def sets(world: Simulation) -> None:
        change = world.record.change("stop workers")
        due = world.record.phase is Phase.RECOVERY if at is None else change is not None and change.state is at
        if due and world.workers == 3:
            world.inject(What.SCALED_BY_OTHERS, number)

    return sets


@pytest.mark.parametrize(
    ("at", "number", "said"),
    [
        (None, 0, "worker is already as the step is to set it (worker from 0 to 0 replicas): find out who set it"),
        (ChangeState.REGISTERED, 0, "somebody changed worker before the step did: it is at 0: KEDA"),
        (ChangeState.REGISTERED, 5, "somebody changed worker before the step did: it is at 5: KEDA"),
    ],
    ids=["before the step is noted", "while its fuse is armed", "while its fuse is armed, to another number"],
)
def test_what_somebody_set_before_the_step_did_is_never_put_back(
    at: ChangeState | None, number: int, said: str
) -> None:
    simulation = Simulation(PLAN, MISSES_RECOVERY, meddle=meddler(at, number))
    record = finished(simulation)
    failed = [doubt.message for doubt in record.doubts if doubt.cause is Reason.ROLLBACK_FAILED]
    assert failed[0].startswith(f"step stop workers: {said}")
    assert simulation.there("job") == [], "no irreversible step began"
    assert not [one for one in record.changes if one.name == "stop workers" and one.touched]
    assert simulation.workers == number
    assert record.verdict is Verdict.FAILED
