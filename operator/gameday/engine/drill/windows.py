"""The spans in which the expectations of each stage are judged, as a drill's record has them."""

from gameday.engine.drill import effects, timeouts
from gameday.engine.drill.context import Context
from gameday.engine.evidence.judgement import Window
from gameday.model.plan import Stage
from gameday.model.record import Phase


def steady_window(ctx: Context) -> Window:
    """From the first moment at which every agent measured, for the planned time."""
    lasts = ctx.plan.steady_state.duration
    since = ctx.record.steady_from if ctx.record.steady_from is not None else ctx.now
    grace = timeouts.grace(ctx.plan, Stage.STEADY_STATE)
    return Window(
        since, since, since + lasts, lasts, ctx.now, grace, skew=ctx.observed.skew, offset=ctx.observed.offset
    )


def outage_window(ctx: Context, ends: float | None = None) -> Window:
    """From the request of the fault; ``ends`` is the Unix second of its end, once it is over."""
    record = ctx.record
    requested = record.inject_requested_at if record.inject_requested_at is not None else ctx.now
    own_clock = any(proof.own_clock for proof in effects.proofs(ctx)[-1:])
    return Window(
        requested,
        record.outage_started_at,
        ends,
        ctx.plan.outage.duration,
        ctx.now,
        timeouts.grace(ctx.plan, Stage.OUTAGE),
        start_resolution=record.outage_start_resolution,
        skew=_skew(ctx, own_clock=own_clock),
        offset=ctx.observed.offset,
        false_from=record.expressions_tried_at,
        fault_at=record.inject_requested_at,
    )


def recovery_window(ctx: Context, ends: float | None = None, *, again: bool = False) -> Window:
    """From the request of the revert; ``again`` is the second look, from the end of the last rollback step."""
    record = ctx.record
    started_at = record.rollback_done_at if again else record.recovery_started_at
    length = ctx.plan.recovery.within
    if again and ctx.plan.rollback is not None and started_at is not None:
        length = max(0.0, record.since + ctx.plan.rollback.within - started_at)
    own_clock = again or any(proof.own_clock for proof in effects.proofs(ctx))
    asked = started_at if again else record.undo_requested_at
    return Window(
        asked if asked is not None else ctx.now,
        started_at,
        ends,
        length,
        ctx.now,
        timeouts.grace(ctx.plan, Stage.RECOVERY),
        start_resolution=0.0 if again else record.recovery_start_resolution,
        skew=_skew(ctx, own_clock=own_clock),
        offset=ctx.observed.offset,
        fault_at=record.inject_requested_at,
    )


def _skew(ctx: Context, *, own_clock: bool) -> float:
    """By how much the clock by which a stage began may differ from those of its samples."""
    return ctx.observed.skew_to_own if own_clock else ctx.observed.skew


def window_of(ctx: Context) -> Window | None:
    """The span of the stage that the drill is in; None outside of one that has expectations."""
    match ctx.record.phase:
        case Phase.STEADY_STATE:
            return steady_window(ctx)
        case Phase.OUTAGE:
            return outage_window(ctx)
        case Phase.RECOVERY:
            return recovery_window(ctx)
        case _:
            return None
