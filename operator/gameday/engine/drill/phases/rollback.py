"""The rollback: the plan's steps in order, each recorded before it is taken, each scale with a fuse of its own.

It stops at once when what it scaled is no longer at the number that it set: an irreversible step that follows relies on
that number.
"""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import commands as do
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.interrupts import fuse_lost, give_up
from gameday.engine.drill.ownership import taken_over
from gameday.engine.drill.phases.after import after_rollback
from gameday.engine.drill.situation import Situation
from gameday.engine.drill.undo_log import undo_commands
from gameday.model import names
from gameday.model.plan import Restore, RunJob, Scale, Step
from gameday.model.record import Cause, Hold, HoldKind, HoldState, Record, StepEntry, StepState
from gameday.model.world import Fuse, JobState, Workload


def rollback(at: Situation) -> Record:
    """Take the next step, or judge the system again once all are done."""
    for hold in at.record.holds:
        if hold.kind is HoldKind.SCALE and (ended := _lost(at, hold)) is not None:
            return ended
    plan = at.plan.rollback
    if plan is None or at.record.rollback_zero is not None:
        return after_rollback(at)
    for step in plan.steps:
        entry = _entry(at.record, step.name)
        if entry is not None and entry.state is StepState.DONE:
            continue
        if at.now > at.record.since + plan.within:
            why = f"step {step.name} was not done within {plan.within:.0f} s{_error(at, step)}"
            return give_up(at, Cause.ROLLBACK_FAILED, why, at.now)
        return _take(at, step, entry)
    record = replace(at.record, rollback_zero=at.now)
    return record.note(at.now, "StepsDone", "all rollback steps are done; judging the recovery again")


def _lost(at: Situation, hold: Hold) -> Record | None:
    """The record of a drill that no longer has what a step scaled, or None."""
    if (lost := fuse_lost(at, hold)) is not None:
        return lost
    if hold.state is not HoldState.ACTIVE:
        return None
    workload = at.world.workloads.get(hold.object_name)
    why = taken_over(at.record, hold, workload)
    fired = hold.fuse_deadline is not None and at.now >= hold.fuse_deadline
    if why and fired and workload is not None and workload.replicas == hold.before:
        why = f"the fuse of step {hold.name} put {hold.object_name} back to {hold.before}: its time was over"
    return give_up(at, Cause.ROLLBACK_FAILED, why, at.now) if why else None


def _take(at: Situation, step: Step, entry: StepEntry | None) -> Record:
    match step.action:
        case Scale():
            return _scale(at, step, step.action, entry)
        case Restore():
            return _restore(at, step, step.action, entry)
        case RunJob():
            return _job(at, step, entry)


def _scale(at: Situation, step: Step, action: Scale, entry: StepEntry | None) -> Record:
    workload = at.world.workloads.get(action.deployment)
    if workload is None:
        return at.record
    if not workload.exists:
        return give_up(at, Cause.ROLLBACK_FAILED, f"step {step.name}: no Deployment {action.deployment}", at.now)
    hold = at.record.hold(step.name)
    if entry is None or hold is None:
        return _intend(at, step, f"{action.deployment} from {workload.replicas} to {action.replicas}").with_hold(
            Hold(
                name=step.name,
                kind=HoldKind.SCALE,
                object_name=action.deployment,
                fuse_name=names.scale_fuse(at.world.drill, step.name),
                before=workload.replicas,
                wanted=action.replicas,
                registered_at=at.now,
            )
        )
    if hold.state in {HoldState.ARMED, HoldState.REQUESTED} and workload.replicas not in {hold.before, hold.wanted}:
        why = (
            f"step {step.name}: somebody scaled {action.deployment} from {hold.before} to {workload.replicas} meanwhile"
        )
        return give_up(at, Cause.ROLLBACK_FAILED, why, at.now)
    if hold.state is HoldState.ARMED:
        return at.record.with_hold(replace(hold, state=HoldState.REQUESTED, requested_at=at.now))
    settled = workload.pods == workload.ready == action.replicas == workload.replicas
    if hold.state is HoldState.ACTIVE and settled:
        return _done(at, step, f"{action.deployment} is at {action.replicas}")
    return at.record


