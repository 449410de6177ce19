"""The phase that repairs: runs the steps in order (``steps``), then judges the recovery again."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import commands as do
from gameday.engine.drill import steps, timeouts
from gameday.engine.drill.context import Context
from gameday.engine.drill.phases.recovery import judge
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.results import complete, end_stage
from gameday.engine.drill.undo_commands import undo_commands_for
from gameday.engine.drill.verdict import MET
from gameday.engine.drill.windows import recovery_window
from gameday.model.observation import Observation
from gameday.model.plan import Plan, Stage
from gameday.model.record import DrillRecord, Phase, Reason


def decide(ctx: Context) -> DrillRecord:
    """Take the next step, or judge the system again once all are done."""
    if (ended := steps.lost(ctx)) is not None:
        return ended
    plan = ctx.plan.rollback
    if plan is None or ctx.record.rollback_done_at is not None:
        return _again(ctx)
    every = steps.Steps(plan.steps, Reason.ROLLBACK_FAILED, ctx.record.since + plan.within, plan.within)
    if (going := every.go_on(ctx)) is not None:
        return going
    record = replace(ctx.record, rollback_done_at=ctx.now)
    return record.note(ctx.now, "StepsDone", "all rollback steps are done; judging the recovery again")


def commands(plan: Plan | None, record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    """Keep to the undo log, and carry out the step that is next."""
    yield from undo_commands_for(record, observed)
    if plan is not None and plan.rollback is not None:
        yield from steps.commands(plan.rollback.steps, record, observed)


def _again(ctx: Context) -> DrillRecord:
    """Judge the recovery expectations once more, from the end of the last step."""
    started_at = ctx.record.rollback_done_at
    rollback = ctx.plan.rollback
    if started_at is None or rollback is None:
        return ctx.record
    ctx = ctx.with_record(judge(ctx, started_at, again=True))
    left = ctx.record.since + rollback.within + timeouts.grace(ctx.plan, Stage.RECOVERY)
    if ctx.now > max(left, started_at + timeouts.longest_wait(ctx.plan, 0.0)):
        window = recovery_window(ctx, again=True)
        ctx = ctx.with_record(end_stage(ctx, Stage.RECOVERY, window, "rollback.within is over", again=True))
    if not complete(ctx, Stage.RECOVERY, again=True):
        return ctx.record
    repaired = all(
        result.state in MET
        for name in rollback.if_missed
        if (result := ctx.record.result(Stage.RECOVERY, name, again=True)) is not None
    )
    word = "the rollback repaired what was missed" if repaired else "the rollback did not repair what was missed"
    record = replace(ctx.record, finishing=True, recovered_by="Rollback" if repaired else None)
    return record.note(ctx.now, "RollbackEnded", word, warning=not repaired)


RULES = PhaseRules(
    decide,
    commands,
    {
        Phase.FINISHED: "the recovery is judged again / it ends early",
    },
)
