"""Which commands follow from a record: those whose effect is decided and not observed yet."""

from collections.abc import Iterator

from gameday.engine.drill import commands as do
from gameday.engine.drill.phases.table import rules_of
from gameday.model.observation import Life, Observation
from gameday.model.plan import Plan
from gameday.model.record import DrillRecord, Phase


def commands_for(plan: Plan | None, record: DrillRecord, observed: Observation) -> tuple[do.Command, ...]:
    """The commands of this moment; the record must be saved before any of them is carried out."""
    return tuple(_commands_for(plan, record, observed))


def _commands_for(plan: Plan | None, record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    asked = record.undo_requested_at is not None and record.phase is not Phase.FINISHED
    if asked:
        ends = (fault for fault, life in observed.closers.items() if life in {Life.STARTING, Life.RUNNING})
        yield from map(do.StopClosing, ends)
    yield from rules_of(record).commands(plan, record, observed)
