r"""The undo log's progress: from an entry that is registered to one that holds nothing.

::

    Registered --fuse burns--> Armed --the engine says go--> Requested --seen--> Active
         \\                       \\                           |                 /
          `-----------------------`----- undo asked ----------v----------------'
                                        Undoing --gone and proven--> (fuse removed) --> Undone
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from gameday.engine.drill import commands as do
from gameday.engine.drill import effects, timeouts
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.context import Context
from gameday.model.change import Change, ChangeState, Observed, Presence
from gameday.model.observation import Leaving
from gameday.model.plan import Action, Plan
from gameday.model.record import DrillRecord, Reason

ASK_EVERY: Final = 60.0
"""Seconds after which a person is asked again to undo what only a person can."""
NAMED: Final = 3
"""Most pods on lost nodes that a message names."""
UNDO_BY_HAND: Final = "UndoByHand"


def progress(ctx: Context) -> DrillRecord:
    """Update every entry of the undo log to what was observed."""
    record = _in_reverse(ctx)
    for change in record.changes:
        record = _progress_one(ctx.with_record(record), change)
    if record.faults_cleared is False and not any(one.state is ChangeState.UNDOING for one in record.changes):
        # What was late is undone. What a step has changed may stay until the drill ends, and is not overdue.
        record = replace(record, faults_cleared=None)
    return record


def ask_undo(record: DrillRecord, plan: Plan, now: float) -> DrillRecord:
    """Ask for the undo of everything that is still open; a fault waits for those that were applied after it."""
    record = ask_undo_of_faults(record, plan, now)
    for change in record.changes:
        record = ask_undo_of(record, change, now)
    return record


def ask_undo_of_faults(record: DrillRecord, plan: Plan, now: float) -> DrillRecord:
    """The same of the faults alone: what mitigations have changed stays until the drill ends."""
    later = False
    for change in reversed(of_faults(record, plan)):
        asked = change.open and change.state is not ChangeState.UNDOING
        record = ask_undo_of(record, replace(change, waits=later and change.touched) if asked else change, now)
        later = later or _being_undone(change)
    if record.undo_requested_at is None:
        record = replace(record, undo_requested_at=now)
    return record


def _being_undone(change: Change) -> bool:
    return change.touched and change.undone_at is None


def _in_reverse(ctx: Context) -> DrillRecord:
    """Let the undo of a fault begin once those that were applied after it are undone, or were not in time."""
    record, later = ctx.record, False
    for change in reversed(of_faults(record, ctx.plan)):
        if change.waits and not later:
            record = record.with_change(replace(change, waits=False, undo_requested_at=ctx.now))
        asked = change.undo_requested_at
        late = not change.waits and asked is not None and ctx.now >= asked + timeouts.UNDO
        later = later or (_being_undone(change) and not late)
    return record


def ask_undo_of(record: DrillRecord, change: Change, now: float) -> DrillRecord:
    """Ask for the undo of one entry, unless that was done before."""
    if not change.open or change.state is ChangeState.UNDOING:
        return record
    return record.with_change(replace(change, state=ChangeState.UNDOING, undo_requested_at=now))


def of_faults(record: DrillRecord, plan: Plan) -> tuple[Change, ...]:
    """The entries of the plan's faults."""
    names = {fault.name for fault in plan.outage.faults}
    return tuple(change for change in record.changes if change.name in names)


def of_steps(record: DrillRecord, plan: Plan) -> tuple[Change, ...]:
    """All other entries."""
    faults = of_faults(record, plan)
    return tuple(change for change in record.changes if change not in faults)


def registered(name: str, action: Action, seen: Observed, fuse: str, now: float) -> Change:
    """A new entry: what is to be changed, as it is seen now."""
    return Change(
        name, action.KIND, seen.object_kind, seen.object_name, fuse, before=seen.before, wanted=seen.wanted,
        object_uid=seen.uid, registered_at=now,
    )  # fmt: skip


def held(change: Change, seen: Observed) -> bool:
    """Whether there is something to put back; who set the number that was there before has nothing to put back."""
    ours = seen.presence in {Presence.PRESENT, Presence.DRIFTED} or (seen.there and change.before is None)
    return ours and (change.before is None or change.before != change.wanted)


