"""The phase under the faults: arm, apply, prove, close connections, then hold for the planned time."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import commands as do
from gameday.engine.drill import connections, effects, mitigations, timeouts
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.context import Context
from gameday.engine.drill.limits import of_moment, of_plan
from gameday.engine.drill.permission import blocked_by
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.results import decide_stage, end_stage
from gameday.engine.drill.stop_conditions import end_inconclusive, guardrail_tripped, proof_broken
from gameday.engine.drill.undo_commands import undo_commands_for
from gameday.engine.drill.undo_log import ask_undo_of_faults, of_faults
from gameday.engine.drill.windows import outage_window
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.observation import Observation
from gameday.model.plan import Expectation, Plan, Stage
from gameday.model.record import DrillRecord, Phase, Reason


def decide(ctx: Context) -> DrillRecord:
    """Carry the cut through; every way out of here asks for its undo."""
    if (broken := proof_broken(ctx)) is not None:
        return broken
    record = ctx.record
    if record.inject_requested_at is None:
        return _arm(ctx)
    if (stopped := _injecting(ctx)) is not None:
        return stopped
    # A guardrail counts for as long as the faults stand, which is a moment longer than the outage was to last.
    ctx = ctx.with_record(decide_stage(ctx, Stage.OUTAGE, outage_window(ctx), only=_guards))
    if (tripped := guardrail_tripped(ctx, outage_window(ctx))) is not None:
        return tripped
    began = record.outage_started_at
    if began is not None and (looked := connections.look(ctx, began)) is not record:
        return looked
    ends = began + ctx.plan.outage.duration if began is not None else None
    ctx = ctx.with_record(decide_stage(ctx, Stage.OUTAGE, outage_window(ctx, ends), only=lambda one: not _guards(one)))
    if began is None:
        return _prove(ctx)
    if ctx.record is not record:
        return ctx.record
    ctx = ctx.with_record(mitigations.carry_on(ctx, begins=ctx.now < began + ctx.plan.outage.duration))
    return ctx.record if ctx.record.finishing else _hold(ctx, began)


def _guards(expectation: Expectation) -> bool:
    return expectation.guardrail


def commands(plan: Plan | None, record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    """Make the changes of the undo log, take the steps of mitigations, and close connections once that is requested."""
    yield from undo_commands_for(record, observed)
    yield from mitigations.commands(plan, record, observed)
    yield from (
        do.CloseConnections(fault) for fault in connections.asked(record) if fault not in observed.connections_closed
    )


def _arm(ctx: Context) -> DrillRecord:
    if (held := _held_back(ctx, ctx.record.since)) is not None:
        return held
    if all(change.state is ChangeState.ARMED for change in of_faults(ctx.record, ctx.plan)):
        return _request(ctx, of_faults(ctx.record, ctx.plan)[0])
    if ctx.now > ctx.record.since + timeouts.ARM:
        asked = map(do.ArmFuse, of_faults(ctx.record, ctx.plan))
        error = error_of(ctx.observed.errors, *asked) or _trouble(ctx) or "its Job has no start time"
        return end_inconclusive(
            ctx, Reason.FUSE_NOT_ARMED, f"nothing was changed, because the fuse could not be armed: {error}", ctx.now
        )
    return ctx.record


def _trouble(ctx: Context) -> str:
    """What the pod of a fuse that is not armed says of its dry run, or what keeps that pod from running, or ""."""
    waiting = (one for one in of_faults(ctx.record, ctx.plan) if one.state is ChangeState.REGISTERED)
    seen = [ctx.observed.fuse(one.fuse_name) for one in waiting]
    said = (*(fuse.trouble for fuse in seen), *(f"its pod does not run: {fuse.waits}" for fuse in seen if fuse.waits))
    return next(filter(None, said), "")


def _request(ctx: Context, change: Change) -> DrillRecord:
    """Ask for the change of a fault; the first one's request is the drill's."""
    seen = ctx.observed.change(change.name)
    if not seen.known:
        # The steady state ended with all of it known: this process has not listed it yet.
        if ctx.now <= ctx.observed.resumed_at + timeouts.LIST:
            return ctx.record
        why = ctx.observed.explained(f"fault {change.name}: the object that it changes could not be read")
        return end_inconclusive(ctx, Reason.INJECTION_FAILED, why, ctx.now)
    # The drill has changed nothing yet: what looks like the fault is somebody else's, and would be reverted as its own.
    if seen.there or seen.presence is Presence.GONE:
        why = (
            f"fault {change.name}: somebody changed {change.object_kind} {change.object_name} before the "
            f"fault was applied: it {seen.detail}"
        )
        return end_inconclusive(ctx, Reason.CUT_CHANGED, why, ctx.now)
    record = ctx.record.with_change(replace(change, state=ChangeState.REQUESTED, requested_at=ctx.now))
    if record.inject_requested_at is None:
        record = replace(record, inject_requested_at=ctx.now)
    if seen.by_hand and not any(f.name == change.name and f.action.OUTSIDE for f in ctx.plan.outage.faults):
        return record.note(ctx.now, "ActByHand", f"{change.name}: {seen.shown}", warning=True)
    return record.note(ctx.now, "Injecting", change.object_name)


def _held_back(ctx: Context, since: float) -> DrillRecord | None:
    """The record of a drill that may not cut now, or None: what is unreadable for a moment ends nothing at once."""
    hindered = blocked_by(ctx.observed)
    if hindered is None:
        limits = ctx.observed.limits_state.limits
        exceeded = (*of_plan(limits, ctx.plan), *of_moment(limits, ctx.now))
        return end_inconclusive(ctx, Reason.LIMIT_EXCEEDED, "; ".join(exceeded), ctx.now) if exceeded else None
    return end_inconclusive(ctx, *hindered, ctx.now) if ctx.now > since + timeouts.ARM else ctx.record


def _injecting(ctx: Context) -> DrillRecord | None:
    """The record of a drill whose injection went wrong or is not certain, or None to go on."""
    for change in of_faults(ctx.record, ctx.plan):
        if change.state is not ChangeState.REQUESTED or change.requested_at is None:
            continue
        seen = ctx.observed.change(change.name)
        ours = change.requested_at >= ctx.observed.resumed_at
        proof = effects.proof_of(ctx, change.name)
        if seen.presence is Presence.ABSENT and not ours and proof.remembers:
            return _resume(ctx, change, proof.came(change.requested_at))
        if seen.presence is Presence.ABSENT and change.name in ctx.observed.made:
            return end_inconclusive(ctx, Reason.CUT_REMOVED, f"{_object(change)} was deleted by somebody else", ctx.now)
        error = error_of(ctx.observed.errors, do.Apply(change))
        if error and ctx.now > change.requested_at + timeouts.ARM:
            return end_inconclusive(ctx, Reason.INJECTION_FAILED, f"{change.object_name}: {error}", ctx.now)
    return None


def _resume(ctx: Context, change: Change, came: bool | None) -> DrillRecord:
    """Handle a fault that an earlier process requested and that is absent: never applied, or removed by somebody.

    The fault is requested again, from now, only if it is known that it was never applied.
    """
    if came:
        why = f"{_object(change)} was deleted while no operator was running"
        return end_inconclusive(ctx, Reason.CUT_REMOVED, why, ctx.now)
    if came is None:
        return ctx.record
    if (held := _held_back(ctx, ctx.observed.resumed_at)) is not None:
        return held
    record = ctx.record.with_change(replace(change, requested_at=ctx.now))
    if change is of_faults(ctx.record, ctx.plan)[0]:
        record = replace(record, inject_requested_at=ctx.now)
    return record.note(ctx.now, "Injecting", f"{change.object_name}, requested again")


def _object(change: Change) -> str:
    return f"{change.object_kind} {change.object_name}"


def _prove(ctx: Context) -> DrillRecord:
    """Prove the faults one after the other: each is requested once the one before it is proven."""
    changes = of_faults(ctx.record, ctx.plan)
    change = next(change for change in changes if change.proven_at is None)
    if change.requested_at is None:
        return _held_back(ctx, ctx.record.since) or _request(ctx, change)
    proof = effects.proof_of(ctx, change.name)
    if (effect := proof.effect(change)) is None:
        return _without_effect(ctx, change, change.requested_at, proof.lacking(change))
    proven = replace(change, proven_at=ctx.now, effect_at=effect.at, effect_resolution=effect.resolution)
    record = ctx.record.with_change(proven).note(ctx.now, "CutProven", f"{change.name}: {effect.how}")
    if (doubt := proof.doubt(proven)) is not None:
        record = record.doubt(doubt.cause, doubt.message, doubt.since, ctx.now)
    if change is not changes[-1]:
        return record
    return replace(record, outage_started_at=effect.at, outage_start_resolution=effect.resolution, proven_at=ctx.now)


def _without_effect(ctx: Context, change: Change, requested: float, lacking: str) -> DrillRecord:
    patience = effects.proof_of(ctx, change.name).patience()
    if ctx.now <= requested + patience:
        return ctx.record
    why = ctx.observed.explained(f"fault {change.name} had no effect within {patience:.0f} s: {lacking}")
    return end_inconclusive(ctx, Reason.NO_EFFECT, why, requested)


def _hold(ctx: Context, started_at: float) -> DrillRecord:
    ends = started_at + ctx.plan.outage.duration
    if ctx.now < ends:
        return ctx.record
    window = outage_window(ctx, ends)
    if not window.late(ends) and not ctx.evidence.passed(Stage.OUTAGE, window):
        return ctx.record
    if connections.awaited(ctx):
        return ctx.record
    ctx = ctx.with_record(connections.settle(ctx))
    record = end_stage(ctx, Stage.OUTAGE, outage_window(ctx, ends))
    record = record.enter(Phase.RECOVERY, ctx.now, "the outage is over; undoing the faults")
    # Where an earlier process has reverted and could not say so, the recovery began when the outage was to end.
    seen = (ctx.observed.change(change.name) for change in of_faults(record, ctx.plan))
    reverted = all(one.known and not one.there for one in seen)
    return ask_undo_of_faults(record, ctx.plan, ends if reverted else ctx.now)


RULES = PhaseRules(
    decide, commands, {Phase.RECOVERY: "the outage is over / it ends early; the faults are undone there"}
)
