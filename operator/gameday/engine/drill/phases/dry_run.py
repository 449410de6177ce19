"""A dry run in the place of the steady state: agents measure once, nothing is changed, and there is no verdict.

It goes as far as a drill goes before its first change, and no rule of it leads to the phases that change something.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gameday.engine.drill import agents_start, connections, timeouts
from gameday.engine.drill import commands as do
from gameday.engine.drill.context import Context
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.stop_conditions import end_inconclusive
from gameday.model.dry_run import DryRun
from gameday.model.observation import Observation
from gameday.model.plan import Plan
from gameday.model.record import DrillRecord, Phase, Reason

PLANNED = "nothing refuses a drill now; the dry run changed nothing"


COUNTED_WITHIN: Final = 30.0
"""Seconds from the agents' start in which connections must have been counted: a new pod's first tries may fail."""


def decide(ctx: Context) -> DrillRecord:
    """End once every probe has answered and every witness and control gets through, or will not.

    What would refuse a drill because a probe's pod has only just started is waited for.
    """
    if not agents_start.measuring(ctx):
        return agents_start.given_up(ctx) or agents_start.waited(ctx)
    dry_run, read = ctx.record.dry_run or DryRun(), ctx.evidence.readings(ctx.record.since, ctx.now)
    if read.unsettled and ctx.now <= ctx.record.since + timeouts.AGENTS:
        return ctx.record
    if not connections.counted(ctx) and ctx.now <= ctx.record.since + COUNTED_WITHIN:
        return ctx.record
    found = replace(
        dry_run,
        refusals=(*dry_run.refusals, *read.refusals),
        warnings=(*dry_run.warnings, *read.warnings, *connections.uncounted(ctx)),
        probes=read.probes,
        expectations=read.expectations,
    )
    record = replace(ctx.record, dry_run=found)
    if found.refusals:
        return end_inconclusive(ctx.with_record(record), Reason.NOT_STEADY, "; ".join(found.refusals), ctx.now)
    return replace(record, finishing=True)


def commands(_plan: Plan | None, _record: DrillRecord, _observed: Observation) -> Iterator[do.Command]:
    """Start the agents."""
    yield do.StartAgents()


def finished(record: DrillRecord, dry_run: DryRun, now: float) -> DrillRecord:
    """The record of a dry run that is over: planned, refused, or ended by a person before it could tell."""
    reason, message = Reason.PLANNED, PLANNED
    if record.aborted is not None:
        reason, message = record.aborted, record.aborted_why
    elif record.doubts:
        reason, message = Reason.REFUSED, record.doubts[0].message
    refusals = dry_run.refusals or tuple(f"{doubt.cause.value}: {doubt.message}" for doubt in record.doubts)
    ended = replace(
        record,
        dry_run=replace(dry_run, refusals=refusals),
        faults_cleared=True,
        finished_at=now,
        reason=reason.value,
        message=message,
        # A GameDay shows its drills, and no dry run.
        reported=True,
    )
    return ended.enter(Phase.FINISHED, now, f"{reason.value}: {message}")


RULES = PhaseRules(decide, commands, {Phase.FINISHED: "the dry run is over"})
