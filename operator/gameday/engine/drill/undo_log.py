r"""The undo log's progress: from an entry that is registered to one that holds nothing.

::

    Registered --fuse burns--> Armed --the engine says go--> Requested --seen--> Active
         \\                       \\                           |                 /
          `-----------------------`----- undo asked ----------v----------------'
                                        Undoing --gone and proven--> (fuse removed) --> Undone
"""

from dataclasses import replace

from gameday.engine.drill import budgets
from gameday.engine.drill import commands as do
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.ownership import still_ours
from gameday.engine.drill.situation import Situation
from gameday.model.record import Cause, Hold, HoldKind, HoldState, Record
from gameday.model.world import Cut, Fuse


def progress(at: Situation) -> Record:
    """Move every entry of the undo log as far as the world has moved."""
    record = at.record
    for hold in at.record.holds:
        record = _progress_one(at.knowing(record), hold)
    return record


def ask_undo(record: Record, now: float) -> Record:
    """Ask for the undo of everything that is still open."""
    for hold in record.holds:
        if hold.open and hold.state is not HoldState.UNDOING:
            record = record.with_hold(replace(hold, state=HoldState.UNDOING, undo_requested_at=now))
    if record.undo_requested_at is None:
        record = replace(record, undo_requested_at=now)
    return record


def obstacle(at: Situation) -> str:
    """The error that has kept us from undoing or from tidying up for longer than that may take, or nothing."""
    record, errors = at.record, at.world.errors
    if record.finished_at is not None:
        late = at.now > max(record.finished_at, at.world.resumed_at) + budgets.TIDY
        return error_of(errors, do.StopAgents(), do.FreeLock(), do.UpdateGameDay(), do.LetGo()) if late else ""
    open_ = (hold for hold in record.holds if hold.open)
    return next((error for hold in open_ if _late(at, hold) and (error := _error(at, hold))), "")


def undo_commands(hold: Hold) -> tuple[do.Command, ...]:
    """All that may be asked for to undo an entry of the undo log and to take its fuse away."""
    if hold.kind is HoldKind.NETWORK_PARTITION:
        return do.Lift(hold), do.RemoveFuse(hold)
    back = (do.ScaleTo(hold, hold.before),) if hold.before is not None else ()
    return do.ReadWorkload(hold.object_name), *back, do.RemoveFuse(hold)


def _error(at: Situation, hold: Hold) -> str:
    return error_of(at.world.errors, *undo_commands(hold))


def _late(at: Situation, hold: Hold) -> bool:
    """Whether an undo is overdue, or the removal of the fuse that guarded it."""
    if hold.undone_at is None:
        return at.record.faults_cleared is False
    return at.now > max(hold.undone_at, at.world.resumed_at) + budgets.TIDY


def _progress_one(at: Situation, hold: Hold) -> Record:
    fuse = at.world.fuses.get(hold.fuse_name, Fuse())
    match hold.state:
        case HoldState.REGISTERED:
            if fuse.armed and fuse.uid is not None:
                armed = replace(hold, state=HoldState.ARMED, fuse_uid=fuse.uid, fuse_deadline=fuse.deadline)
                return at.record.with_hold(armed).note(at.now, "FuseArmed", f"{hold.fuse_name} is armed")
            return at.record
        case HoldState.REQUESTED:
            return _requested(at, hold)
        case HoldState.UNDOING:
            return _undoing(at, hold)
        case HoldState.ARMED | HoldState.ACTIVE | HoldState.UNDONE:
            return at.record


def _requested(at: Situation, hold: Hold) -> Record:
    if hold.kind is HoldKind.NETWORK_PARTITION:
        cut = at.world.cuts.get(hold.name, Cut())
        if not cut.present:
            return at.record
        return at.record.with_hold(replace(hold, state=HoldState.ACTIVE, object_uid=cut.uid, seen_at=at.now))
    workload = at.world.workloads.get(hold.object_name)
    seen = workload is not None and workload.exists and workload.replicas == hold.wanted
    # Who sets another number at once may do so before we see ours.
    if seen or hold.name in at.world.scaled:
        return at.record.with_hold(replace(hold, state=HoldState.ACTIVE, seen_at=at.now))
    return at.record


def _undoing(at: Situation, hold: Hold) -> Record:
    if hold.undone_at is None:
        return _verify(at, hold)
    if at.world.fuses.get(hold.fuse_name, Fuse()).uid is None:
        return at.record.with_hold(replace(hold, state=HoldState.UNDONE))
    return at.record


def _verify(at: Situation, hold: Hold) -> Record:
    asked = hold.undo_requested_at if hold.undo_requested_at is not None else at.now
    if not hold.touched:
        return at.record.with_hold(replace(hold, undone_at=at.now))
    if hold.kind is HoldKind.SCALE:
        return _verify_scale(at, hold, asked)
    if hold.name not in at.world.cuts or at.world.cuts[hold.name].present:
        return _overdue(at, hold, asked, "its policy is still there")
    restored = at.seen.proof.restored(asked)
    alike = at.seen.proof.fails_like_control(asked)
    if restored is None and not alike:
        if at.now < asked + budgets.UNDO and not _witnesses_gone(at):
            return at.record
        record = at.record.doubt(
            Cause.UNDO_UNVERIFIED,
            f"{hold.name}: the policy is gone, but no witness was seen to reach its target again",
            asked,
            at.now,
        )
        return record.with_hold(replace(hold, undone_at=at.now))
    seen = "its policy is gone and the witnesses are through" if restored else "its policy is gone"
    return at.record.with_hold(replace(hold, undone_at=at.now)).note(at.now, "Undone", f"{hold.name}: {seen}")


def _verify_scale(at: Situation, hold: Hold, asked: float) -> Record:
    workload = at.world.workloads.get(hold.object_name)
    if workload is None or still_ours(hold, workload):
        if workload is not None and hold.seen_at is None:
            return at.record.with_hold(replace(hold, seen_at=at.now))
        return _overdue(at, hold, asked, "its replicas are not back")
    # What was asked for and never seen may still be on its way: until it cannot come any more, the fuse stays.
    if workload.exists and hold.seen_at is None and at.now < asked + budgets.ARRIVE:
        return at.record
    record = at.record.with_hold(replace(hold, undone_at=at.now))
    if workload.exists and workload.replicas != hold.before:
        text = f"{hold.object_name} stays at {workload.replicas} replicas, which somebody else has set"
        text += f"; before the drill it had {hold.before}"
        return record.note(at.now, "Undone", f"{hold.name}: {text}", warning=True)
    text = f"{hold.object_name} is back at {hold.before} replicas" if workload.exists else "its workload is gone"
    return record.note(at.now, "Undone", f"{hold.name}: {text}")


def _witnesses_gone(at: Situation) -> bool:
    lives = [life for name, life in at.world.agents.items() if name.startswith("witness-")]
    return not lives or all(life.value in {"Absent", "Ended"} for life in lives)


def _overdue(at: Situation, hold: Hold, asked: float, what: str) -> Record:
    if at.now < asked + budgets.UNDO or at.record.faults_cleared is False:
        return at.record
    record = replace(at.record, faults_cleared=False)
    why = f"{hold.name}: {what}; {_error(at, hold)}".rstrip("; ")
    return record.note(at.now, "FaultsNotCleared", why, warning=True)
