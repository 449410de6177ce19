"""What a phase is made of: what it decides, which commands follow from its record, and where it leads."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gameday.engine.drill.commands import Command
from gameday.engine.drill.context import Context
from gameday.model.observation import Observation
from gameday.model.plan import Plan
from gameday.model.record import DrillRecord, Phase


@dataclass(frozen=True, slots=True)
class PhaseRules:
    """The rules of one phase.

    ``decide`` gives the record that follows from a moment, ``commands`` what is to be done for a record that is saved,
    and ``leads_to`` every phase that may come next, with when it does.
    """

    decide: Callable[[Context], DrillRecord]
    commands: Callable[[Plan | None, DrillRecord, Observation], Iterator[Command]]
    leads_to: Mapping[Phase, str]
