"""The phase that looks for what would refuse the drill; nothing is touched yet."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import budgets
from gameday.engine.drill import commands as do
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.interrupts import give_up
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.situation import Situation
from gameday.model.plan import Plan
from gameday.model.record import Cause, Phase, Record
from gameday.model.world import Preflight, World


def decide(at: Situation) -> Record:
    """Refuse with every finding at once, warnings too, or go on; nothing was touched either way."""
    found = at.world.preflight
    if found is None:
        if at.now > max(at.record.since, at.world.resumed_at) + budgets.PREFLIGHT:
            error = error_of(at.world.errors, do.CheckPreflight()) or "the API server did not answer"
            return give_up(at, Cause.PREFLIGHT_FAILED, f"the preflight checks did not end in time: {error}", at.now)
        return at.record
    if found.refusals:
        return give_up(at.knowing(_warned(at, found)), Cause.PREFLIGHT_FAILED, "; ".join(found.refusals), at.now)
    if found.rolling:
        return _await_rollout(at, ", ".join(found.rolling))
    return _warned(at, found).enter(Phase.STEADY_STATE, at.now, "starting the agents")


def commands(_plan: Plan | None, _record: Record, world: World) -> Iterator[do.Command]:
    """Check the namespace, and check again if it has changed."""
    if world.preflight is None or world.look_again:
        yield do.CheckPreflight()


def _warned(at: Situation, found: Preflight) -> Record:
    record = replace(at.record, warnings=found.warnings)
    for warning in found.warnings:
        record = record.note(at.now, "PreflightWarning", warning, warning=True)
    return record


def _await_rollout(at: Situation, who: str) -> Record:
    """Targets that are being replaced are no subject for a drill: wait for them as long as it may still start."""
    if at.now > at.world.start_before:
        why = (
            f"{who} was still rolling out when startBefore passed; nothing was touched; create a new Drill "
            "after the rollout"
        )
        return give_up(at, Cause.ROLLOUT_IN_PROGRESS, why, at.now)
    if any(line.reason == Cause.ROLLOUT_IN_PROGRESS.value for line in at.record.timeline):
        return at.record
    return at.record.note(at.now, Cause.ROLLOUT_IN_PROGRESS.value, f"waiting for the rollout of {who} to end")


RULES = PhaseRules(
    decide,
    commands,
    {
        Phase.STEADY_STATE: "every check passed",
        Phase.FINISHED: "it ends early",
    },
)
