"""The phase that repairs: runs the steps in order, each recorded before it is taken, each change with its own fuse.

It stops at once if somebody else changes what a step has set, because a later irreversible step relies on it.
"""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import budgets
from gameday.engine.drill import commands as do
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.interrupts import fuse_lost, give_up
from gameday.engine.drill.phases.recovery import judge
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.results import complete, end_stage
from gameday.engine.drill.situation import Situation
from gameday.engine.drill.undo_log import ask_undo_of, of_steps, registered, undo_commands
from gameday.engine.drill.undo_orders import undo_orders
from gameday.engine.drill.verdict import MET
from gameday.engine.drill.windows import recovery_window
from gameday.model import names
from gameday.model.change import Change, ChangeState, Observed, Presence, RunState, State
from gameday.model.plan import Plan, Stage, Step
from gameday.model.record import Cause, Phase, Record, StepEntry, StepState
from gameday.model.world import World


def decide(at: Situation) -> Record:
    """Take the next step, or judge the system again once all are done."""
    for change in of_steps(at.record, at.plan):
        if (ended := _lost(at, change)) is not None:
            return ended
    plan = at.plan.rollback
    if plan is None or at.record.rollback_zero is not None:
        return _again(at)
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


def commands(plan: Plan | None, record: Record, world: World) -> Iterator[do.Command]:
    """Keep to the undo log, and carry out the step that is next."""
    yield from undo_orders(record, world)
    yield from _of_steps(plan, record, world)


def taken_over(record: Record, change: Change, seen: Observed) -> str:
    """Who else has changed what an active change set, as a message, or ""."""
    was = f"{change.object_name} was set to {_words(change)} by step {change.name}"
    if seen.presence in {Presence.ABSENT, Presence.TAMPERED, Presence.GONE}:
        return f"{was} and {seen.detail}"
    entry = _entry(record, change.name)
    done = entry is not None and entry.state is StepState.DONE
    return f"{was} and {seen.relapsed}" if done and seen.relapsed else ""


def _again(at: Situation) -> Record:
    """Judge the recovery expectations once more, from the end of the last step."""
    zero = at.record.rollback_zero
    rollback = at.plan.rollback
    if zero is None or rollback is None:
        return at.record
    at = at.knowing(judge(at, zero, again=True))
    left = at.record.since + rollback.within + budgets.GRACE
    if at.now > max(left, zero + budgets.longest_wait(at.plan.recovery.expect, 0.0)):
        window = recovery_window(at, again=True)
        at = at.knowing(end_stage(at, Stage.RECOVERY, window, "rollback.within is over", again=True))
    if not complete(at, Stage.RECOVERY, again=True):
        return at.record
    repaired = all(
        result.state in MET
        for name in rollback.if_missed
        if (result := at.record.result(Stage.RECOVERY, name, again=True)) is not None
    )
    word = "the rollback repaired what was missed" if repaired else "the rollback did not repair what was missed"
    record = replace(at.record, finishing=True, recovered_by="Rollback" if repaired else None)
    return record.note(at.now, "RollbackEnded", word, warning=not repaired)


def _of_steps(plan: Plan | None, record: Record, world: World) -> Iterator[do.Command]:
    for step in plan.rollback.steps if plan is not None and plan.rollback is not None else ():
        entry = _entry(record, step.name)
        if entry is not None and entry.state is not StepState.INTENDED:
            continue
        if not step.action.REVERSIBLE:
            yield from _to_run(step.name, entry, world)
        elif not step.action.REVERTS and world.change(step.name).presence is Presence.UNKNOWN:
            yield do.Read(step.name)
        return


def _to_run(step: str, entry: StepEntry | None, world: World) -> Iterator[do.Command]:
    """The command of an irreversible step; a later process repeats only a part that may run twice."""
    state = world.run(step).state
    if state is RunState.UNKNOWN:
        yield do.Read(step)
    elif entry is not None:
        asks_first = state is RunState.ABSENT and entry.at >= world.resumed_at
        if asks_first or state is RunState.NEXT:
            yield do.Run(step)


def _words(change: Change) -> str:
    """What was set, for people: ``0 replicas``."""
    return ", ".join(f"{value} {name}" for name, value in (change.wanted or {}).items()) or "something else"


def _lost(at: Situation, change: Change) -> Record | None:
    """The record of a drill that no longer has what a step changed, or None."""
    if (lost := fuse_lost(at, change)) is not None:
        return lost
    if change.state is not ChangeState.ACTIVE:
        return None
    seen = at.world.change(change.name)
    why = taken_over(at.record, change, seen)
    fired = change.fuse_deadline is not None and at.now >= change.fuse_deadline
    if why and fired and seen.presence is Presence.ABSENT:
        why = f"the fuse of step {change.name} put {change.object_name} back because its deadline passed"
    return give_up(at, Cause.ROLLBACK_FAILED, why, at.now) if why else None