def put_back(change: Change, seen: Observed) -> bool:
    """Whether what was changed is known to be put back, whatever effect it still has."""
    return seen.presence is not Presence.UNKNOWN and not held(change, seen)


def stalled_by(ctx: Context) -> str:
    """The error that has kept us from seeing, undoing or tidying up for longer than that may take, or nothing."""
    record, errors = ctx.record, ctx.observed.errors
    if record.finished_at is not None:
        if not tidies_late(ctx):
            return ""
        discards = (do.Discard(name) for name, ran in ctx.observed.runs.items() if ran.waits)
        tidying = do.StopAgents(), do.StopCallers(), do.ReleaseLock(), do.UpdateGameDay(), do.RemoveFinalizer()
        return error_of(errors, *discards, *tidying) or _lost_callers(ctx)
    open_ = (change for change in record.changes if change.open)
    error = next((error for change in open_ if _late(ctx, change) and (error := _error(ctx, change))), "")
    return error or (ctx.observed.unlisted if ctx.observed.unlisted_long else "")


def tidies_late(ctx: Context) -> bool:
    """Whether a drill that has ended tidies up for longer than that may take."""
    ended = ctx.record.finished_at if ctx.record.finished_at is not None else ctx.record.since
    return ctx.now > max(ended, ctx.observed.resumed_at) + timeouts.CLEAN_UP


def _lost_callers(ctx: Context) -> str:
    """Which pods that may still act are kept by lost nodes, and what would help, or nothing."""
    lost = [one for one in ctx.observed.callers_leaving if ctx.now > one.due + timeouts.LOST_NODE]
    if not lost:
        return ""
    nodes = " ".join(dict.fromkeys(one.node for one in lost[:NAMED]))
    return (
        f"pods are deleted, their nodes do not confirm that they have ended, and they may still act: {named(lost)}; "
        "the namespace stays locked until they are gone: bring the nodes back, or make sure that they are off and "
        f"delete them (kubectl delete node {nodes})"
    )


def named(lost: Sequence[Leaving]) -> str:
    """Pods on lost nodes as a message names them, the first few."""
    first = ", ".join(map(str, lost[:NAMED]))
    return f"{first} and {len(lost) - NAMED} more" if len(lost) > NAMED else first


def undo_commands(change: Change) -> tuple[do.Command, ...]:
    """All commands that undo an entry of the undo log and remove its fuse."""
    return do.Read(change.name), do.Revert(change), do.RemoveFuse(change)


def _error(ctx: Context, change: Change) -> str:
    error = error_of(ctx.observed.errors, *undo_commands(change))
    return error if ctx.observed.change(change.name).known else ctx.observed.explained(error)


def _late(ctx: Context, change: Change) -> bool:
    """Whether an undo is overdue, or the removal of the fuse that guarded it."""
    if change.undone_at is None:
        return ctx.record.faults_cleared is False
    return ctx.now > max(change.undone_at, ctx.observed.resumed_at) + timeouts.CLEAN_UP


def _progress_one(ctx: Context, change: Change) -> DrillRecord:
    fuse = ctx.observed.fuse(change.fuse_name)
    match change.state:
        case ChangeState.REGISTERED:
            if change.by_hand:
                armed = replace(change, state=ChangeState.ARMED)
                why = f"{change.name}: nothing but a person can undo it, so no fuse was armed"
                return ctx.record.with_change(armed).note(ctx.now, "WithoutFuse", why, warning=True)
            if fuse.armed and fuse.uid is not None:
                armed = replace(change, state=ChangeState.ARMED, fuse_uid=fuse.uid, fuse_deadline=fuse.deadline)
                return ctx.record.with_change(armed).note(ctx.now, "FuseArmed", f"{change.fuse_name} is armed")
            return ctx.record
        case ChangeState.REQUESTED:
            return _requested(ctx, change)
        case ChangeState.UNDOING:
            return _undoing(ctx, change)
        case ChangeState.ARMED | ChangeState.ACTIVE | ChangeState.UNDONE:
            return ctx.record


def _requested(ctx: Context, change: Change) -> DrillRecord:
    seen = ctx.observed.change(change.name)
    # Who makes something else of it at once may do so before we see ours; a policy that is gone again never was active.
    if held(change, seen) or (change.name in ctx.observed.made and change.before is not None):
        return ctx.record.with_change(
            replace(change, state=ChangeState.ACTIVE, object_uid=seen.uid or change.object_uid, seen_at=ctx.now)
        )
    return ctx.record


