"""Whether the agents that a drill starts measure, and what is wrong where they do not."""

from typing import Final

from gameday.engine.drill import commands as do
from gameday.engine.drill import effects, timeouts
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.context import Context
from gameday.engine.drill.stop_conditions import end_inconclusive
from gameday.model.observation import Life
from gameday.model.record import AGENTS_WAITING, DrillRecord, Reason


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


SAID_AFTER: Final = (15.0, 45.0)
"""Seconds after which that is said, and said again where it is something else by then: most start in fewer."""
_SEE: Final = "see `kubectl get events` of the namespace: image pulls, quotas and admission are the usual causes"


def waited(ctx: Context) -> DrillRecord:
    """The record with what the agents wait for, once they have waited for longer than usual."""
    due = sum(ctx.now > ctx.record.since + seconds for seconds in SAID_AFTER)
    known = [line for line in ctx.record.timeline if line.reason == AGENTS_WAITING and line.at >= ctx.record.since]
    if len(known) >= due or not (waiting := _waiting(ctx)):
        return ctx.record
    text = f"these agents do not run yet: {waiting}"
    return ctx.record if any(line.message == text for line in known) else ctx.record.note(ctx.now, AGENTS_WAITING, text)


def _waiting(ctx: Context) -> str:
    """The agents that do not run, with what the cluster says of each; those of which it says the same together."""
    same: dict[str, list[str]] = {}
    for name, life in sorted(_lives(ctx).items()):
        if life is not Life.RUNNING:
            same.setdefault(ctx.observed.agent_troubles.get(name) or life.value, []).append(name)
    return "; ".join(f"{', '.join(names)}: {why}" for why, names in same.items())


def _not_ready(ctx: Context) -> str:
    error = error_of(ctx.observed.errors, do.StartAgents())
    if error:
        return f"the agents could not be started: {error}"
    if waiting := _waiting(ctx):
        known = all(life is Life.RUNNING or name in ctx.observed.agent_troubles for name, life in _lives(ctx).items())
        return f"not every agent was running after {timeouts.AGENTS:.0f} s: {waiting}{'' if known else f'; {_SEE}'}"
    if not ctx.evidence.all_probes_seen():
        return f"not every probe had sent a sample after {timeouts.AGENTS:.0f} s; {_SEE}"
    return next((why for proof in effects.proofs(ctx) if (why := proof.waits_for())), "")
