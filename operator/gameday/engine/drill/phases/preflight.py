"""The phase that looks for what would refuse the drill; nothing is touched yet."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import commands as do
from gameday.engine.drill import timeouts
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.context import Context
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.stop_conditions import end_inconclusive
from gameday.model.observation import Observation, Preflight
from gameday.model.plan import Plan
from gameday.model.record import DrillRecord, Phase, Reason


def decide(ctx: Context) -> DrillRecord:
    """Refuse with every finding at once, warnings too, or go on; nothing was touched either way."""
    found = ctx.observed.preflight
    if found is None:
        if ctx.now > max(ctx.record.since, ctx.observed.resumed_at) + timeouts.PREFLIGHT:
            error = error_of(ctx.observed.errors, do.CheckPreflight()) or "the API server did not answer"
            return end_inconclusive(
                ctx, Reason.PREFLIGHT_FAILED, f"the preflight checks did not end in time: {error}", ctx.now
            )
        return ctx.record
    ctx = ctx.with_record(_with_findings(ctx.record, found))
    if found.refusals:
        return end_inconclusive(
            ctx.with_record(_warned(ctx, found)), Reason.PREFLIGHT_FAILED, "; ".join(found.refusals), ctx.now
        )
    if found.rolling and ctx.record.dry_run is not None:
        why = f"{', '.join(found.rolling)} is rolling out, and a drill would wait for that: plan again afterwards"
        return end_inconclusive(ctx, Reason.ROLLOUT_IN_PROGRESS, why, ctx.now)
    if found.rolling:
        return _await_rollout(ctx, ", ".join(found.rolling))
    return _warned(ctx, found).enter(Phase.STEADY_STATE, ctx.now, "starting the agents")


def commands(_plan: Plan | None, _record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    """Check the namespace, and check again if it has changed."""
    if observed.preflight is None or observed.look_again:
        yield do.CheckPreflight()


def _with_findings(record: DrillRecord, found: Preflight) -> DrillRecord:
    """The record with what runs in the targets, and with what a dry run is to show."""
    dry_run = found.dry_run if record.dry_run is not None and found.dry_run else record.dry_run
    return replace(record, targets=found.targets, dry_run=dry_run)


def _warned(ctx: Context, found: Preflight) -> DrillRecord:
    record = replace(ctx.record, warnings=found.warnings)
    for warning in found.warnings:
        record = record.note(ctx.now, "PreflightWarning", warning, warning=True)
    return record


def _await_rollout(ctx: Context, who: str) -> DrillRecord:
    """Targets that are being replaced are no subject for a drill: wait for them as long as it may still start."""
    if ctx.now > ctx.observed.start_before:
        why = (
            f"{who} was still rolling out when startBefore passed; nothing was touched; create a new Drill "
            "after the rollout"
        )
        return end_inconclusive(ctx, Reason.ROLLOUT_IN_PROGRESS, why, ctx.now)
    if any(line.reason == Reason.ROLLOUT_IN_PROGRESS.value for line in ctx.record.timeline):
        return ctx.record
    return ctx.record.note(ctx.now, Reason.ROLLOUT_IN_PROGRESS.value, f"waiting for the rollout of {who} to end")


RULES = PhaseRules(
    decide,
    commands,
    {
        Phase.STEADY_STATE: "every check passed",
        Phase.FINISHED: "it ends early",
    },
)
