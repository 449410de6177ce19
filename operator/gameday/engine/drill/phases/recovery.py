"""The phase after the cut: wait for the verified undo, then for the system."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import budgets, effects
from gameday.engine.drill import commands as do
from gameday.engine.drill.interrupts import finish_early, give_up
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.results import complete, decide_stage, end_stage, timed_complete
from gameday.engine.drill.situation import Situation
from gameday.engine.drill.undo_log import of_faults
from gameday.engine.drill.undo_orders import undo_orders
from gameday.engine.drill.verdict import to_repair
from gameday.engine.drill.windows import recovery_window
from gameday.model.plan import Mode, Plan, Stage
from gameday.model.record import Cause, Phase, Record, ResultState
from gameday.model.world import World


def decide(at: Situation) -> Record:
    """Wait for the verified undo, then for the system."""
    record = at.record
    if record.recovery_zero is None:
        return _undone(at)
    for proof in effects.proofs(at):
        if (end := proof.troubled_after(record.recovery_zero)) is not None:
            return give_up(at, *end)
    at = at.knowing(judge(at, record.recovery_zero, again=False))
    over = at.now > record.recovery_zero + budgets.longest_wait(at.plan.recovery.expect, at.plan.recovery.within)
    if over:
        at = at.knowing(end_stage(at, Stage.RECOVERY, recovery_window(at), "no sample arrived before the deadline"))
    if not complete(at, Stage.RECOVERY):
        return at.record
    at = at.knowing(end_stage(at, Stage.RECOVERY, recovery_window(at, at.now)))
    missed = {r.name for r in at.record.results if r.stage is Stage.RECOVERY and r.state is ResultState.MISSED}
    rollback = at.plan.rollback
    if rollback is not None and missed & set(rollback.if_missed) and to_repair(at.record, at.plan):
        names = ", ".join(sorted(missed & set(rollback.if_missed)))
        return at.record.enter(Phase.ROLLBACK, at.now, f"missed: {names}")
    return replace(at.record, finishing=True)


def commands(_plan: Plan | None, record: Record, world: World) -> Iterator[do.Command]:
    """Undo what the undo log says is to be undone."""
    yield from undo_orders(record, world)


def _undone(at: Situation) -> Record:
    if any(change.undone_at is None for change in of_faults(at.record, at.plan)):
        return at.record
    asked = at.record.undo_requested_at or at.now
    ends = [effects.proof_of(at, change.name).over_since(change, asked) for change in of_faults(at.record, at.plan)]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        if any(doubt.cause is Cause.UNDO_UNVERIFIED for doubt in at.record.doubts):
            return finish_early(at, "the undo could not be verified")
        why = (
            "neither witness nor control can reach the target: the dependency is down, so the recovery cannot be judged"
        )
        return give_up(at, Cause.DEPENDENCY_DOWN, why, asked)
    zero = max(known, default=at.now)
    record = replace(at.record, recovery_zero=zero)
    who = (
        "witnesses reached the target again"
        if any(f.action.WITNESSED for f in at.plan.outage.faults)
        else "the faults were undone"
    )
    return record.note(at.now, "CutLifted", f"{who} {zero - asked:.2f} s after the undo request")


def judge(at: Situation, zero: float, *, again: bool) -> Record:
    """An ``always`` lasts until every ``eventually`` is decided, or for the whole stage when it stands alone."""
    window = recovery_window(at, again=again)
    record = decide_stage(at, Stage.RECOVERY, window, again=again)
    judged = at.knowing(record)
    timed = any(e.mode is Mode.EVENTUALLY for e in at.plan.recovery.expect)
    ends = _decided_at(record, again=again) if timed else zero + window.length
    if (timed and not timed_complete(judged, Stage.RECOVERY, again=again)) or at.now < ends:
        return record
    return decide_stage(judged, Stage.RECOVERY, replace(window, ends_at=ends), again=again)


def _decided_at(record: Record, *, again: bool) -> float:
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
