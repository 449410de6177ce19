"""Mitigations: what the team does under the fault when a condition holds, as its runbook says.

They act from the proof of the last fault to the end of the recovery, each at most once and one after another::

    proven --when true for `for`--> begun --first step requested--> acted --all steps done--> ended
                                      `------- a step fails, or `within` is over: the drill ends ----> ...

That a mitigation has begun is saved before its first step, so no later process begins it again. What a step changed
stays as the steps of a rollback have it: until a later step of the list takes it back, or the drill ends. An unknown
condition is not true, and so is one that was true and is not any more, or not known of late.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gameday.engine.drill import commands as do
from gameday.engine.drill import steps
from gameday.engine.drill.context import Context
from gameday.engine.evidence.runs import run_until_now
from gameday.model.observation import Observation
from gameday.model.plan import Mitigation, Plan, Step
from gameday.model.record import DrillRecord, MitigationEntry, Reason

BEGUN: Final = "MitigationBegun"
ENDED: Final = "MitigationDone"


def carry_on(ctx: Context, *, begins: bool = True) -> DrillRecord:
    """Go on with the mitigation that is under way, or begin the first whose condition holds, where one may begin."""
    if (ended := steps.lost(ctx)) is not None:
        return ended
    entry, mitigation = _under_way(ctx.record, ctx.plan)
    if entry is None or mitigation is None:
        return _begin(ctx) if begins and ctx.record.outage_started_at is not None else ctx.record
    every = steps.Steps(mitigation.steps, Reason.MITIGATION_FAILED, entry.at + mitigation.within, mitigation.within)
    going = every.go_on(ctx)
    entry = _seen(ctx, entry, mitigation)
    if going is not None:
        return _acted(going, entry, mitigation)
    record = ctx.record.with_mitigation(replace(entry, ended_at=ctx.now))
    return record.note(ctx.now, ENDED, f"{mitigation.name}: all its steps are done")


def under_way(ctx: Context) -> bool:
    """Whether a mitigation has begun and is not done: the recovery waits for it, for its ``within`` at most."""
    return _under_way(ctx.record, ctx.plan)[0] is not None


def commands(plan: Plan | None, record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    """The commands of the step that is next."""
    if plan is not None:
        _, mitigation = _under_way(record, plan)
        yield from steps.commands(mitigation.steps if mitigation is not None else (), record, observed)


def _under_way(record: DrillRecord, plan: Plan) -> tuple[MitigationEntry | None, Mitigation | None]:
    known = {one.name: one for one in plan.mitigations}
    entry = next((one for one in record.mitigations if one.ended_at is None and one.name in known), None)
    return entry, known.get(entry.name) if entry is not None else None


def _begin(ctx: Context) -> DrillRecord:
    for mitigation in ctx.plan.mitigations:
        if ctx.record.mitigation(mitigation.name) is None and (since := _true_since(ctx, mitigation)) is not None:
            record = ctx.record.with_mitigation(MitigationEntry(mitigation.name, ctx.now))
            why = f"{mitigation.name}: {mitigation.when} is true since {max(0.0, ctx.now - since):.1f} s"
            return record.note(ctx.now, BEGUN, why, warning=True)
    return ctx.record


def _true_since(ctx: Context, mitigation: Mitigation) -> float | None:
    """Since when its condition is true without a break until now, where that is for long enough; else None."""
    asked = ctx.record.inject_requested_at
    if asked is None:
        return None
    series = ctx.evidence.track_of(mitigation.when, asked, asked)
    first = run_until_now(series, asked, ctx.now)
    if first is None or series.evaluations[-1].sent - first.sent < mitigation.holds:
        return None
    return first.sent


def _seen(ctx: Context, entry: MitigationEntry, mitigation: Mitigation) -> MitigationEntry:
    """The entry with the time by which something that a step requested was surely carried out, once it was."""
    if entry.acted_at is None or entry.seen_at is not None:
        return entry
    carried_out = any(_carried_out(ctx, step) for step in mitigation.steps)
    return replace(entry, seen_at=ctx.now) if carried_out else entry


def _carried_out(ctx: Context, step: Step) -> bool:
    """Whether something of a step surely was carried out: its kind says so, of what the record says was requested."""
    if not step.action.REVERSIBLE:
        return ctx.record.step(step.name) is not None and ctx.observed.run(step.name).carried_out
    change = ctx.record.change(step.name)
    return change is not None and change.touched and ctx.observed.change(step.name).carried_out


def _acted(record: DrillRecord, entry: MitigationEntry, mitigation: Mitigation) -> DrillRecord:
    """The record with the time at which the first step was requested, once it was."""
    if entry.acted_at is not None:
        return record.with_mitigation(entry)
    times = [change.requested_at for step in mitigation.steps if (change := record.change(step.name)) is not None]
    times += [known.at for step in mitigation.steps if not step.action.REVERSIBLE and (known := record.step(step.name))]
    acted = min((at for at in times if at is not None), default=None)
    return record.with_mitigation(replace(entry, acted_at=acted)) if acted is not None else record
