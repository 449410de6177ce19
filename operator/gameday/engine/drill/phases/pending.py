"""The phase in which a drill waits for its GameDay, for the administrator and for the namespace."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import commands as do
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.context import Context
from gameday.engine.drill.permission import blocked_by
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.stop_conditions import end_inconclusive
from gameday.model.observation import Lock, Observation, Planned
from gameday.model.plan import Plan
from gameday.model.record import DrillRecord, Phase, Reason


def decide(ctx: Context) -> DrillRecord:
    """Wait for the GameDay, for the administrator and for the namespace, until ``startBefore``."""
    observed, now = ctx.observed, ctx.now
    match observed.planned:
        case Planned.INVALID:
            return end_inconclusive(ctx, Reason.GAME_DAY_INVALID, observed.planned_why, now)
        case Planned.TOO_BIG:
            return end_inconclusive(ctx, Reason.PLAN_TOO_BIG, observed.planned_why, now)
        case Planned.ABSENT | Planned.DELETED:
            if now > observed.start_before:
                return end_inconclusive(
                    ctx,
                    Reason.NO_GAME_DAY,
                    observed.planned_why
                    or "its GameDay did not exist by startBefore; create it, then create a new Drill",
                    now,
                )
            return ctx.record
        case Planned.FROZEN:
            pass
    if (hindered := blocked_by(observed)) is not None:
        return _wait(ctx, *hindered)
    match observed.lock:
        case Lock.HELD:
            record = replace(ctx.record, started_at=now, waiting=None)
            return record.enter(Phase.PREFLIGHT, now, "running the preflight checks")
        case Lock.BUSY:
            return _wait(
                ctx, Reason.BUSY, f"{observed.locked_by} holds the namespace; only one drill may run in it at a time"
            )
        case Lock.FULL:
            return _wait(ctx, Reason.TOO_MANY_DRILLS, observed.locked_by)
        case Lock.TAKEN:
            return _wait(ctx, Reason.BUSY, observed.locked_by)
        case Lock.UNKNOWN | Lock.FREE:
            if now > observed.start_before:
                error = error_of(observed.errors, do.AcquireLock())
                cause = error or "see that the operator runs, then create a new Drill"
                why = f"startBefore passed before the operator could start it: {cause}"
                return end_inconclusive(ctx, Reason.TOO_LATE, why, now)
            return replace(ctx.record, waiting=None)


def commands(_plan: Plan | None, _record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    """Request the lock only if nothing else prevents the drill from starting."""
    held = observed.lock is Lock.HELD
    if blocked_by(observed) is not None:
        yield from [do.ReleaseLock()] if held else []
    elif observed.planned is Planned.FROZEN and not held:
        yield do.AcquireLock()


def _wait(ctx: Context, reason: Reason, why: str) -> DrillRecord:
    if ctx.now > ctx.observed.start_before:
        return end_inconclusive(ctx, reason, why, ctx.now)
    return ctx.record.wait(reason, why, ctx.now)


RULES = PhaseRules(
    decide,
    commands,
    {
        Phase.PREFLIGHT: "nothing blocks it, and it holds the lock",
        Phase.FINISHED: "it ends early",
    },
)