def _undoing(ctx: Context, change: Change) -> DrillRecord:
    if change.undone_at is None:
        return _verify(ctx, change)
    if ctx.observed.fuse(change.fuse_name).uid is None:
        return ctx.record.with_change(replace(change, state=ChangeState.UNDONE))
    return ctx.record


def _verify(ctx: Context, change: Change) -> DrillRecord:
    asked = change.undo_requested_at if change.undo_requested_at is not None else ctx.now
    if not change.touched:
        return ctx.record.with_change(replace(change, undone_at=ctx.now))
    seen = ctx.observed.change(change.name)
    if seen.by_hand:
        return _verify_by_hand(ctx, change, asked, seen)
    if seen.presence is Presence.UNKNOWN:
        return _overdue(ctx, change, asked, seen)
    if held(change, seen):
        if change.seen_at is None:
            return ctx.record.with_change(replace(change, seen_at=ctx.now))
        if change.undo_again:
            return ctx.record.with_change(replace(change, undo_again=False))
        return ctx.record if change.waits else _overdue(ctx, change, asked, seen)
    # The API server may still execute a request that timed out; until it cannot, the fuse stays.
    exists = seen.presence is not Presence.GONE
    if seen.may_arrive and exists and change.seen_at is None and ctx.now < asked + timeouts.LATE_REQUEST:
        return ctx.record
    if (ended := _ended(ctx, change, asked, seen)) is not None:
        return ended
    proof = effects.proof_of(ctx, change.name)
    if why := proof.again(change):
        record = ctx.record.with_change(replace(change, undo_again=True, undo_again_at=ctx.now))
        text = f"{change.name}: {seen.shown}, but {why}; it is taken back again"
        return record.note(ctx.now, "UndoAgain", text, warning=True)
    return _overdue(ctx, change, asked, seen) if proof.insists else ctx.record


def _verify_by_hand(ctx: Context, change: Change, asked: float, seen: Observed) -> DrillRecord:
    """Ask a person again and again, from the first moment on: no operator and no fuse puts it back."""
    if change.waits:
        return ctx.record
    if (ended := _ended(ctx, change, asked, seen)) is not None:
        return ended
    record = replace(ctx.record, faults_cleared=False)
    text = "; ".join(filter(None, (f"{change.name}: {seen.shown}", seen.asks)))
    known = [line for line in record.timeline if (line.reason, line.message) == (UNDO_BY_HAND, text)]
    if known and ctx.now < known[-1].at + ASK_EVERY:
        return record
    # The newest of them alone is kept: within a day they would push everything else out of the timeline.
    kept = tuple(line for line in record.timeline if line not in known)
    return replace(record, timeline=kept).note(ctx.now, UNDO_BY_HAND, text, warning=True)


def _ended(ctx: Context, change: Change, asked: float, seen: Observed) -> DrillRecord | None:
    """The record of a change whose effect is over, or None."""
    ending = effects.proof_of(ctx, change.name).undone(change, seen, asked)
    if ending is None:
        return None
    if not ending.seen:
        record = ctx.record.doubt(Reason.UNDO_UNVERIFIED, f"{change.name}: {ending.how}", asked, ctx.now)
        return record.with_change(replace(change, undone_at=ctx.now))
    return _undone(ctx, change, ending.how, warning=seen.presence is Presence.TAMPERED)


def _undone(ctx: Context, change: Change, how: str, *, warning: bool = False) -> DrillRecord:
    record = ctx.record.with_change(replace(change, undone_at=ctx.now))
    return record.note(ctx.now, "Undone", f"{change.name}: {how}", warning=warning)


def _overdue(ctx: Context, change: Change, asked: float, seen: Observed) -> DrillRecord:
    if ctx.now < asked + timeouts.UNDO or ctx.record.faults_cleared is False:
        return ctx.record
    record = replace(ctx.record, faults_cleared=False)
    what = seen.shown or "its state is not known"
    why = f"{change.name}: {what}; {_error(ctx, change)}".rstrip("; ")
    return record.note(ctx.now, "FaultsNotCleared", why, warning=True)
