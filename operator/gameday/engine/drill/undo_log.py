r"""The undo log's progress: from an entry that is registered to one that holds nothing.

::

    Registered --fuse burns--> Armed --the engine says go--> Requested --seen--> Active
         \\                       \\                           |                 /
          `-----------------------`----- undo asked ----------v----------------'
                                        Undoing --gone and proven--> (fuse removed) --> Undone
"""

from dataclasses import replace
from typing import Final

from gameday.engine.drill import budgets, effects
from gameday.engine.drill import commands as do
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.situation import Situation
from gameday.model.change import Change, ChangeState, Observed, Presence
from gameday.model.plan import Action, Plan
from gameday.model.record import Cause, Record

ASK_EVERY: Final = 60.0
"""Seconds after which a person is asked again to undo what only a person can."""
UNDO_BY_HAND: Final = "UndoByHand"


def progress(at: Situation) -> Record:
    """Update every entry of the undo log to what was observed."""
    record = _in_reverse(at)
    for change in record.changes:
        record = _progress_one(at.knowing(record), change)
    return record


def ask_undo(record: Record, plan: Plan, now: float) -> Record:
    """Ask for the undo of everything that is still open; a fault waits for those that were applied after it."""
    later = False
    for change in reversed(of_faults(record, plan)):
        asked = change.open and change.state is not ChangeState.UNDOING
        record = ask_undo_of(record, replace(change, waits=later and change.touched) if asked else change, now)
        later = later or _being_undone(change)
    for change in record.changes:
        record = ask_undo_of(record, change, now)
    if record.undo_requested_at is None:
        record = replace(record, undo_requested_at=now)
    return record


def _being_undone(change: Change) -> bool:
    return change.touched and change.undone_at is None


def _in_reverse(at: Situation) -> Record:
    """Let the undo of a fault begin once those that were applied after it are undone, or were not in time."""
    record, later = at.record, False
    for change in reversed(of_faults(record, at.plan)):
        if change.waits and not later:
            record = record.with_change(replace(change, waits=False, undo_requested_at=at.now))
        asked = change.undo_requested_at
        late = not change.waits and asked is not None and at.now >= asked + budgets.UNDO
        later = later or (_being_undone(change) and not late)
    return record


def ask_undo_of(record: Record, change: Change, now: float) -> Record:
    """Ask for the undo of one entry, unless that was done before."""
    if not change.open or change.state is ChangeState.UNDOING:
        return record
    return record.with_change(replace(change, state=ChangeState.UNDOING, undo_requested_at=now))


def of_faults(record: Record, plan: Plan) -> tuple[Change, ...]:
    """The entries of the plan's faults."""
    names = {fault.name for fault in plan.outage.faults}
    return tuple(change for change in record.changes if change.name in names)


def of_steps(record: Record, plan: Plan) -> tuple[Change, ...]:
    """All other entries."""
    faults = of_faults(record, plan)
    return tuple(change for change in record.changes if change not in faults)


def registered(name: str, action: Action, seen: Observed, fuse: str, now: float) -> Change:
    """A new entry: what is to be changed, as it is seen now."""
    return Change(
        name, action.KIND, seen.object_kind, seen.object_name, fuse, before=seen.before, wanted=seen.wanted,
        registered_at=now,
    )  # fmt: skip


def held(change: Change, seen: Observed) -> bool:
    """Whether there is something to put back; who set the number that was there before has nothing to put back."""
    ours = seen.presence in {Presence.PRESENT, Presence.DRIFTED} or (seen.there and change.before is None)
    return ours and (change.before is None or change.before != change.wanted)


def obstacle(at: Situation) -> str:
    """The error that has kept us from undoing or from tidying up for longer than that may take, or nothing."""
    record, errors = at.record, at.world.errors
    if record.finished_at is not None:
        late = at.now > max(record.finished_at, at.world.resumed_at) + budgets.TIDY
        return error_of(errors, do.StopAgents(), do.FreeLock(), do.UpdateGameDay(), do.LetGo()) if late else ""
    open_ = (change for change in record.changes if change.open)
    return next((error for change in open_ if _late(at, change) and (error := _error(at, change))), "")


def undo_commands(change: Change) -> tuple[do.Command, ...]:
    """All commands that undo an entry of the undo log and remove its fuse."""
    return do.Read(change.name), do.Revert(change), do.RemoveFuse(change)


def _error(at: Situation, change: Change) -> str:
    return error_of(at.world.errors, *undo_commands(change))


def _late(at: Situation, change: Change) -> bool:
    """Whether an undo is overdue, or the removal of the fuse that guarded it."""
    if change.undone_at is None:
        return at.record.faults_cleared is False
    return at.now > max(change.undone_at, at.world.resumed_at) + budgets.TIDY


