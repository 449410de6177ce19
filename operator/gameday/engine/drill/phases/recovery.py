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
from gameday.engine.drill.verdict import MET, to_repair
from gameday.engine.drill.windows import recovery_window
from gameday.model.observation import Observation
from gameday.model.plan import Expectation, Mode, Plan, Stage
from gameday.model.record import DrillRecord, Phase, Reason, ResultState


def decide(ctx: Context) -> DrillRecord:
    """Wait for the verified undo, then for the system."""
    record = ctx.record
    if record.recovery_started_at is None:
        ctx = ctx.with_record(mitigations.carry_on(ctx))
        return ctx.record if ctx.record.finishing else _undone(ctx)
    for proof in effects.proofs(ctx):
        if (end := proof.troubled_after(record.recovery_started_at)) is not None:
            return end_inconclusive(ctx, *end)
    ctx = ctx.with_record(judge(ctx, record.recovery_started_at, again=False))
    over = ctx.now > record.recovery_started_at + timeouts.longest_wait(ctx.plan, ctx.plan.recovery.within)
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
    started_at = max((end.at for end in known), default=ctx.now)
    earliest = max((end.at - end.resolution for end in known), default=started_at)
    record = replace(ctx.record, recovery_started_at=started_at, recovery_start_resolution=started_at - earliest)
    who = (
        "witnesses reached the target again"
        if any(f.action.WITNESSED for f in ctx.plan.outage.faults)
        else "the faults were undone"
    )
    return record.note(ctx.now, "CutReverted", f"{who} {started_at - asked:.2f} s after the undo request")


def judge(ctx: Context, started_at: float, *, again: bool) -> DrillRecord:
    """An ``always`` lasts until every ``eventually`` is decided, or for the whole stage when it stands alone.

    One that was true before the start is decided at the start at the earliest: what was asked of it counts from there.
    """
    window = recovery_window(ctx, again=again)
    ends: float | None = started_at + window.length
    if any(map(_timed, ctx.plan.recovery.expect)):
        # Before any always, so that these are held against what was sent until the end alone.
        ctx = ctx.with_record(decide_stage(ctx, Stage.RECOVERY, window, again=again, only=_timed))
        decided = timed_complete(ctx, Stage.RECOVERY, again=again)
        ends = _decided_at(ctx, started_at, again=again) if decided else None
    return decide_stage(ctx, Stage.RECOVERY, replace(window, ends_at=ends), again=again)


def _timed(expectation: Expectation) -> bool:
    return expectation.mode is Mode.EVENTUALLY


def _decided_at(ctx: Context, started_at: float, *, again: bool) -> float:
    """When the last ``eventually`` was decided, in Unix seconds: one that is met, once it has held for its ``for``."""
    ends = started_at
    for expectation in ctx.plan.recovery.expect:
        result = ctx.record.result(Stage.RECOVERY, expectation.name, again=again)
        if result is None or not _timed(expectation):
            continue
        # A result with a mitigation was met as well, whatever it came to: its time is when it began to be true.
        held = expectation.holds if result.state in MET or result.by else 0.0
        ends = max(ends, max(result.at, started_at) + held)
    return ends


RULES = PhaseRules(
    decide,
    commands,
    {
        Phase.ROLLBACK: "an expectation of ifMissed is missed",
        Phase.FINISHED: "the recovery is judged / it ends early",
    },
)
