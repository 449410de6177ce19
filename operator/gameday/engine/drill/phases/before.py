"""The phases in which nothing is touched yet: Pending, Preflight, SteadyState."""

from dataclasses import replace

from gameday.engine.drill import budgets, connections, controls, effects
from gameday.engine.drill import commands as do
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.interrupts import give_up
from gameday.engine.drill.permission import hindrance
from gameday.engine.drill.results import complete, decide_stage
from gameday.engine.drill.situation import Situation
from gameday.engine.drill.undo_log import registered
from gameday.engine.drill.windows import steady_window
from gameday.model import names
from gameday.model.change import Presence
from gameday.model.plan import Stage
from gameday.model.record import Cause, Phase, Record, ResultState
from gameday.model.world import Life, Lock, Planned, Preflight


def pending(at: Situation) -> Record:
    """Wait for the GameDay, for the administrator and for the namespace, until ``startBefore``."""
    world, now = at.world, at.now
    match world.planned:
        case Planned.INVALID:
            return give_up(at, Cause.GAME_DAY_INVALID, world.planned_why, now)
        case Planned.TOO_BIG:
            return give_up(at, Cause.PLAN_TOO_BIG, world.planned_why, now)
        case Planned.ABSENT | Planned.DELETED:
            if now > world.start_before:
                return give_up(at, Cause.NO_GAME_DAY, world.planned_why or "its GameDay never came", now)
            return at.record
        case Planned.FROZEN:
            pass
    if (hindered := hindrance(world)) is not None:
        return _wait(at, *hindered)
    match world.lock:
        case Lock.HELD:
            record = replace(at.record, started_at=now, waiting=None)
            return record.enter(Phase.PREFLIGHT, now, "looking for what would refuse this drill")
        case Lock.BUSY:
            return _wait(at, Cause.BUSY, f"{world.locked_by} holds the namespace; one drill at a time")
        case Lock.FULL:
            return _wait(at, Cause.TOO_MANY_DRILLS, world.locked_by)
        case Lock.UNKNOWN | Lock.FREE:
            if now > world.start_before:
                return give_up(at, Cause.TOO_LATE, "startBefore passed before the drill could start", now)
            return replace(at.record, waiting=None)


def _wait(at: Situation, cause: Cause, why: str) -> Record:
    if at.now > at.world.start_before:
        return give_up(at, cause, why, at.now)
    return at.record.wait(cause, why, at.now)


def preflight(at: Situation) -> Record:
    """Refuse with every finding at once, warnings too, or go on; nothing was touched either way."""
    found = at.world.preflight
    if found is None:
        if at.now > max(at.record.since, at.world.resumed_at) + budgets.PREFLIGHT:
            error = error_of(at.world.errors, do.CheckPreflight()) or "no answer"
            return give_up(at, Cause.PREFLIGHT_FAILED, f"preflight did not end in time: {error}", at.now)
        return at.record
    if found.refusals:
        return give_up(at.knowing(_warned(at, found)), Cause.PREFLIGHT_FAILED, "; ".join(found.refusals), at.now)
    if found.rolling:
        return _await_rollout(at, ", ".join(found.rolling))
    return _warned(at, found).enter(Phase.STEADY_STATE, at.now, "starting the agents")


def _warned(at: Situation, found: Preflight) -> Record:
    record = replace(at.record, warnings=found.warnings)
    for warning in found.warnings:
        record = record.note(at.now, "PreflightWarning", warning, warning=True)
    return record


def _await_rollout(at: Situation, who: str) -> Record:
    """Targets that are being replaced are no subject for a drill: wait for them as long as it may still start."""
    if at.now > at.world.start_before:
        why = f"{who} was still rolling out when startBefore passed; nothing was touched"
        return give_up(at, Cause.ROLLOUT_IN_PROGRESS, why, at.now)
    if any(line.reason == Cause.ROLLOUT_IN_PROGRESS.value for line in at.record.timeline):
        return at.record
    return at.record.note(at.now, Cause.ROLLOUT_IN_PROGRESS.value, f"waiting for the rollout of {who} to end")


def steady_state(at: Situation) -> Record:
    """Measure the system as it is; only a steady one is touched."""
    record = at.record
    if record.steady_from is None:
        return _agents_ready(at)
    since, ends = record.steady_from, record.steady_from + at.plan.steady_state.duration
    if (down := at.seen.proof.control_down(since)) is not None:
        why = f"{down.who} cannot reach the target before anything was cut ({down.detail})"
        return give_up(at, Cause.DEPENDENCY_DOWN, why, down.since)
    if (cut := at.seen.proof.witness_down(since, at.now)) is not None:
        why = f"{cut.who} cannot reach the target before anything was cut ({cut.detail})"
        return give_up(at, Cause.NOT_STEADY, why, cut.since)
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


def _agents_ready(at: Situation) -> Record:
    lives = {name: at.world.agents.get(name, Life.ABSENT) for name in at.world.agents_wanted}
    running = bool(lives) and all(life is Life.RUNNING for life in lives.values())
    if running and at.seen.all_probes_seen() and effects.ready(at):
        record = replace(at.record, steady_from=at.now)
        return record.note(at.now, "AgentsReady", f"{len(lives)} agents measure; steady state begins")
    down = at.seen.proof.control_down(0.0)
    if running and down is not None and at.now - down.since > budgets.DIALS and not effects.ready(at):
        if (shut_out := controls.shut_out(at)) is not None:
            return give_up(at, Cause.NOT_ADMITTED, shut_out, down.since)
        why = f"{down.who} cannot reach the target ({down.detail}), and nothing was cut: the dependency is down"
        return give_up(at, Cause.DEPENDENCY_DOWN, why, down.since)
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
        return f"not every probe had given a sample after {budgets.AGENTS:.0f} s"
    down = at.seen.proof.control_down(0.0) or at.seen.proof.witness_down(0.0, at.now)
    who = f"{down.who}: {down.detail}" if down else "no dial got an answer"
    return f"the witnesses and controls could not reach the target, and nothing was cut: {who}"


def _go(at: Situation, since: float, ends: float) -> Record:
    baseline = at.seen.means(since, ends)
    found = at.seen.rehearse(baseline, since)
    if found.wrong:
        return give_up(at, Cause.EXPRESSION_FAILED, "; ".join((*found.wrong, *found.already)), at.now)
    if found.already:
        return give_up(at, Cause.ALREADY_TRUE, "; ".join(found.already), at.now)
    record = replace(at.record, baseline=baseline, rehearsed_at=at.now)
    for warning in found.doubtful:
        record = record.note(at.now, "ExpressionWarning", warning, warning=True)
    if silent := at.seen.proof.silent():
        why = f"{', '.join(silent)} answered neither witness nor control, so nothing is proven of it"
        record = record.note(at.now, "NothingAnswers", why, warning=True)
    for warning in connections.doubtful(at):
        record = record.note(at.now, "ProofWarning", warning, warning=True)
    for fault in at.plan.outage.faults:
        seen = at.world.change(fault.name)
        if seen.presence is not Presence.ABSENT:
            why = seen.detail or seen.shown or "what it changes was not read"
            return give_up(at, Cause.INJECTION_FAILED, f"fault {fault.name}: {why}; nothing was touched", at.now)
        fuse = names.fault_fuse(at.world.drill, fault.name, alone=len(at.plan.outage.faults) == 1)
        record = record.with_change(registered(fault.name, fault.action, seen, fuse, at.now))
    return record.enter(Phase.OUTAGE, at.now, "steady; arming the fuse")
