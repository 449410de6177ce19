"""The phase that measures the system as it is; nothing is touched yet, and only a steady system will be."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import agents_start, connections, effects, timeouts
from gameday.engine.drill import commands as do
from gameday.engine.drill.context import Context
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.results import complete, decide_stage
from gameday.engine.drill.stop_conditions import end_inconclusive
from gameday.engine.drill.undo_log import registered
from gameday.engine.drill.windows import steady_window
from gameday.model import names
from gameday.model.change import Presence
from gameday.model.observation import Observation
from gameday.model.plan import Plan, Stage
from gameday.model.record import DrillRecord, Phase, Reason, ResultState


def decide(ctx: Context) -> DrillRecord:
    """Measure the system as it is; only a steady one is touched."""
    record = ctx.record
    if record.steady_from is None:
        return _agents_ready(ctx)
    since, ends = record.steady_from, record.steady_from + ctx.plan.steady_state.duration
    for proof in effects.proofs(ctx):
        if (end := proof.troubled_before(since)) is not None:
            return end_inconclusive(ctx, *end)
    window = steady_window(ctx)
    ctx = ctx.with_record(decide_stage(ctx, Stage.STEADY_STATE, window))
    for result in ctx.record.results:
        if result.stage is Stage.STEADY_STATE and result.state in {ResultState.MISSED, ResultState.UNKNOWN}:
            reason = Reason.NOT_STEADY if result.state is ResultState.MISSED else Reason.UNKNOWN_RESULT
            why = f"{result.name}: {result.why or result.state.value}; nothing was touched"
            return end_inconclusive(ctx, reason, why, result.at)
    over = window.late(ends) or ctx.evidence.passed(Stage.STEADY_STATE, window)
    if ctx.now < ends or not over or not complete(ctx, Stage.STEADY_STATE):
        return ctx.record
    return _go(ctx, since, ends)


def commands(_plan: Plan | None, record: DrillRecord, _observed: Observation) -> Iterator[do.Command]:
    """Start the agents, until all of them measure."""
    if record.steady_from is None:
        yield do.StartAgents()


def _agents_ready(ctx: Context) -> DrillRecord:
    if agents_start.measuring(ctx):
        record = replace(ctx.record, steady_from=ctx.now)
        count = len(ctx.observed.agents_wanted)
        running = "1 agent is" if count == 1 else f"{count} agents are"
        return record.note(ctx.now, "AgentsReady", f"{running} running; the steady state begins")
    return agents_start.given_up(ctx) or agents_start.waited(ctx)


def _go(ctx: Context, since: float, ends: float) -> DrillRecord:
    baseline = ctx.evidence.means(since, ends)
    found = ctx.evidence.check_expressions(baseline, since)
    if found.wrong:
        return end_inconclusive(ctx, Reason.EXPRESSION_FAILED, "; ".join((*found.wrong, *found.already)), ctx.now)
    # A fault that is there already makes expectations true as well: it is told first.
    # A step that is seen before it is taken, or whose undo could never be seen, would keep the namespace locked.
    for proof in (*effects.proofs(ctx), *effects.step_proofs(ctx)):
        if (end := proof.unsteady(since)) is not None:
            return end_inconclusive(ctx, *end)
    if found.already:
        return end_inconclusive(ctx, Reason.ALREADY_TRUE, "; ".join(found.already), ctx.now)
    for proof in effects.proofs(ctx):
        if (end := proof.unknown_at(ctx.now)) is not None:
            return end_inconclusive(ctx, *end)
    record = replace(ctx.record, baseline=baseline, expressions_tried_at=ctx.now)
    for warning in found.doubtful:
        record = record.note(ctx.now, "ExpressionWarning", warning, warning=True)
    for why in filter(None, (proof.unproven() for proof in effects.proofs(ctx))):
        record = record.note(ctx.now, "NothingAnswers", why, warning=True)
    for warning in connections.doubtful(ctx):
        record = record.note(ctx.now, "ProofWarning", warning, warning=True)
    for fault in ctx.plan.outage.faults:
        seen = ctx.observed.change(fault.name)
        if not seen.known and ctx.now <= max(ends, ctx.observed.resumed_at) + timeouts.LIST:
            return ctx.record
        if seen.presence is not Presence.ABSENT:
            why = seen.detail or seen.shown or ctx.observed.explained("the object that it changes could not be read")
            return end_inconclusive(
                ctx, Reason.INJECTION_FAILED, f"fault {fault.name}: {why}; nothing was touched", ctx.now
            )
        fuse = names.fault_fuse(ctx.observed.drill, fault.name, alone=len(ctx.plan.outage.faults) == 1)
        fuse = "" if seen.by_hand else fuse
        record = record.with_change(registered(fault.name, fault.action, seen, fuse, ctx.now))
    return record.enter(Phase.OUTAGE, ctx.now, "the steady state is met; arming the fuse")


RULES = PhaseRules(
    decide,
    commands,
    {
        Phase.OUTAGE: "every expectation of the steady state is met",
        Phase.FINISHED: "it ends early",
    },
)
