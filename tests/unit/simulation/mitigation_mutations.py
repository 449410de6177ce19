"""Bugs put into mitigations on purpose; ``test_mutations.py`` runs them as it runs those of ``mutations``."""

from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from gameday.engine.drill import aid, mitigations, results, undo_log
from gameday.engine.drill.context import Context
from gameday.engine.drill.phases import ending, outage
from gameday.model.plan import Mitigation
from gameday.model.record import DrillRecord, MitigationEntry
from simulation.invariants import Rule
from unit.simulation.mutations import MUTATIONS, mutation

_BEFORE: Final = len(MUTATIONS)


@mutation("what a mitigation helped to meet does not say so", Rule.MITIGATED, whole=None)
def _() -> tuple[Any, ...]:
    def silent(_ctx: Any, _stage: Any, _expectation: Any, judgement: Any) -> Any:
        return judgement

    return (patch.object(results, "credited", silent),)


@mutation("unaided is forgotten", Rule.MITIGATED)
def _() -> tuple[Any, ...]:
    credited = aid.credited

    def lenient(ctx: Context, stage: Any, expectation: Any, judgement: Any) -> Any:
        return credited(ctx, stage, replace(expectation, unaided=False), judgement)

    return (patch.object(results, "credited", lenient),)


@mutation("a mitigation acts before the status says that it does", Rule.MITIGATED, whole=None)
def _() -> tuple[Any, ...]:
    def later(record: DrillRecord, _entry: MitigationEntry, _mitigation: Mitigation) -> DrillRecord:
        return record

    return (patch.object(mitigations, "_acted", later),)


@mutation("the end of the outage puts back what a mitigation changed", Rule.DECIDED, Rule.AT_ITS_NUMBER)
def _() -> tuple[Any, ...]:
    return (patch.object(outage, "ask_undo_of_faults", undo_log.ask_undo),)


@mutation("the end of the drill forgets what a mitigation changed", Rule.ENDS, Rule.RESTORED)
def _() -> tuple[Any, ...]:
    return (patch.object(ending, "ask_undo", undo_log.ask_undo_of_faults),)


NAMES: Final = frozenset(mutation.name for mutation in MUTATIONS[_BEFORE:])