def _take(at: Situation, step: Step, entry: StepEntry | None) -> Record:
    if not step.action.REVERSIBLE:
        return _run(at, step, entry)
    return _put_back(at, step, entry) if step.action.REVERTS else _make(at, step, entry)


def _make(at: Situation, step: Step, entry: StepEntry | None) -> Record:
    seen = at.world.change(step.name)
    if seen.presence is Presence.UNKNOWN:
        return at.record
    if seen.presence is Presence.GONE:
        return give_up(at, Cause.ROLLBACK_FAILED, f"step {step.name}: {seen.detail}", at.now)
    change = at.record.change(step.name)
    if entry is None or change is None:
        fuse = names.scale_fuse(at.world.drill, step.name)
        return _intend(at, step, seen.shown).with_change(registered(step.name, step.action, seen, fuse, at.now))
    if change.state in {ChangeState.ARMED, ChangeState.REQUESTED} and seen.presence is Presence.TAMPERED:
        why = f"step {step.name}: somebody changed {change.object_name} before the step did: it {seen.detail}"
        return give_up(at, Cause.ROLLBACK_FAILED, why, at.now)
    if change.state is ChangeState.ARMED:
        return at.record.with_change(replace(change, state=ChangeState.REQUESTED, requested_at=at.now))
    if change.state is ChangeState.ACTIVE and seen.settled:
        return _done(at, step, seen.shown)
    return at.record


def _put_back(at: Situation, step: Step, entry: StepEntry | None) -> Record:
    if entry is None:
        return _intend(at, step, f"put {step.action.subject[1]} back to what it was before")
    record, shown = at.record, ""
    for change in _reverted_by(record, step):
        record = ask_undo_of(record, change, at.now)
        seen = at.world.change(change.name)
        if change.open or not seen.settled:
            return record
        shown = seen.shown
    return _done(at.knowing(record), step, shown or f"{step.action.subject[1]} was not changed")


def _reverted_by(record: Record, step: Step) -> tuple[Change, ...]:
    wanted = step.action.REVERTS, *step.action.subject
    return tuple(one for one in record.changes if (one.kind, one.object_kind, one.object_name) == wanted)


def _run(at: Situation, step: Step, entry: StepEntry | None) -> Record:
    ran = at.world.run(step.name)
    if ran.state is RunState.UNKNOWN:
        return at.record
    if ran.state is RunState.FAILED:
        return _not_done(at, step, StepState.FAILED, ran.shown)
    if entry is None:
        active = (change for change in at.record.changes if change.state is ChangeState.ACTIVE)
        if any(not at.world.change(change.name).followed for change in active):
            return at.record
        return _intend(at, step, ran.shown, ran.notes)
    if ran.state is RunState.DONE:
        return _done(at, step, ran.shown)
    if ran.state is RunState.ABSENT and entry.at < at.world.resumed_at:
        return _not_done(
            at, step, StepState.UNKNOWN, "its Job was requested before the operator restarted and cannot be found"
        )
    return at.record


def _entry(record: Record, name: str) -> StepEntry | None:
    return next((entry for entry in record.steps if entry.name == name), None)


def _set(record: Record, entry: StepEntry) -> Record:
    kept = tuple(known for known in record.steps if known.name != entry.name)
    return replace(record, steps=(*kept, entry))


def _intend(at: Situation, step: Step, message: str, notes: State | None = None) -> Record:
    record = _set(at.record, StepEntry(step.name, StepState.INTENDED, at.now, message, notes))
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
    """What a step waits for although nothing was rejected, or "": no change is made before its fuse is armed."""
    ran = at.world.run(step.name)
    if not step.action.REVERSIBLE and ran.state in {RunState.RUNNING, RunState.NEXT}:
        return ran.shown
    change = at.record.change(step.name)
    if change is None or change.state is not ChangeState.REGISTERED:
        return ""
    trouble = at.world.fuse(change.fuse_name).trouble
    why = f"could not ask the API server ({trouble}): see what its pod may reach" if trouble else "was not armed"
    return f"nothing was changed, because its fuse {change.fuse_name} {why}"


def _commands(record: Record, step: Step) -> Iterator[do.Command]:
    """All that a step may ask for: an error of one of these is why it is not done."""
    action = step.action
    if not action.REVERSIBLE:
        yield do.Run(step.name)
    elif action.REVERTS:
        for change in _reverted_by(record, step):
            yield from undo_commands(change)
    else:
        yield do.Read(step.name)
        made = record.change(step.name)
        if made is not None:
            yield from (do.ArmFuse(made), do.Apply(made))


RULES = PhaseRules(
    decide,
    commands,
    {
        Phase.FINISHED: "the recovery is judged again / it ends early",
    },
)
