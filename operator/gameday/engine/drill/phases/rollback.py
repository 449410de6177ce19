"""The phase that repairs: runs the steps in order, each recorded before it is taken, each change with its own fuse.

It stops at once if somebody else changes what a step has set, because a later irreversible step relies on it.
"""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import commands as do
from gameday.engine.drill import timeouts
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.context import Context
from gameday.engine.drill.phases.recovery import judge
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.results import complete, end_stage
from gameday.engine.drill.stop_conditions import end_inconclusive, fuse_lost
from gameday.engine.drill.undo_commands import undo_commands_for
from gameday.engine.drill.undo_log import ask_undo_of, of_steps, registered, undo_commands
from gameday.engine.drill.verdict import MET
from gameday.engine.drill.windows import recovery_window
from gameday.model import names
from gameday.model.change import Change, ChangeState, Observed, Presence, RunState, State
from gameday.model.observation import Observation
from gameday.model.plan import Plan, Stage, Step
from gameday.model.record import DrillRecord, Phase, Reason, StepEntry, StepState


def decide(ctx: Context) -> DrillRecord:
    """Take the next step, or judge the system again once all are done."""
    for change in of_steps(ctx.record, ctx.plan):
        if (ended := _lost(ctx, change)) is not None:
            return ended
    plan = ctx.plan.rollback
    if plan is None or ctx.record.rollback_zero is not None:
        return _again(ctx)
    for step in plan.steps:
        entry = _entry(ctx.record, step.name)
        if entry is not None and entry.state is StepState.DONE:
            continue
        if ctx.now > ctx.record.since + plan.within:
            why = f"step {step.name} was not done within {plan.within:.0f} s{_error(ctx, step)}"
            return end_inconclusive(ctx, Reason.ROLLBACK_FAILED, why, ctx.now)
        return _take(ctx, step, entry)
    record = replace(ctx.record, rollback_zero=ctx.now)
    return record.note(ctx.now, "StepsDone", "all rollback steps are done; judging the recovery again")


