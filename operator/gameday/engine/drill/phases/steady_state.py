"""The phase that measures the system as it is; nothing is touched yet, and only a steady system will be."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import budgets, connections, effects
from gameday.engine.drill import commands as do
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.interrupts import give_up
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.results import complete, decide_stage
from gameday.engine.drill.situation import Situation
from gameday.engine.drill.undo_log import registered
from gameday.engine.drill.windows import steady_window
from gameday.model import names
from gameday.model.change import Presence
from gameday.model.plan import Plan, Stage
from gameday.model.record import Cause, Phase, Record, ResultState
from gameday.model.world import Life, World


def decide(at: Situation) -> Record:
    """Measure the system as it is; only a steady one is touched."""
    record = at.record
    if record.steady_from is None:
        return _agents_ready(at)
    since, ends = record.steady_from, record.steady_from + at.plan.steady_state.duration
    for proof in effects.proofs(at):
        if (end := proof.troubled_before(since)) is not None:
            return give_up(at, *end)
    at = at.knowing(decide_stage(at, Stage.STEADY_STATE, steady_window(at)))
    for result in at.record.results:
        if result.stage is Stage.STEADY_STATE and result.state in {ResultState.MISSED, ResultState.UNKNOWN}:
            cause = Cause.NOT_STEADY if result.state is ResultState.MISSED else Cause.UNKNOWN_RESULT
            why = f"{result.name}: {result.why or result.state.value}; nothing was touched"
            return give_up(at, cause, why, result.at)
    over = at.now > ends + budgets.GRACE or at.seen.passed(Stage.STEADY_STATE, ends)
    if at.now < ends or not over or not complete(at, Stage.STEADY_STATE):
        return at.record
    return _go(at, since, ends)


def commands(_plan: Plan | None, record: Record, _world: World) -> Iterator[do.Command]:
    """Start the agents, until all of them measure."""
    if record.steady_from is None:
        yield do.StartAgents()


def _agents_ready(at: Situation) -> Record:
    lives = {name: at.world.agents.get(name, Life.ABSENT) for name in at.world.agents_wanted}
    running = bool(lives) and all(life is Life.RUNNING for life in lives.values())
    proofs = effects.proofs(at)
    if running and at.seen.all_probes_seen() and all(proof.ready() for proof in proofs):
        record = replace(at.record, steady_from=at.now)
        return record.note(at.now, "AgentsReady", f"{len(lives)} agents are running; the steady state begins")
    for proof in proofs if running else ():
        if (end := proof.stuck()) is not None:
            return give_up(at, *end)
    if at.now > at.record.since + budgets.AGENTS:
        return give_up(at, Cause.AGENTS_NOT_READY, _not_ready(at, lives), at.now)
    return at.record


def _not_ready(at: Situation, lives: dict[str, Life]) -> str:
    error = error_of(at.world.errors, do.StartAgents())
    if error:
        return f"the agents could not be started: {error}"
    waiting = [f"{name} {life.value}" for name, life in sorted(lives.items()) if life is not Life.RUNNING]
    if waiting:
        return f"not every agent was running after {budgets.AGENTS:.0f} s: {', '.join(waiting)}"
    if not at.seen.all_probes_seen():
        return f"not every probe had sent a sample after {budgets.AGENTS:.0f} s"
    return next((why for proof in effects.proofs(at) if (why := proof.waits_for())), "")


def _go(at: Situation, since: float, ends: float) -> Record:
    baseline = at.seen.means(since, ends)
    found = at.seen.rehearse(baseline, since)
    if found.wrong:
        return give_up(at, Cause.EXPRESSION_FAILED, "; ".join((*found.wrong, *found.already)), at.now)
    # A fault that is there already makes expectations true as well: it is told first.
    for proof in effects.proofs(at):
        if (end := proof.unsteady(since)) is not None:
            return give_up(at, *end)
    if found.already:
        return give_up(at, Cause.ALREADY_TRUE, "; ".join(found.already), at.now)
    for proof in effects.proofs(at):
        if (end := proof.unknown_at(at.now)) is not None:
            return give_up(at, *end)
    record = replace(at.record, baseline=baseline, rehearsed_at=at.now)
    for warning in found.doubtful:
        record = record.note(at.now, "ExpressionWarning", warning, warning=True)
    for why in filter(None, (proof.unproven() for proof in effects.proofs(at))):
        record = record.note(at.now, "NothingAnswers", why, warning=True)
    for warning in connections.doubtful(at):
        record = record.note(at.now, "ProofWarning", warning, warning=True)
    for fault in at.plan.outage.faults:
        seen = at.world.change(fault.name)
        if seen.presence is not Presence.ABSENT:
            why = seen.detail or seen.shown or "the object that it changes could not be read"
            return give_up(at, Cause.INJECTION_FAILED, f"fault {fault.name}: {why}; nothing was touched", at.now)
        fuse = names.fault_fuse(at.world.drill, fault.name, alone=len(at.plan.outage.faults) == 1)
        fuse = "" if seen.by_hand else fuse
        record = record.with_change(registered(fault.name, fault.action, seen, fuse, at.now))
    return record.enter(Phase.OUTAGE, at.now, "the steady state is met; arming the fuse")


RULES = PhaseRules(
    decide,
    commands,
    {
        Phase.OUTAGE: "every expectation of the steady state is met",
        Phase.FINISHED: "it ends early",
    },
)
