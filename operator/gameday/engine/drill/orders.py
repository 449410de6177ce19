"""Which commands follow from a record: those whose effect is decided and not observed yet."""

from collections.abc import Iterator

from gameday.engine.drill import commands as do
from gameday.engine.drill.phases.table import rules_of
from gameday.model.plan import Plan
from gameday.model.record import Phase, Record
from gameday.model.world import Life, World


def orders(plan: Plan | None, record: Record, world: World) -> tuple[do.Command, ...]:
    """The commands of this moment; the record must be saved before any of them is carried out."""
    return tuple(_orders(plan, record, world))


def _orders(plan: Plan | None, record: Record, world: World) -> Iterator[do.Command]:
    asked = record.undo_requested_at is not None and record.phase is not Phase.FINISHED
    if asked:
        ends = (fault for fault, life in world.closers.items() if life in {Life.STARTING, Life.RUNNING})
        yield from map(do.EndSevering, ends)
    yield from rules_of(record).commands(plan, record, world)
