"""The steps of a mitigation or of the rollback: in order, each recorded before it is taken, each change with its fuse.

What a step changed stays until a later step takes it back, or the drill ends. A list stops at once if somebody else
changes what a step of it has set, because a later irreversible step relies on it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gameday.engine.drill import commands as do
from gameday.engine.drill import effects
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.context import Context
from gameday.engine.drill.stop_conditions import end_inconclusive, fuse_lost
from gameday.engine.drill.undo_log import ask_undo_of, of_steps, registered, undo_commands
from gameday.model import names
from gameday.model.change import Change, ChangeState, Observed, Presence, RunState, State
from gameday.model.observation import Observation
from gameday.model.plan import Step
from gameday.model.record import DrillRecord, Reason, StepEntry, StepState


@dataclass(frozen=True, slots=True)
class Steps:
    """One list of steps. ``reason`` is the drill's where one of them fails.

    ``ends_at`` is the Unix second by which all must be done; ``within`` is the same as a length, for people.
    """

    steps: tuple[Step, ...]
    reason: Reason
    ends_at: float
    within: float

    def go_on(self, ctx: Context) -> DrillRecord | None:
        """Take the next step, or go on with the one that is under way; None once all are done."""
        for step in self.steps:
            entry = ctx.record.step(step.name)
            if entry is not None and entry.state is StepState.DONE:
                continue
            if ctx.now > self.ends_at:
                why = f"step {step.name} was not done within {self.within:.0f} s{_error(ctx, step)}"
                return end_inconclusive(ctx, self.reason, why, ctx.now)
            return self._take(ctx, step, entry)
        return None

    def _take(self, ctx: Context, step: Step, entry: StepEntry | None) -> DrillRecord:
        if not step.action.REVERSIBLE:
            return self._run(ctx, step, entry)
        return _put_back(ctx, step, entry) if step.action.REVERTS else self._make(ctx, step, entry)

    def _make(self, ctx: Context, step: Step, entry: StepEntry | None) -> DrillRecord:
        seen = ctx.observed.change(step.name)
        if seen.presence is Presence.UNKNOWN:
            return ctx.record
        if seen.presence is Presence.GONE:
            return end_inconclusive(ctx, self.reason, f"step {step.name}: {seen.detail}", ctx.now)
        change = ctx.record.change(step.name)
        if theirs := _changed_by_others(change if entry is not None else None, seen):
            return end_inconclusive(ctx, self.reason, f"step {step.name}: {theirs}", ctx.now)
        if entry is None or change is None:
            fuse = names.step_fuse(ctx.observed.drill, step.name)
            return _intend(ctx, step, seen.shown).with_change(registered(step.name, step.action, seen, fuse, ctx.now))
        if change.state is ChangeState.ARMED:
            return ctx.record.with_change(replace(change, state=ChangeState.REQUESTED, requested_at=ctx.now))
        if change.state is ChangeState.ACTIVE and _took_effect(ctx, step, change, seen):
            return _done(ctx, step, seen.shown)
        if (vain := _without_effect(ctx, step, change)) is not None:
            return end_inconclusive(ctx, self.reason, f"step {step.name}: {vain}", ctx.now)
        return ctx.record

    def _run(self, ctx: Context, step: Step, entry: StepEntry | None) -> DrillRecord:
        ran = ctx.observed.run(step.name)
        if ran.state is RunState.UNKNOWN:
            return ctx.record
        if ran.state is RunState.FAILED:
            return self._not_done(ctx, step, StepState.FAILED, ran.shown)
        if entry is None:
            active = (one for one in of_steps(ctx.record, ctx.plan) if one.state is ChangeState.ACTIVE)
            seen = (ctx.observed.change(change.name) for change in active)
            if not all(one.known and one.followed for one in seen):
                return ctx.record
            return _intend(ctx, step, ran.shown, ran.notes)
        if ran.state is RunState.DONE:
            return _done(ctx, step, ran.shown)
        if ran.state is RunState.ABSENT and entry.at < ctx.observed.resumed_at:
            why = "it was requested before the operator restarted, and nothing of it is found"
            return self._not_done(ctx, step, StepState.UNKNOWN, why)
        return ctx.record

    def _not_done(self, ctx: Context, step: Step, state: StepState, message: str) -> DrillRecord:
        record = ctx.record.with_step(StepEntry(step.name, state, ctx.now, message))
        why = f"step {step.name}: {message}"
        return end_inconclusive(ctx.with_record(record), self.reason, why, ctx.now)


def commands(steps: Iterable[Step], record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    """The commands of the step that is next; those of its change follow from the undo log."""
    for step in steps:
        entry = record.step(step.name)
        if entry is not None and entry.state is not StepState.INTENDED:
            continue
        if not step.action.REVERSIBLE:
            yield from _to_run(step.name, entry, observed)
        elif not step.action.REVERTS and observed.change(step.name).presence is Presence.UNKNOWN:
            yield do.Read(step.name)
        return


def discards(observed: Observation) -> Iterator[do.Command]:
    """The commands of a drill that takes no further step: what waits would run against what is put back meanwhile."""
    for name, ran in observed.runs.items():
        if ran.waits:
            yield do.Discard(name)


def _changed_by_others(change: Change | None, seen: Observed) -> str:
    """What somebody else did to the object of a step before the step did, as a message, or "".

    Until the request is saved the step has changed nothing: what looks like its change must not be taken for it,
    because it would be put back later.
    """
    if change is None:
        already = f"{seen.object_name} is already as the step is to set it ({seen.shown}): find out who set it"
        return already if seen.there else ""
    theirs = (change.state is ChangeState.ARMED and seen.there) or (
        change.state is ChangeState.REQUESTED and seen.presence is Presence.TAMPERED
    )
    return f"somebody changed {change.object_name} before the step did: it {seen.detail}" if theirs else ""


def _took_effect(ctx: Context, step: Step, change: Change, seen: Observed) -> bool:
    """Whether what follows from a step's change has happened; where probes show that, only they say so."""
    if not step.action.signs:
        return seen.settled
    return effects.proof_of(ctx, step.name).effect(change) is not None


