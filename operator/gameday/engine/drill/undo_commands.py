"""Which commands follow from the undo log: those whose effect is decided and not observed yet."""

from collections.abc import Iterator

from gameday.engine.drill import commands as do
from gameday.engine.drill.undo_log import held
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.observation import Observation
from gameday.model.record import DrillRecord


def undo_commands_for(record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    """The next command of each entry: arm, make, or undo."""
    for change in record.changes:
        match change.state:
            case ChangeState.REGISTERED if not record.finishing and change.fuse_name:
                yield do.ArmFuse(change)
            case ChangeState.REQUESTED | ChangeState.ACTIVE:
                yield from _make(change, observed)
            case ChangeState.UNDOING:
                yield from _unmake(change, observed)
            case _:
                pass


def _make(change: Change, observed: Observation) -> Iterator[do.Command]:
    seen = observed.change(change.name)
    if seen.presence is Presence.DRIFTED:
        yield do.Apply(change)
    elif change.state is ChangeState.REQUESTED and change.name not in observed.made:
        # If an object that another process requested is absent, it may have been created and deleted since; it is
        # requested again only if the object's version shows that it was not.
        ours = change.requested_at is not None and change.requested_at >= observed.resumed_at
        if seen.presence is Presence.UNKNOWN:
            yield do.Read(change.name)
        elif seen.presence is Presence.ABSENT and (ours or seen.version):
            yield do.Apply(change, seen.version)


def _unmake(change: Change, observed: Observation) -> Iterator[do.Command]:
    seen = observed.change(change.name)
    if change.undone_at is not None:
        if observed.fuse(change.fuse_name).uid is not None:
            yield do.RemoveFuse(change)
    elif not change.touched or change.waits or seen.by_hand:
        pass
    elif seen.presence is Presence.UNKNOWN:
        # To revert is to look first, so it need not wait until the engine sees.
        yield from (do.Read(change.name), do.Revert(change))
    elif held(change, seen) or change.undo_again:
        yield do.Revert(change)