def _progress_one(at: Situation, change: Change) -> Record:
    fuse = at.world.fuse(change.fuse_name)
    match change.state:
        case ChangeState.REGISTERED:
            if not change.fuse_name:
                armed = replace(change, state=ChangeState.ARMED)
                why = f"{change.name}: only a person can undo it, so no fuse was armed"
                return at.record.with_change(armed).note(at.now, "WithoutFuse", why, warning=True)
            if fuse.armed and fuse.uid is not None:
                armed = replace(change, state=ChangeState.ARMED, fuse_uid=fuse.uid, fuse_deadline=fuse.deadline)
                return at.record.with_change(armed).note(at.now, "FuseArmed", f"{change.fuse_name} is armed")
            return at.record
        case ChangeState.REQUESTED:
            return _requested(at, change)
        case ChangeState.UNDOING:
            return _undoing(at, change)
        case ChangeState.ARMED | ChangeState.ACTIVE | ChangeState.UNDONE:
            return at.record


def _requested(at: Situation, change: Change) -> Record:
    seen = at.world.change(change.name)
    # Who makes something else of it at once may do so before we see ours; a policy that is gone again never was active.
    if held(change, seen) or (change.name in at.world.made and change.before is not None):
        return at.record.with_change(
            replace(change, state=ChangeState.ACTIVE, object_uid=seen.uid or change.object_uid, seen_at=at.now)
        )
    return at.record


def _undoing(at: Situation, change: Change) -> Record:
    if change.undone_at is None:
        return _verify(at, change)
    if at.world.fuse(change.fuse_name).uid is None:
        return at.record.with_change(replace(change, state=ChangeState.UNDONE))
    return at.record


def _verify(at: Situation, change: Change) -> Record:
    asked = change.undo_requested_at if change.undo_requested_at is not None else at.now
    if not change.touched:
        return at.record.with_change(replace(change, undone_at=at.now))
    seen = at.world.change(change.name)
    if seen.by_hand:
        return _verify_by_hand(at, change, asked, seen)
    if seen.presence is Presence.UNKNOWN:
        return _overdue(at, change, asked, seen)
    if held(change, seen):
        if change.seen_at is None:
            return at.record.with_change(replace(change, seen_at=at.now))
        return at.record if change.waits else _overdue(at, change, asked, seen)
    # The API server may still execute a request that timed out; until it cannot, the fuse stays.
    exists = seen.presence is not Presence.GONE
    if seen.may_arrive and exists and change.seen_at is None and at.now < asked + budgets.ARRIVE:
        return at.record
    return _ended(at, change, asked, seen) or at.record


def _verify_by_hand(at: Situation, change: Change, asked: float, seen: Observed) -> Record:
    """Ask the person again and again, from the first moment on: nobody else puts it back."""
    if change.waits:
        return at.record
    if (ended := _ended(at, change, asked, seen)) is not None:
        return ended
    record = replace(at.record, faults_cleared=False)
    text = f"{change.name}: {seen.shown}"
    known = [line for line in record.timeline if (line.reason, line.message) == (UNDO_BY_HAND, text)]
    if known and at.now < known[-1].at + ASK_EVERY:
        return record
    # The newest of them alone is kept: within a day they would push everything else out of the timeline.
    kept = tuple(line for line in record.timeline if line not in known)
    return replace(record, timeline=kept).note(at.now, UNDO_BY_HAND, text, warning=True)


def _ended(at: Situation, change: Change, asked: float, seen: Observed) -> Record | None:
    """The record of a change whose effect is over, or None."""
    ending = effects.proof_of(at, change.name).undone(change, seen, asked)
    if ending is None:
        return None
    if not ending.seen:
        record = at.record.doubt(Cause.UNDO_UNVERIFIED, f"{change.name}: {ending.how}", asked, at.now)
        return record.with_change(replace(change, undone_at=at.now))
    return _undone(at, change, ending.how, warning=seen.presence is Presence.TAMPERED)


def _undone(at: Situation, change: Change, how: str, *, warning: bool = False) -> Record:
    record = at.record.with_change(replace(change, undone_at=at.now))
    return record.note(at.now, "Undone", f"{change.name}: {how}", warning=warning)


def _overdue(at: Situation, change: Change, asked: float, seen: Observed) -> Record:
    if at.now < asked + budgets.UNDO or at.record.faults_cleared is False:
        return at.record
    record = replace(at.record, faults_cleared=False)
    what = seen.shown or "its state is not known"
    why = f"{change.name}: {what}; {_error(at, change)}".rstrip("; ")
    return record.note(at.now, "FaultsNotCleared", why, warning=True)