def _without_effect(ctx: Context, step: Step, change: Change) -> str | None:
    """Why a step has failed whose plan says how long its effect may take, or None."""
    patience, requested = step.action.patience, change.requested_at
    if patience is None or requested is None or ctx.now <= requested + patience:
        return None
    lacking = effects.proof_of(ctx, step.name).lacking(change)
    return f"it has had no effect within {patience:.0f} s: {lacking}"


def lost(ctx: Context) -> DrillRecord | None:
    """The record of a drill that no longer has what a step changed, or None."""
    return next((ended for one in of_steps(ctx.record, ctx.plan) if (ended := _lost(ctx, one)) is not None), None)


def taken_over(record: DrillRecord, change: Change, seen: Observed) -> str:
    """Who else has changed what an active change set, as a message, or ""."""
    numbers = _numbers(change)
    was = (
        f"{change.object_name} was set to {numbers} by step {change.name}"
        if numbers
        else f"step {change.name} was done"
    )
    if seen.presence in {Presence.ABSENT, Presence.TAMPERED, Presence.GONE}:
        return f"{was} and {seen.detail}"
    entry = record.step(change.name)
    done = entry is not None and entry.state is StepState.DONE
    return f"{was} and {seen.relapsed}" if done and seen.relapsed else ""


def _lost(ctx: Context, change: Change) -> DrillRecord | None:
    if (unguarded := fuse_lost(ctx, change)) is not None:
        return unguarded
    if change.state is not ChangeState.ACTIVE:
        return None
    seen = ctx.observed.change(change.name)
    why = taken_over(ctx.record, change, seen)
    fired = change.fuse_deadline is not None and ctx.now >= change.fuse_deadline
    if why and fired and seen.presence is Presence.ABSENT:
        undid = f"put {change.object_name} back" if _numbers(change) else "took it back"
        why = f"the fuse of step {change.name} {undid} because its deadline passed"
    mitigates = ctx.plan.mitigation_of(change.name) is not None
    reason = Reason.MITIGATION_FAILED if mitigates else Reason.ROLLBACK_FAILED
    return end_inconclusive(ctx, reason, why, ctx.now) if why else None


