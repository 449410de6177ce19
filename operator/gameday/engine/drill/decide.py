"""The drill engine's door: what a drill decides now, given all that is known.

``decide`` is level-triggered: it compares the record with the world and the samples, so a restart, a repeated event
or a lost one changes nothing. The runner saves the record it returns, then carries out ``orders`` of it.
"""

from gameday.engine.drill import addresses
from gameday.engine.drill.interrupts import interrupted
from gameday.engine.drill.phases.table import rules_of
from gameday.engine.drill.situation import Situation
from gameday.engine.drill.undo_log import obstacle, progress
from gameday.model.record import Phase, Record

SETTLES_WITHIN = 32
"""Rounds after which a record must have settled: more than there are moves in a drill of one moment."""


class Unsettled(RuntimeError):
    """The rules chase each other: a defect of the engine, never of the plan or the system."""


def decide(at: Situation) -> Record:
    """The record that follows from this moment. Deciding again at the same moment changes nothing.

    Raises:
        Unsettled: when the record does not settle.

    """
    for _ in range(SETTLES_WITHIN):
        record = _once(at)
        if record is at.record or record == at.record:
            return record.stalled(obstacle(at), at.now)
        at = at.knowing(record)
    raise Unsettled(f"phase {at.record.phase.value} does not settle; last: {at.record.timeline[-1:]}")


def _once(at: Situation) -> Record:
    if at.record.phase is not Phase.FINISHED:
        at = at.knowing(progress(at))
        at = at.knowing(addresses.look(at))
        if not at.record.finishing and (ended := interrupted(at)) is not None:
            return ended
    return rules_of(at.record).decide(at)
