"""What comes before the end of every drill, in whichever phase it is: nothing is held, then it is judged."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import addresses, controls, steps
from gameday.engine.drill import commands as do
from gameday.engine.drill.context import Context
from gameday.engine.drill.phases.dry_run import finished
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.results import close_plan
from gameday.engine.drill.undo_commands import undo_commands_for
from gameday.engine.drill.undo_log import ask_undo
from gameday.engine.drill.verdict import definite_misses, verdict_of
from gameday.model.change import ChangeState
from gameday.model.observation import Observation
from gameday.model.plan import Plan
from gameday.model.record import DrillRecord, Phase


def decide(ctx: Context) -> DrillRecord:
    """Once nothing is held any more, judge the drill and end it."""
    record = ask_undo(ctx.record, ctx.plan, ctx.now) if _asks(ctx.record) else ctx.record
    if record.holds_anything:
        return record
    if record.dry_run is not None:
        return finished(record, record.dry_run, ctx.now)
    if controls.unsettled(ctx) or addresses.unsettled(ctx):
        return record
    record = controls.named(ctx.with_record(record))
    record = addresses.named(ctx.with_record(record))
    record = close_plan(replace(record, faults_cleared=True), ctx.plan, ctx.now)
    judged = verdict_of(record, ctx.plan)
    record = replace(
        record,
        verdict=judged.verdict,
        reason=judged.reason,
        message=judged.message,
        finished_at=ctx.now,
        missed_before_abort=tuple(r.name for r in definite_misses(record, ctx.plan)) if record.aborted else (),
    )
    return record.enter(Phase.FINISHED, ctx.now, f"{judged.verdict.value}: {judged.message}")


def commands(_plan: Plan | None, record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    """Undo all that is held, and delete what was made for a step and has not begun."""
    yield from undo_commands_for(record, observed)
    yield from steps.discards(observed)


def _asks(record: DrillRecord) -> bool:
    return any(change.open and change.state is not ChangeState.UNDOING for change in record.changes)


RULES = PhaseRules(
    decide,
    commands,
    {
        Phase.FINISHED: "nothing is left to undo",
    },
)
