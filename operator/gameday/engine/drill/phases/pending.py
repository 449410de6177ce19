"""The phase in which a drill waits for its GameDay, for the administrator and for the namespace."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import commands as do
from gameday.engine.drill.interrupts import give_up
from gameday.engine.drill.permission import hindrance
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.situation import Situation
from gameday.model.plan import Plan
from gameday.model.record import Cause, Phase, Record
from gameday.model.world import Lock, Planned, World


def decide(at: Situation) -> Record:
    """Wait for the GameDay, for the administrator and for the namespace, until ``startBefore``."""
    world, now = at.world, at.now
    match world.planned:
        case Planned.INVALID:
            return give_up(at, Cause.GAME_DAY_INVALID, world.planned_why, now)
        case Planned.TOO_BIG:
            return give_up(at, Cause.PLAN_TOO_BIG, world.planned_why, now)
        case Planned.ABSENT | Planned.DELETED:
            if now > world.start_before:
                return give_up(
                    at,
                    Cause.NO_GAME_DAY,
                    world.planned_why or "its GameDay did not exist by startBefore; create it, then create a new Drill",
                    now,
                )
            return at.record
        case Planned.FROZEN:
            pass
    if (hindered := hindrance(world)) is not None:
        return _wait(at, *hindered)
    match world.lock:
        case Lock.HELD:
            record = replace(at.record, started_at=now, waiting=None)
            return record.enter(Phase.PREFLIGHT, now, "running the preflight checks")
        case Lock.BUSY:
            return _wait(
                at, Cause.BUSY, f"{world.locked_by} holds the namespace; only one drill may run in it at a time"
            )
        case Lock.FULL:
            return _wait(at, Cause.TOO_MANY_DRILLS, world.locked_by)
        case Lock.UNKNOWN | Lock.FREE:
            if now > world.start_before:
                return give_up(
                    at, Cause.TOO_LATE, "startBefore passed before the drill could start; create a new Drill", now
                )
            return replace(at.record, waiting=None)


def commands(_plan: Plan | None, _record: Record, world: World) -> Iterator[do.Command]:
    """Request the lock only if nothing else prevents the drill from starting."""
    held = world.lock is Lock.HELD
    if hindrance(world) is not None:
        yield from [do.FreeLock()] if held else []
    elif world.planned is Planned.FROZEN and not held:
        yield do.TakeLock()


def _wait(at: Situation, cause: Cause, why: str) -> Record:
    if at.now > at.world.start_before:
        return give_up(at, cause, why, at.now)
    return at.record.wait(cause, why, at.now)


RULES = PhaseRules(
    decide,
    commands,
    {
        Phase.PREFLIGHT: "nothing blocks it, and it holds the lock",
        Phase.FINISHED: "it ends early",
    },
)
