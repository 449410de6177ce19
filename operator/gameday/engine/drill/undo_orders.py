"""Which commands follow from the undo log: those whose effect is decided and not observed yet."""

from collections.abc import Iterator

from gameday.engine.drill import commands as do
from gameday.engine.drill.undo_log import held
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.record import Record
from gameday.model.world import World


def undo_orders(record: Record, world: World) -> Iterator[do.Command]:
    """The next command of each entry: arm, make, or undo."""
    for change in record.changes:
        match change.state:
            case ChangeState.REGISTERED if not record.finishing and change.fuse_name:
                yield do.ArmFuse(change)
            case ChangeState.REQUESTED | ChangeState.ACTIVE:
                yield from _make(change, world)
            case ChangeState.UNDOING:
                yield from _unmake(change, world)
            case _:
                pass


def _make(change: Change, world: World) -> Iterator[do.Command]:
    seen = world.change(change.name)
    if seen.presence is Presence.DRIFTED:
        yield do.Apply(change)
    elif change.state is ChangeState.REQUESTED and change.name not in world.made:
        # If an object that another process requested is absent, it may have been created and deleted since; it is
        # requested again only if the object's version shows that it was not.
        ours = change.requested_at is not None and change.requested_at >= world.resumed_at
        if seen.presence is Presence.UNKNOWN:
            yield do.Read(change.name)
        elif seen.presence is Presence.ABSENT and (ours or seen.version):
            yield do.Apply(change, seen.version)


def _unmake(change: Change, world: World) -> Iterator[do.Command]:
    seen = world.change(change.name)
    if change.undone_at is not None:
        if world.fuse(change.fuse_name).uid is not None:
            yield do.RemoveFuse(change)
    elif not change.touched or change.waits or seen.by_hand:
        pass
    elif seen.presence is Presence.UNKNOWN:
        # To revert is to look first, so it need not wait until the engine sees.
        yield from (do.Read(change.name), do.Revert(change))
    elif held(change, seen):
        yield do.Revert(change)
