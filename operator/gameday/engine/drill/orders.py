"""Which commands follow from a record: what it says is to be done and the world does not show as done."""

from collections.abc import Iterator

from gameday.engine.drill import commands as do
from gameday.engine.drill.permission import hindrance
from gameday.engine.drill.undo_log import held
from gameday.model.change import Change, ChangeState, Presence, RunState
from gameday.model.plan import Plan
from gameday.model.record import Phase, Record, StepState
from gameday.model.world import Life, Lock, Planned, World


def orders(plan: Plan | None, record: Record, world: World) -> tuple[do.Command, ...]:
    """The commands of this moment; the record must be saved before any of them is carried out."""
    return tuple(_orders(plan, record, world))


def _orders(plan: Plan | None, record: Record, world: World) -> Iterator[do.Command]:
    if record.phase is Phase.FINISHED:
        yield from _tidy(record, world)
        return
    if record.undo_requested_at is not None and world.closer in {Life.STARTING, Life.RUNNING}:
        yield do.EndSevering()
    if record.finishing:
        yield from _undo_log(record, world)
        return
    match record.phase:
        case Phase.PENDING:
            held = world.lock is Lock.HELD
            if hindrance(world) is not None:
                yield from [do.FreeLock()] if held else []
            elif world.planned is Planned.FROZEN and not held:
                yield do.TakeLock()
        case Phase.PREFLIGHT:
            if world.preflight is None or world.look_again:
                yield do.CheckPreflight()
        case Phase.STEADY_STATE:
            if record.steady_from is None:
                yield do.StartAgents()
        case Phase.OUTAGE:
            yield from _undo_log(record, world)
            if record.sever_requested_at is not None and record.severed is None and world.severed is None:
                yield do.Sever()
        case Phase.RECOVERY:
            yield from _undo_log(record, world)
        case Phase.ROLLBACK:
            yield from _undo_log(record, world)
            yield from _steps(plan, record, world)


def _undo_log(record: Record, world: World) -> Iterator[do.Command]:
    for change in record.changes:
        match change.state:
            case ChangeState.REGISTERED if not record.finishing:
                yield do.ArmFuse(change)
            case ChangeState.REQUESTED | ChangeState.ACTIVE:
                yield from _make(change, world)
            case ChangeState.UNDOING:
                yield from _unmake(change, world)
            case _:
                pass


def _make(change: Change, world: World) -> Iterator[do.Command]:
    seen = world.change(change.name)
    if seen.presence is Presence.DRIFTED:
        yield do.Apply(change)
    elif change.state is ChangeState.REQUESTED and change.name not in world.made:
        # Of what another process asked for, and is not there, nobody knows whether it came and was taken away; only
        # where the object's version tells is it asked for again.
        ours = change.requested_at is not None and change.requested_at >= world.resumed_at
        if seen.presence is Presence.UNKNOWN:
            yield do.Read(change.name)
        elif seen.presence is Presence.ABSENT and (ours or seen.version):
            yield do.Apply(change, seen.version)


def _unmake(change: Change, world: World) -> Iterator[do.Command]:
    seen = world.change(change.name)
    if change.undone_at is not None:
        if world.fuse(change.fuse_name).uid is not None:
            yield do.RemoveFuse(change)
    elif not change.touched or change.waits:
        pass
    elif seen.presence is Presence.UNKNOWN:
        # To revert is to look first, so it need not wait until the engine sees.
        yield from (do.Read(change.name), do.Revert(change))
    elif held(change, seen):
        yield do.Revert(change)


def _steps(plan: Plan | None, record: Record, world: World) -> Iterator[do.Command]:
    for step in plan.rollback.steps if plan is not None and plan.rollback is not None else ():
        entry = next((known for known in record.steps if known.name == step.name), None)
        if entry is not None and entry.state is not StepState.INTENDED:
            continue
        if not step.action.REVERSIBLE:
            absent = world.runs.get(step.name, RunState.ABSENT) is RunState.ABSENT
            if entry is not None and absent and entry.at >= world.resumed_at:
                yield do.Run(step.name)
        elif not step.action.REVERTS and world.change(step.name).presence is Presence.UNKNOWN:
            yield do.Read(step.name)
        return


def _tidy(record: Record, world: World) -> Iterator[do.Command]:
    # Of a Drill that is deleted Kubernetes itself takes the agents, which it owns: what we may not do holds up nothing.
    collected = world.deleted and do.key_of(do.StopAgents()) in world.errors
    for change in record.changes:
        if not change.open and world.fuse(change.fuse_name).uid is not None:
            yield do.RemoveFuse(change)
    if any(life is not Life.ABSENT for life in (*world.agents.values(), world.closer)) and not collected:
        yield do.StopAgents()
    elif world.arriving:
        return
    elif world.lock in {Lock.HELD, Lock.UNKNOWN} and record.faults_cleared is not False:
        yield do.FreeLock()
    else:
        yield from _report(record, world)


def _report(record: Record, world: World) -> Iterator[do.Command]:
    """The GameDay shows the drill before our finalizer is off: whoever is killed in between leaves it to the next."""
    if not record.reported:
        yield do.UpdateGameDay()
    # What cannot be written for a while must not keep a Drill from being deleted.
    stalled = bool(record.obstacle) and do.key_of(do.UpdateGameDay()) in world.errors
    if (record.reported or stalled) and world.finalizer and record.faults_cleared is not False:
        yield do.LetGo()
