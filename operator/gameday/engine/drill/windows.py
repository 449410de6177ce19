"""The spans in which the expectations of each stage are judged, as a drill's record has them."""

from gameday.engine.drill import budgets
from gameday.engine.drill.situation import Situation
from gameday.engine.evidence.judgement import Window
from gameday.model.record import Phase


def steady_window(at: Situation) -> Window:
    """From the first moment at which every agent measured, for the planned time."""
    lasts = at.plan.steady_state.duration
    since = at.record.steady_from if at.record.steady_from is not None else at.now
    return Window(since, since, since + lasts, lasts, at.now, budgets.GRACE, skew=at.world.skew)


def outage_window(at: Situation, ends: float | None = None) -> Window:
    """From the request of the fault; ``ends`` is the Unix second of its end, once it is over."""
    record = at.record
    requested = record.inject_requested_at if record.inject_requested_at is not None else at.now
    return Window(
        requested,
        record.zero,
        ends,
        at.plan.outage.duration,
        at.now,
        budgets.GRACE,
        zero_resolution=record.zero_resolution,
        skew=at.world.skew,
        false_from=record.rehearsed_at,
        fault_at=record.inject_requested_at,
    )


def recovery_window(at: Situation, ends: float | None = None, *, again: bool = False) -> Window:
    """From the request of the revert; ``again`` is the second look, from the end of the last rollback step."""
    record = at.record
    zero = record.rollback_zero if again else record.recovery_zero
    length = at.plan.recovery.within
    if again and at.plan.rollback is not None and zero is not None:
        length = max(0.0, record.since + at.plan.rollback.within - zero)
    asked = zero if again else record.undo_requested_at
    return Window(
        asked if asked is not None else at.now,
        zero,
        ends,
        length,
        at.now,
        budgets.GRACE,
        skew=at.world.skew,
        fault_at=record.inject_requested_at,
    )


def window_of(at: Situation) -> Window | None:
    """The span of the stage that the drill is in; None outside of one that has expectations."""
    match at.record.phase:
        case Phase.STEADY_STATE:
            return steady_window(at)
        case Phase.OUTAGE:
            return outage_window(at)
        case Phase.RECOVERY:
            return recovery_window(at)
        case _:
            return None
