"""What comes before the end of every drill, in whichever phase it is: nothing is held, then it is judged."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import addresses, controls
from gameday.engine.drill import commands as do
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.results import close_plan
from gameday.engine.drill.situation import Situation
from gameday.engine.drill.undo_log import ask_undo
from gameday.engine.drill.undo_orders import undo_orders
from gameday.engine.drill.verdict import definite_misses, verdict_of
from gameday.model.change import ChangeState
from gameday.model.plan import Plan
from gameday.model.record import Phase, Record
from gameday.model.world import World


def decide(at: Situation) -> Record:
    """Once nothing is held any more, judge the drill and end it."""
    record = ask_undo(at.record, at.plan, at.now) if _asks(at.record) else at.record
    if record.holds_anything:
        return record
    if controls.unsettled(at) or addresses.unsettled(at):
        return record
    record = controls.named(at.knowing(record))
    record = addresses.named(at.knowing(record))
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


def commands(_plan: Plan | None, record: Record, world: World) -> Iterator[do.Command]:
    """Undo all that is held."""
    yield from undo_orders(record, world)


def _asks(record: Record) -> bool:
    return any(change.open and change.state is not ChangeState.UNDOING for change in record.changes)


RULES = PhaseRules(
    decide,
    commands,
    {
        Phase.FINISHED: "nothing is left to undo",
    },
)
