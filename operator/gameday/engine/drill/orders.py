"""Which commands follow from a record: what it says is to be done and the world does not show as done."""

from collections.abc import Iterator

from gameday.engine.drill import commands as do
from gameday.engine.drill.ownership import still_ours
from gameday.engine.drill.permission import hindrance
from gameday.model.plan import Plan, RunJob, Scale
from gameday.model.record import Hold, HoldKind, HoldState, Phase, Record, StepState
from gameday.model.world import Cut, Fuse, JobState, Life, Lock, Planned, World


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
    for hold in record.holds:
        match hold.state:
            case HoldState.REGISTERED if not record.finishing:
                yield do.ArmFuse(hold)
            case HoldState.REQUESTED | HoldState.ACTIVE:
                yield from _make(hold, world)
            case HoldState.UNDOING:
                yield from _unmake(hold, world)
            case _:
                pass


def _make(hold: Hold, world: World) -> Iterator[do.Command]:
    if hold.kind is HoldKind.NETWORK_PARTITION:
        cut = world.cuts.get(hold.name, Cut())
        ours = hold.requested_at is not None and hold.requested_at >= world.resumed_at
        awaited = hold.state is HoldState.REQUESTED and not cut.present and not cut.made
        if cut.outgrown or (awaited and ours):
            yield do.Inject(hold)
    elif hold.state is HoldState.REQUESTED and hold.wanted is not None:
        workload = world.workloads.get(hold.object_name)
        if workload is None:
            yield do.ReadWorkload(hold.object_name)
        elif workload.exists and workload.replicas == hold.before:
            yield do.ScaleTo(hold, hold.wanted, workload.version)


def _unmake(hold: Hold, world: World) -> Iterator[do.Command]:
    if hold.undone_at is not None:
        if world.fuses.get(hold.fuse_name, Fuse()).uid is not None:
            yield do.RemoveFuse(hold)
    elif not hold.touched:
        pass
    elif hold.kind is HoldKind.NETWORK_PARTITION:
        if world.cuts.get(hold.name, Cut(present=True)).present:
            yield do.Lift(hold)
    else:
        workload = world.workloads.get(hold.object_name)
        if workload is None:
            yield do.ReadWorkload(hold.object_name)
        elif still_ours(hold, workload) and hold.before is not None:
            yield do.ScaleTo(hold, hold.before)


def _steps(plan: Plan | None, record: Record, world: World) -> Iterator[do.Command]:
    for step in plan.rollback.steps if plan is not None and plan.rollback is not None else ():
        entry = next((known for known in record.steps if known.name == step.name), None)
        if entry is not None and entry.state is not StepState.INTENDED:
            continue
        if isinstance(step.action, Scale) and step.action.deployment not in world.workloads:
            yield do.ReadWorkload(step.action.deployment)
        if isinstance(step.action, RunJob) and entry is not None:
            absent = world.jobs.get(step.name, JobState.ABSENT) is JobState.ABSENT
            if absent and entry.at >= world.resumed_at:
                yield do.StartJob(step.name, step.action.from_cron_job)
        return


def _tidy(record: Record, world: World) -> Iterator[do.Command]:
    # Of a Drill that is deleted Kubernetes itself takes the agents, which it owns: what we may not do holds up nothing.
    collected = world.deleted and do.key_of(do.StopAgents()) in world.errors
    for hold in record.holds:
        if not hold.open and world.fuses.get(hold.fuse_name, Fuse()).uid is not None:
            yield do.RemoveFuse(hold)
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
