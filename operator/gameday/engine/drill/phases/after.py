"""The phases after the cut: Recovery, Rollback, and the tidying that ends every drill."""

from dataclasses import replace

from gameday.engine.drill import budgets, controls, effects
from gameday.engine.drill.interrupts import finish_early, give_up
from gameday.engine.drill.results import close_plan, complete, decide_stage, end_stage, timed_complete
from gameday.engine.drill.situation import Situation
from gameday.engine.drill.undo_log import ask_undo, of_faults
from gameday.engine.drill.verdict import MET, definite_misses, to_repair, verdict_of
from gameday.engine.drill.windows import recovery_window
from gameday.model.change import ChangeState
from gameday.model.plan import Mode, Stage
from gameday.model.record import Cause, Phase, Record, ResultState


def recovery(at: Situation) -> Record:
    """Wait for the verified undo, then for the system."""
    record = at.record
    if record.recovery_zero is None:
        return _undone(at)
    if (down := at.seen.proof.control_down(record.recovery_zero)) is not None:
        why = f"{down.who} lost the target after the cut was lifted ({down.detail}): the dependency is down"
        return give_up(at, Cause.DEPENDENCY_DOWN, why, down.since)
    at = at.knowing(_judge(at, record.recovery_zero, again=False))
    over = at.now > record.recovery_zero + budgets.longest_wait(at.plan.recovery.expect, at.plan.recovery.within)
    if over:
        at = at.knowing(end_stage(at, Stage.RECOVERY, recovery_window(at), "no sample came in time"))
    if not complete(at, Stage.RECOVERY):
        return at.record
    at = at.knowing(end_stage(at, Stage.RECOVERY, recovery_window(at, at.now)))
    missed = {r.name for r in at.record.results if r.stage is Stage.RECOVERY and r.state is ResultState.MISSED}
    rollback = at.plan.rollback
    if rollback is not None and missed & set(rollback.if_missed) and to_repair(at.record, at.plan):
        names = ", ".join(sorted(missed & set(rollback.if_missed)))
        return at.record.enter(Phase.ROLLBACK, at.now, f"missed: {names}")
    return replace(at.record, finishing=True)


def after_rollback(at: Situation) -> Record:
    """Judge the recovery expectations once more, from the end of the last step."""
    zero = at.record.rollback_zero
    rollback = at.plan.rollback
    if zero is None or rollback is None:
        return at.record
    at = at.knowing(_judge(at, zero, again=True))
    left = at.record.since + rollback.within + budgets.GRACE
    if at.now > max(left, zero + budgets.longest_wait(at.plan.recovery.expect, 0.0)):
        window = recovery_window(at, again=True)
        at = at.knowing(end_stage(at, Stage.RECOVERY, window, "the rollback's time is over", again=True))
    if not complete(at, Stage.RECOVERY, again=True):
        return at.record
    repaired = all(
        result.state in MET
        for name in rollback.if_missed
        if (result := at.record.result(Stage.RECOVERY, name, again=True)) is not None
    )
    word = "the rollback repaired what was missed" if repaired else "the rollback did not repair what was missed"
    record = replace(at.record, finishing=True, recovered_by="Rollback" if repaired else None)
    return record.note(at.now, "RollbackEnded", word, warning=not repaired)


def finish(at: Situation) -> Record:
    """Once nothing is held any more, judge the drill and end it."""
    record = ask_undo(at.record, at.plan, at.now) if _asks(at.record) else at.record
    if record.holds_anything:
        return record
    if controls.unsettled(at):
        return record
    record = controls.named(at.knowing(record))
    record = close_plan(replace(record, faults_cleared=True), at.plan, at.now)
    judged = verdict_of(record, at.plan)
    record = replace(
        record,
        verdict=judged.verdict,
        reason=judged.reason,
        message=judged.message,
        finished_at=at.now,
        missed_before_abort=tuple(r.name for r in definite_misses(record, at.plan)) if record.aborted else (),
    )
    return record.enter(Phase.FINISHED, at.now, f"{judged.verdict.value}: {judged.message}")


def _asks(record: Record) -> bool:
    return any(change.open and change.state is not ChangeState.UNDOING for change in record.changes)


def _undone(at: Situation) -> Record:
    if any(change.undone_at is None for change in of_faults(at.record, at.plan)):
        return at.record
    asked = at.record.undo_requested_at or at.now
    zero = effects.over(at)
    if zero is None:
        if any(doubt.cause is Cause.UNDO_UNVERIFIED for doubt in at.record.doubts):
            return finish_early(at, "the undo could not be verified")
        why = "witness and control both cannot reach the target: the dependency is down, its recovery says nothing"
        return give_up(at, Cause.DEPENDENCY_DOWN, why, asked)
    record = replace(at.record, recovery_zero=zero)
    who = "witnesses are through" if effects.witnessed(at.plan) else "it is over"
    return record.note(at.now, "CutLifted", f"{who} {zero - asked:.2f} s after the undo was asked")


def _judge(at: Situation, zero: float, *, again: bool) -> Record:
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