def commands(plan: Plan | None, record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    """Keep to the undo log, and carry out the step that is next."""
    yield from undo_commands_for(record, observed)
    yield from _of_steps(plan, record, observed)


def taken_over(record: DrillRecord, change: Change, seen: Observed) -> str:
    """Who else has changed what an active change set, as a message, or ""."""
    was = f"{change.object_name} was set to {_words(change)} by step {change.name}"
    if seen.presence in {Presence.ABSENT, Presence.TAMPERED, Presence.GONE}:
        return f"{was} and {seen.detail}"
    entry = _entry(record, change.name)
    done = entry is not None and entry.state is StepState.DONE
    return f"{was} and {seen.relapsed}" if done and seen.relapsed else ""


def _again(ctx: Context) -> DrillRecord:
    """Judge the recovery expectations once more, from the end of the last step."""
    started_at = ctx.record.rollback_zero
    rollback = ctx.plan.rollback
    if started_at is None or rollback is None:
        return ctx.record
    ctx = ctx.with_record(judge(ctx, started_at, again=True))
    left = ctx.record.since + rollback.within + timeouts.GRACE
    if ctx.now > max(left, started_at + timeouts.longest_wait(ctx.plan.recovery.expect, 0.0)):
        window = recovery_window(ctx, again=True)
        ctx = ctx.with_record(end_stage(ctx, Stage.RECOVERY, window, "rollback.within is over", again=True))
    if not complete(ctx, Stage.RECOVERY, again=True):
        return ctx.record
    repaired = all(
        result.state in MET
        for name in rollback.if_missed
        if (result := ctx.record.result(Stage.RECOVERY, name, again=True)) is not None
    )
    word = "the rollback repaired what was missed" if repaired else "the rollback did not repair what was missed"
    record = replace(ctx.record, finishing=True, recovered_by="Rollback" if repaired else None)
    return record.note(ctx.now, "RollbackEnded", word, warning=not repaired)


def _of_steps(plan: Plan | None, record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    for step in plan.rollback.steps if plan is not None and plan.rollback is not None else ():
        entry = _entry(record, step.name)
        if entry is not None and entry.state is not StepState.INTENDED:
            continue
        if not step.action.REVERSIBLE:
            yield from _to_run(step.name, entry, observed)
        elif not step.action.REVERTS and observed.change(step.name).presence is Presence.UNKNOWN:
            yield do.Read(step.name)
        return


def _to_run(step: str, entry: StepEntry | None, observed: Observation) -> Iterator[do.Command]:
    """The command of an irreversible step; a later process repeats only a part that may run twice."""
    state = observed.run(step).state
    if state is RunState.UNKNOWN:
        yield do.Read(step)
    elif entry is not None:
        asks_first = state is RunState.ABSENT and entry.at >= observed.resumed_at
        if asks_first or state is RunState.NEXT:
            yield do.Run(step)


def _words(change: Change) -> str:
    """What was set, for people: ``0 replicas``."""
    return ", ".join(f"{value} {name}" for name, value in (change.wanted or {}).items()) or "something else"


def _lost(ctx: Context, change: Change) -> DrillRecord | None:
    """The record of a drill that no longer has what a step changed, or None."""
    if (lost := fuse_lost(ctx, change)) is not None:
        return lost
    if change.state is not ChangeState.ACTIVE:
        return None
    seen = ctx.observed.change(change.name)
    why = taken_over(ctx.record, change, seen)
    fired = change.fuse_deadline is not None and ctx.now >= change.fuse_deadline
    if why and fired and seen.presence is Presence.ABSENT:
        why = f"the fuse of step {change.name} put {change.object_name} back because its deadline passed"
    return end_inconclusive(ctx, Reason.ROLLBACK_FAILED, why, ctx.now) if why else None


def _take(ctx: Context, step: Step, entry: StepEntry | None) -> DrillRecord:
    if not step.action.REVERSIBLE:
        return _run(ctx, step, entry)
    return _put_back(ctx, step, entry) if step.action.REVERTS else _make(ctx, step, entry)


def _make(ctx: Context, step: Step, entry: StepEntry | None) -> DrillRecord:
    seen = ctx.observed.change(step.name)
    if seen.presence is Presence.UNKNOWN:
        return ctx.record
    if seen.presence is Presence.GONE:
        return end_inconclusive(ctx, Reason.ROLLBACK_FAILED, f"step {step.name}: {seen.detail}", ctx.now)
    change = ctx.record.change(step.name)
    if entry is None or change is None:
        fuse = names.scale_fuse(ctx.observed.drill, step.name)
        return _intend(ctx, step, seen.shown).with_change(registered(step.name, step.action, seen, fuse, ctx.now))
    if change.state in {ChangeState.ARMED, ChangeState.REQUESTED} and seen.presence is Presence.TAMPERED:
        why = f"step {step.name}: somebody changed {change.object_name} before the step did: it {seen.detail}"
        return end_inconclusive(ctx, Reason.ROLLBACK_FAILED, why, ctx.now)
    if change.state is ChangeState.ARMED:
        return ctx.record.with_change(replace(change, state=ChangeState.REQUESTED, requested_at=ctx.now))
    if change.state is ChangeState.ACTIVE and seen.settled:
        return _done(ctx, step, seen.shown)
    return ctx.record


def _put_back(ctx: Context, step: Step, entry: StepEntry | None) -> DrillRecord:
    if entry is None:
        return _intend(ctx, step, f"put {step.action.subject[1]} back to what it was before")
    record, shown = ctx.record, ""
    for change in _reverted_by(record, step):
        record = ask_undo_of(record, change, ctx.now)
        seen = ctx.observed.change(change.name)
        if change.open or not seen.settled:
            return record
        shown = seen.shown
    return _done(ctx.with_record(record), step, shown or f"{step.action.subject[1]} was not changed")


def _reverted_by(record: DrillRecord, step: Step) -> tuple[Change, ...]:
    wanted = step.action.REVERTS, *step.action.subject
    return tuple(one for one in record.changes if (one.kind, one.object_kind, one.object_name) == wanted)


def _run(ctx: Context, step: Step, entry: StepEntry | None) -> DrillRecord:
    ran = ctx.observed.run(step.name)
    if ran.state is RunState.UNKNOWN:
        return ctx.record
    if ran.state is RunState.FAILED:
        return _not_done(ctx, step, StepState.FAILED, ran.shown)
    if entry is None:
        active = (change for change in ctx.record.changes if change.state is ChangeState.ACTIVE)
        if any(not ctx.observed.change(change.name).followed for change in active):
            return ctx.record
        return _intend(ctx, step, ran.shown, ran.notes)
    if ran.state is RunState.DONE:
        return _done(ctx, step, ran.shown)
    if ran.state is RunState.ABSENT and entry.at < ctx.observed.resumed_at:
        return _not_done(
            ctx, step, StepState.UNKNOWN, "its Job was requested before the operator restarted and cannot be found"
        )
    return ctx.record


def _entry(record: DrillRecord, name: str) -> StepEntry | None:
    return next((entry for entry in record.steps if entry.name == name), None)


def _set(record: DrillRecord, entry: StepEntry) -> DrillRecord:
    kept = tuple(known for known in record.steps if known.name != entry.name)
    return replace(record, steps=(*kept, entry))


def _intend(ctx: Context, step: Step, message: str, notes: State | None = None) -> DrillRecord:
    record = _set(ctx.record, StepEntry(step.name, StepState.INTENDED, ctx.now, message, notes))
    return record.note(ctx.now, "StepIntended", f"{step.name}: {message}")


def _done(ctx: Context, step: Step, message: str) -> DrillRecord:
    record = _set(ctx.record, StepEntry(step.name, StepState.DONE, ctx.now, message))
    return record.note(ctx.now, "StepDone", f"{step.name}: {message}")


def _not_done(ctx: Context, step: Step, state: StepState, message: str) -> DrillRecord:
    record = _set(ctx.record, StepEntry(step.name, state, ctx.now, message))
    why = f"step {step.name}: {message}"
    return end_inconclusive(ctx.with_record(record), Reason.ROLLBACK_FAILED, why, ctx.now)


def _error(ctx: Context, step: Step) -> str:
    error = error_of(ctx.observed.errors, *_commands(ctx.record, step)) or _stalled(ctx, step)
    return f": {error}" if error else ""


def _stalled(ctx: Context, step: Step) -> str:
    """What a step waits for although nothing was rejected, or "": no change is made before its fuse is armed."""
    ran = ctx.observed.run(step.name)
    if not step.action.REVERSIBLE and ran.state in {RunState.RUNNING, RunState.NEXT}:
        return ran.shown
    change = ctx.record.change(step.name)
    if change is None or change.state is not ChangeState.REGISTERED:
        return ""
    trouble = ctx.observed.fuse(change.fuse_name).trouble
    why = f"could not ask the API server ({trouble}): see what its pod may reach" if trouble else "was not armed"
    return f"nothing was changed, because its fuse {change.fuse_name} {why}"


def _commands(record: DrillRecord, step: Step) -> Iterator[do.Command]:
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
