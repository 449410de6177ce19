"""The phase of a judged drill: it keeps the samples, cleans up and reports."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import budgets
from gameday.engine.drill import commands as do
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.situation import Situation
from gameday.model.plan import Plan
from gameday.model.record import NOT_KEPT, Keeping, Record
from gameday.model.world import Life, Lock, World

UNREAD = "the API server did not take them in time"


def decide(at: Situation) -> Record:
    """Record what became of the samples, and that the GameDay shows the verdict."""
    record = _kept(at)
    return replace(record, reported=True) if at.world.reported and not record.reported else record


def commands(plan: Plan | None, record: Record, world: World) -> Iterator[do.Command]:
    """Take away the fuses, keep the samples, take away the agents, then free the lock, then report."""
    # Of a Drill that is deleted Kubernetes itself takes the agents, which it owns: what we may not do holds up nothing.
    collected = world.deleted and do.key_of(do.StopAgents()) in world.errors
    for change in record.changes:
        if not change.open and world.fuse(change.fuse_name).uid is not None:
            yield do.RemoveFuse(change)
    if _are_to_be_kept(plan, record, world):
        # Before the agents are deleted: after a crash the next process reads their logs again.
        if world.read_again:
            yield do.KeepSamples()
    elif any(life is not Life.ABSENT for life in (*world.agents.values(), *world.closers.values())) and not collected:
        yield do.StopAgents()
    elif world.arriving:
        return
    elif world.lock in {Lock.HELD, Lock.UNKNOWN} and record.faults_cleared is not False:
        yield do.FreeLock()
    else:
        yield from _report(record, world)


def _are_to_be_kept(plan: Plan | None, record: Record, world: World) -> bool:
    """Whether there are samples of which it is not decided yet what becomes of them: a Drill that goes takes them."""
    measured = record.steady_from is not None and plan is not None and bool(plan.probes)
    return measured and record.keeping is None and not record.reported and not world.deleted


def _kept(at: Situation) -> Record:
    record, world = at.record, at.world
    if not _are_to_be_kept(at.plan, record, world):
        return record
    keeping = world.keeping
    ended = record.finished_at if record.finished_at is not None else record.since
    if keeping is None and at.now > max(ended, world.resumed_at) + budgets.KEEP:
        keeping = Keeping(kept=False, why=do.error_of(world.errors, do.KeepSamples()) or UNREAD)
    if keeping is None:
        return record
    record = replace(record, keeping=keeping)
    return record if keeping.kept or not keeping.why else record.note(at.now, NOT_KEPT, keeping.why, warning=True)


def _report(record: Record, world: World) -> Iterator[do.Command]:
    """Update the GameDay before the finalizer is removed: a process killed in between leaves both to the next one."""
    if not record.reported:
        yield do.UpdateGameDay()
    # What cannot be written for a while must not keep a Drill from being deleted.
    stalled = bool(record.obstacle) and do.key_of(do.UpdateGameDay()) in world.errors
    if (record.reported or stalled) and world.finalizer and record.faults_cleared is not False:
        yield do.LetGo()


RULES = PhaseRules(decide, commands, {})