def _restore(at: Situation, step: Step, action: Restore, entry: StepEntry | None) -> Record:
    if entry is None:
        return _intend(at, step, f"{action.deployment} to its number before")
    record = at.record
    for hold in record.holds:
        if hold.kind is HoldKind.SCALE and hold.object_name == action.deployment:
            if hold.state is not HoldState.UNDOING and hold.open:
                record = record.with_hold(replace(hold, state=HoldState.UNDOING, undo_requested_at=at.now))
            if hold.open:
                return record
    workload = at.world.workloads.get(action.deployment, Workload(exists=False))
    if workload.exists and workload.ready < workload.replicas:
        return record
    return _done(at.knowing(record), step, f"{action.deployment} is back at {workload.replicas}")


def _job(at: Situation, step: Step, entry: StepEntry | None) -> Record:
    if entry is None:
        if any(_unsettled(at, hold) for hold in at.record.holds):
            return at.record
        return _intend(at, step, "runs once, whatever comes of it")
    match at.world.jobs.get(step.name):
        case JobState.DONE:
            return _done(at, step, "its Job completed")
        case JobState.FAILED:
            return _not_done(at, step, StepState.FAILED, "its Job failed")
        case JobState.ABSENT if entry.at < at.world.resumed_at:
            return _not_done(at, step, StepState.UNKNOWN, "its Job was asked for before a restart and cannot be found")
        case _:
            return at.record


def _unsettled(at: Situation, hold: Hold) -> bool:
    """Whether the Deployment was changed and its controller has not seen that yet: what it will do is not known."""
    workload = at.world.workloads.get(hold.object_name)
    return hold.kind is HoldKind.SCALE and hold.state is HoldState.ACTIVE and (workload is None or workload.pods < 0)


def _entry(record: Record, name: str) -> StepEntry | None:
    return next((entry for entry in record.steps if entry.name == name), None)


def _set(record: Record, entry: StepEntry) -> Record:
    kept = tuple(known for known in record.steps if known.name != entry.name)
    return replace(record, steps=(*kept, entry))


def _intend(at: Situation, step: Step, message: str) -> Record:
    record = _set(at.record, StepEntry(step.name, StepState.INTENDED, at.now, message))
    return record.note(at.now, "StepIntended", f"{step.name}: {message}")


def _done(at: Situation, step: Step, message: str) -> Record:
    record = _set(at.record, StepEntry(step.name, StepState.DONE, at.now, message))
    return record.note(at.now, "StepDone", f"{step.name}: {message}")


def _not_done(at: Situation, step: Step, state: StepState, message: str) -> Record:
    record = _set(at.record, StepEntry(step.name, state, at.now, message))
    why = f"step {step.name}: {message}"
    return give_up(at.knowing(record), Cause.ROLLBACK_FAILED, why, at.now)


def _error(at: Situation, step: Step) -> str:
    error = error_of(at.world.errors, *_commands(at.record, step)) or _stalled(at, step)
    return f": {error}" if error else ""


def _stalled(at: Situation, step: Step) -> str:
    """What a step waits for that nobody refused, or "". There is no scaling without a fuse that can undo it."""
    if isinstance(step.action, RunJob) and at.world.jobs.get(step.name) is JobState.RUNNING:
        return f"its Job {names.job(at.world.drill, step.name)} still runs, and was left to; see what its pods wait for"
    hold = at.record.hold(step.name)
    if hold is None or hold.state is not HoldState.REGISTERED:
        return ""
    trouble = at.world.fuses.get(hold.fuse_name, Fuse()).trouble
    why = f"could not ask the API server ({trouble}): see what its pod may reach" if trouble else "was not armed"
    return f"nothing was scaled, since its fuse {hold.fuse_name} {why}"


def _commands(record: Record, step: Step) -> Iterator[do.Command]:
    """All that a step may ask for: an error of one of these is why it is not done."""
    match step.action:
        case Scale(deployment, _):
            hold = record.hold(step.name)
            yield do.ReadWorkload(deployment)
            if hold is not None and hold.wanted is not None:
                yield from (do.ArmFuse(hold), do.ScaleTo(hold, hold.wanted))
        case Restore(deployment):
            for hold in record.holds:
                if hold.kind is HoldKind.SCALE and hold.object_name == deployment:
                    yield from undo_commands(hold)
        case RunJob(cron_job):
            yield do.StartJob(step.name, cron_job)
