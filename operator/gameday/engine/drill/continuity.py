"""Whether a record that somebody else wrote can be gone on from, or forgets what this process knows to be open."""

from gameday.model.change import Change, ChangeState
from gameday.model.record import DrillRecord, Phase

SAME = ("kind", "object_kind", "object_name", "fuse_name", "before")
_PHASES = tuple(Phase)
_STATES = tuple(ChangeState)


def continues(found: DrillRecord, known: DrillRecord) -> bool:
    """Whether ``found`` may follow ``known``: it is not older, and names every open change.

    A drill that has ended continues only from its own record, and no other record may end a drill.
    """
    if Phase.FINISHED in {known.phase, found.phase}:
        return False
    if found.started_at != known.started_at and known.started_at is not None:
        return False
    behind = _PHASES.index(found.phase) < _PHASES.index(known.phase) or (known.finishing and not found.finishing)
    return not behind and all(_names(found.change(change.name), change) for change in known.changes if change.open)


def _names(found: Change | None, known: Change) -> bool:
    if found is None or not found.open or _STATES.index(found.state) < _STATES.index(known.state):
        return False
    return all(getattr(found, field) == getattr(known, field) for field in SAME)
