"""The phases of a drill, each a file of its own. A drill that is to end follows ``ending`` in whatever phase it is."""

from collections.abc import Mapping
from typing import Final

from gameday.engine.drill.phases import (
    dry_run,
    ending,
    finished,
    outage,
    pending,
    preflight,
    recovery,
    rollback,
    steady_state,
)
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.model.record import DrillRecord, Phase

PHASES: Final[Mapping[Phase, PhaseRules]] = {
    Phase.PENDING: pending.RULES,
    Phase.PREFLIGHT: preflight.RULES,
    Phase.STEADY_STATE: steady_state.RULES,
    Phase.OUTAGE: outage.RULES,
    Phase.RECOVERY: recovery.RULES,
    Phase.ROLLBACK: rollback.RULES,
    Phase.FINISHED: finished.RULES,
}


def rules_of(record: DrillRecord) -> PhaseRules:
    """The rules that a record follows now."""
    ends = record.finishing and record.phase is not Phase.FINISHED
    if not ends and record.dry_run is not None and record.phase is Phase.STEADY_STATE:
        return dry_run.RULES
    return ending.RULES if ends else PHASES[record.phase]