def _to_run(step: str, entry: StepEntry | None, observed: Observation) -> Iterator[do.Command]:
    """The command of an irreversible step: what was made, and is gone, is repeated by no process.

    Only a part that may run twice is asked for again.
    """
    state = observed.run(step).state
    if state is RunState.UNKNOWN:
        yield do.Read(step)
    elif entry is not None:
        asks_first = state is RunState.ABSENT and entry.at >= observed.resumed_at and step not in observed.made
        if asks_first or state is RunState.NEXT:
            yield do.Run(step)


def _numbers(change: Change) -> str:
    """What was set, for people: ``0 replicas``; "" where no number was, as by a call."""
    numbers = ((name, value) for name, value in (change.wanted or {}).items() if isinstance(value, int))
    return ", ".join(f"{value} {name}" for name, value in numbers)


def _put_back(ctx: Context, step: Step, entry: StepEntry | None) -> DrillRecord:
    if entry is None:
        return _intend(ctx, step, f"put {step.action.subject[1]} back to what it was before")
    record, shown = ctx.record, ""
    for change in _reverted_by(record, step):
        record = ask_undo_of(record, change, ctx.now)
        seen = ctx.observed.change(change.name)
        if change.open or not seen.known or not seen.settled:
            return record
        shown = seen.shown
    return _done(ctx.with_record(record), step, shown or f"{step.action.subject[1]} was not changed")


def _reverted_by(record: DrillRecord, step: Step) -> tuple[Change, ...]:
    wanted = step.action.REVERTS, *step.action.subject
    return tuple(one for one in record.changes if (one.kind, one.object_kind, one.object_name) == wanted)


def _intend(ctx: Context, step: Step, message: str, notes: State | None = None) -> DrillRecord:
    record = ctx.record.with_step(StepEntry(step.name, StepState.INTENDED, ctx.now, message, notes))
    return record.note(ctx.now, "StepIntended", f"{step.name}: {message}")


def _done(ctx: Context, step: Step, message: str) -> DrillRecord:
    record = ctx.record.with_step(StepEntry(step.name, StepState.DONE, ctx.now, message))
    return record.note(ctx.now, "StepDone", f"{step.name}: {message}")


def _error(ctx: Context, step: Step) -> str:
    error = ctx.observed.explained(error_of(ctx.observed.errors, *_commands(ctx, step)) or _stalled(ctx, step))
    return f": {error}" if error else ""


def _stalled(ctx: Context, step: Step) -> str:
    """What a step waits for although nothing was rejected: its fuse, before any change, or its effect after that."""
    ran = ctx.observed.run(step.name)
    if not step.action.REVERSIBLE and ran.state is RunState.ABSENT and step.name in ctx.observed.made:
        return "it was made before, and nothing of it is found any more; it is not repeated"
    if not step.action.REVERSIBLE and ran.state in {RunState.RUNNING, RunState.NEXT}:
        return ran.shown
    change = ctx.record.change(step.name)
    if change is not None and change.touched and step.action.REVERSIBLE:
        return effects.proof_of(ctx, step.name).lacking(change)
    if change is None or change.state is not ChangeState.REGISTERED:
        return ""
    fuse = ctx.observed.fuse(change.fuse_name)
    why = f"was not armed{f': its pod does not run: {fuse.waits}' if fuse.waits else ''}"
    if fuse.trouble:
        why = f"could not ask the API server ({fuse.trouble}): see what its pod may reach"
    return f"nothing was changed, because its fuse {change.fuse_name} {why}"


def _commands(ctx: Context, step: Step) -> Iterator[do.Command]:
    """All that a step may ask for: an error of one of these is why it is not done."""
    action = step.action
    if not action.REVERSIBLE:
        yield do.Run(step.name)
    elif action.REVERTS:
        for change in _reverted_by(ctx.record, step):
            yield from undo_commands(change)
    else:
        yield do.Read(step.name)
        made = ctx.record.change(step.name)
        if made is not None:
            yield from (do.ArmFuse(made), do.Apply(made))
