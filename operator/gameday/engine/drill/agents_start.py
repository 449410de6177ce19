"""Whether the agents that a drill starts measure, and what is wrong where they do not."""

from typing import Final

from gameday.engine.drill import commands as do
from gameday.engine.drill import effects, timeouts
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.context import Context
from gameday.engine.drill.stop_conditions import end_inconclusive
from gameday.model.observation import Life
from gameday.model.record import DrillRecord, Reason


def measuring(ctx: Context) -> bool:
    """Whether every agent runs, every probe has given a sample, and all that is to prove a fault can."""
    seen = _running(ctx) and ctx.evidence.all_probes_seen()
    return seen and all(proof.ready() for proof in effects.proofs(ctx))


def given_up(ctx: Context) -> DrillRecord | None:
    """The record of a drill whose agents will not measure, or took too long; None while they may."""
    for proof in effects.proofs(ctx) if _running(ctx) else ():
        if (end := proof.stuck()) is not None:
            return end_inconclusive(ctx, *end)
    if ctx.now > ctx.record.since + timeouts.AGENTS:
        return end_inconclusive(ctx, Reason.AGENTS_NOT_READY, _not_ready(ctx), ctx.now)
    return None


def _lives(ctx: Context) -> dict[str, Life]:
    return {name: ctx.observed.agents.get(name, Life.ABSENT) for name in ctx.observed.agents_wanted}


def _running(ctx: Context) -> bool:
    lives = _lives(ctx)
    return bool(lives) and all(life is Life.RUNNING for life in lives.values())


_SEE: Final = "see `kubectl get pods,events` of the namespace: image pulls, quotas and admission are the usual causes"


def _not_ready(ctx: Context) -> str:
    error = error_of(ctx.observed.errors, do.StartAgents())
    if error:
        return f"the agents could not be started: {error}"
    waiting = [f"{name} {life.value}" for name, life in sorted(_lives(ctx).items()) if life is not Life.RUNNING]
    if waiting:
        return f"not every agent was running after {timeouts.AGENTS:.0f} s: {', '.join(waiting)}; {_SEE}"
    if not ctx.evidence.all_probes_seen():
        return f"not every probe had sent a sample after {timeouts.AGENTS:.0f} s; {_SEE}"
    return next((why for proof in effects.proofs(ctx) if (why := proof.waits_for())), "")
