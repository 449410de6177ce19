"""The events of a drill that messages are about, from its record alone.

It is the same whenever it is asked: nothing is lost if the operator is restarted in between.
"""

from collections.abc import Collection, Iterator
from typing import Final

from gameday.model.change import Change, ChangeState
from gameday.model.notice import Event, Happened
from gameday.model.record import DrillRecord, Verdict

GOOD: Final = frozenset({Verdict.PASSED})


def happened(record: DrillRecord, faults: Collection[str]) -> tuple[Happened, ...]:
    """All that has happened so far; ``faults`` are the names of the plan's faults."""
    return tuple(_happened(record, faults))


def _happened(record: DrillRecord, faults: Collection[str]) -> Iterator[Happened]:
    if record.steady_from is not None:
        yield Happened(Event.STARTED, record.steady_from)
    if record.proven_at is not None:
        yield Happened(Event.CUT, record.proven_at)
    if record.guardrail is not None:
        yield Happened(Event.GUARDRAIL, record.undo_requested_at or record.since, bad=True)
    if (undone := undone_at(record, faults)) is not None:
        yield Happened(Event.UNDONE, undone)
    if record.faults_cleared is False and (held := overdue(record)):
        yield Happened(Event.LEFTOVER, max(one.undo_requested_at or record.since for one in held), bad=True)
    if record.verdict is not None and record.finished_at is not None:
        yield Happened(Event.VERDICT, record.finished_at, bad=record.verdict not in GOOD)
        yield Happened(Event.CLEARED, record.finished_at, bad=True)


def overdue(record: DrillRecord) -> tuple[Change, ...]:
    """What is being undone and is not undone yet; what a step changed may stay until the drill ends."""
    return tuple(one for one in record.changes if one.state is ChangeState.UNDOING and one.undone_at is None)


def undone_at(record: DrillRecord, faults: Collection[str]) -> float | None:
    """Since when no fault is there any more; None while one is, and where none ever was."""
    changes = [change for change in record.changes if change.name in faults and change.touched]
    if any(change.open for change in changes):
        return None
    if record.recovery_started_at is not None:
        return record.recovery_started_at
    return max((change.undone_at or record.since for change in changes), default=None)
