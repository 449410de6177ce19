"""The drill engine's door: what a drill decides now, given all that is known.

``decide`` is level-triggered: it compares the record with the world and the samples, so a restart, a repeated event
or a lost one changes nothing. The runner saves the record it returns, then carries out ``orders`` of it.
"""

from gameday.engine.drill import addresses
from gameday.engine.drill.context import Context
from gameday.engine.drill.phases.table import rules_of
from gameday.engine.drill.stop_conditions import interrupted
from gameday.engine.drill.undo_log import progress, stalled_by
from gameday.model.record import DrillRecord, Phase

SETTLES_WITHIN = 32
"""Rounds after which a record must have settled: more than there are moves in a drill of one moment."""


class Unsettled(RuntimeError):
    """The rules chase each other: a defect of the engine, never of the plan or the system."""


def decide(ctx: Context) -> DrillRecord:
    """The record that follows from this moment. Deciding again at the same moment changes nothing.

    Raises:
        Unsettled: when the record does not settle.

    """
    for _ in range(SETTLES_WITHIN):
        record = _once(ctx)
        if record is ctx.record or record == ctx.record:
            return record.stalled(stalled_by(ctx), ctx.now)
        ctx = ctx.with_record(record)
    raise Unsettled(
        f"internal error: phase {ctx.record.phase.value} does not settle; please report it with the "
        f"last line of the timeline: {ctx.record.timeline[-1:]}"
    )


def _once(ctx: Context) -> DrillRecord:
    if ctx.record.phase is not Phase.FINISHED:
        ctx = ctx.with_record(progress(ctx))
        ctx = ctx.with_record(addresses.look(ctx))
        if not ctx.record.finishing and (ended := interrupted(ctx)) is not None:
            return ended
    return rules_of(ctx.record).decide(ctx)
