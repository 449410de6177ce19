"""The phase of a drill that is judged: what is left is to tidy and to report."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import commands as do
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.situation import Situation
from gameday.model.plan import Plan
from gameday.model.record import Record
from gameday.model.world import Life, Lock, World


def decide(at: Situation) -> Record:
    """Record that the GameDay shows the verdict."""
    return replace(at.record, reported=True) if at.world.reported and not at.record.reported else at.record


def commands(_plan: Plan | None, record: Record, world: World) -> Iterator[do.Command]:
    """Take away the fuses and the agents, then free the lock, then report."""
    # Of a Drill that is deleted Kubernetes itself takes the agents, which it owns: what we may not do holds up nothing.
    collected = world.deleted and do.key_of(do.StopAgents()) in world.errors
    for change in record.changes:
        if not change.open and world.fuse(change.fuse_name).uid is not None:
            yield do.RemoveFuse(change)
    if any(life is not Life.ABSENT for life in (*world.agents.values(), *world.closers.values())) and not collected:
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


RULES = PhaseRules(decide, commands, {})
