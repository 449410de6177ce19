"""The phase after the cut: wait for the verified undo, then for the system."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import commands as do
from gameday.engine.drill import effects, mitigations, timeouts
from gameday.engine.drill.aid import helped
from gameday.engine.drill.context import Context
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.results import complete, decide_stage, end_stage, timed_complete
from gameday.engine.drill.stop_conditions import end_inconclusive, finish_early
from gameday.engine.drill.undo_commands import undo_commands_for
from gameday.engine.drill.undo_log import of_faults
from gameday.engine.drill.verdict import to_repair
from gameday.engine.drill.windows import recovery_window
from gameday.model.observation import Observation
from gameday.model.plan import Mode, Plan, Stage
from gameday.model.record import DrillRecord, Phase, Reason, ResultState


def decide(ctx: Context) -> DrillRecord:
    """Wait for the verified undo, then for the system."""
    record = ctx.record
    if record.recovery_zero is None:
        ctx = ctx.with_record(mitigations.carry_on(ctx))
        return ctx.record if ctx.record.finishing else _undone(ctx)
    for proof in effects.proofs(ctx):
        if (end := proof.troubled_after(record.recovery_zero)) is not None:
            return end_inconclusive(ctx, *end)
    ctx = ctx.with_record(judge(ctx, record.recovery_zero, again=False))
    over = ctx.now > record.recovery_zero + timeouts.longest_wait(ctx.plan.recovery.expect, ctx.plan.recovery.within)
    if over:
        ctx = ctx.with_record(
            end_stage(ctx, Stage.RECOVERY, recovery_window(ctx), "no sample arrived before the deadline")
        )
    decided = complete(ctx, Stage.RECOVERY)
    ctx = ctx.with_record(mitigations.carry_on(ctx, begins=not decided))
    if ctx.record.finishing or not decided or mitigations.under_way(ctx):
        return ctx.record
    return _decided(ctx.with_record(end_stage(ctx, Stage.RECOVERY, recovery_window(ctx, ctx.now))))


def _decided(ctx: Context) -> DrillRecord:
    """Repair what was missed, or end; what a mitigation has repaired needs no rollback, although it may be missed."""
    missed = {
        one.name
        for one in ctx.record.results
        if one.stage is Stage.RECOVERY and one.state is ResultState.MISSED and not one.by
    }
    rollback = ctx.plan.rollback
    if rollback is not None and missed & set(rollback.if_missed) and to_repair(ctx.record, ctx.plan):
        names = ", ".join(sorted(missed & set(rollback.if_missed)))
        return ctx.record.enter(Phase.ROLLBACK, ctx.now, f"missed: {names}")
    return replace(ctx.record, finishing=True, recovered_by="Mitigation" if helped(ctx.record) else None)


def commands(plan: Plan | None, record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    """Undo what the undo log says is to be undone, and take the steps of mitigations."""
    yield from undo_commands_for(record, observed)
    yield from mitigations.commands(plan, record, observed)


def _undone(ctx: Context) -> DrillRecord:
    if any(change.undone_at is None for change in of_faults(ctx.record, ctx.plan)):
        return ctx.record
    asked = ctx.record.undo_requested_at or ctx.now
    ends = [effects.proof_of(ctx, change.name).over_since(change, asked) for change in of_faults(ctx.record, ctx.plan)]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        if any(doubt.cause is Reason.UNDO_UNVERIFIED for doubt in ctx.record.doubts):
            return finish_early(ctx, "the undo could not be verified")
        why = (
            "neither witness nor control can reach the target: the dependency is down, so the recovery cannot be judged"
        )
        return end_inconclusive(ctx, Reason.DEPENDENCY_DOWN, why, asked)
    started_at = max(known, default=ctx.now)
    record = replace(ctx.record, recovery_zero=started_at)
    who = (
        "witnesses reached the target again"
        if any(f.action.WITNESSED for f in ctx.plan.outage.faults)
        else "the faults were undone"
    )
    return record.note(ctx.now, "CutLifted", f"{who} {started_at - asked:.2f} s after the undo request")


def judge(ctx: Context, started_at: float, *, again: bool) -> DrillRecord:
    """An ``always`` lasts until every ``eventually`` is decided, or for the whole stage when it stands alone."""
    window = recovery_window(ctx, again=again)
    record = decide_stage(ctx, Stage.RECOVERY, window, again=again)
    judged = ctx.with_record(record)
    timed = any(e.mode is Mode.EVENTUALLY for e in ctx.plan.recovery.expect)
    ends = _decided_at(record, again=again) if timed else started_at + window.length
    if (timed and not timed_complete(judged, Stage.RECOVERY, again=again)) or ctx.now < ends:
        return record
    return decide_stage(judged, Stage.RECOVERY, replace(window, ends_at=ends), again=again)


def _decided_at(record: DrillRecord, *, again: bool) -> float:
    ends = [r.at for r in record.results if r.stage is Stage.RECOVERY and r.again is again]
    return max(ends, default=record.since)


RULES = PhaseRules(
    decide,
    commands,
    {
        Phase.ROLLBACK: "an expectation of ifMissed is missed",
        Phase.FINISHED: "the recovery is judged / it ends early",
    },
)
