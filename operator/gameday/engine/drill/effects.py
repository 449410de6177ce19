"""Whether faults have taken effect, and whether that is over: each is proven for itself.

What is witnessed is shown by the dials of witnesses and controls (``evidence.proof``). For all else the object shows
it: it is as the fault set it, and what follows from that has happened.
"""

from dataclasses import dataclass

from gameday.engine.drill.situation import Situation
from gameday.engine.drill.undo_log import of_faults
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.plan import Plan
from gameday.model.record import Record


@dataclass(frozen=True, slots=True)
class Effect:
    """A moment at which an effect began: a Unix second, how finely it is known (seconds), and what shows it."""

    at: float
    resolution: float
    how: str


def witnessed(plan: Plan) -> frozenset[str]:
    """The names of the faults that witnesses and controls show."""
    return frozenset(fault.name for fault in plan.outage.faults if fault.action.WITNESSED)


def cut(record: Record, plan: Plan) -> Change | None:
    """The entry of the fault that witnesses and controls show; None where there is none, or not yet."""
    names = witnessed(plan)
    return next((change for change in record.changes if change.name in names), None)


def cut_requested_at(record: Record, plan: Plan) -> float | None:
    """When the fault that witnesses and controls show was asked for."""
    change = cut(record, plan)
    return change.requested_at if change is not None else None


def ready(at: Situation) -> bool:
    """Whether all witnesses and controls get through, so that a cut would show."""
    return not witnessed(at.plan) or at.seen.proof.ready(at.now)


def taken(at: Situation, change: Change) -> Effect | None:
    """The effect of a fault that was asked for, once it is proven."""
    if change.state is not ChangeState.ACTIVE or change.requested_at is None:
        return None
    after = "{:.2f} s after the request"
    if change.name in witnessed(at.plan):
        zero = at.seen.proof.zero(change.requested_at)
        if zero is None:
            return None
        how = f"witnesses cut off {after.format(zero.at - change.requested_at)}, controls spared"
        return Effect(zero.at, zero.resolution, how)
    seen = at.world.change(change.name)
    if seen.presence is not Presence.PRESENT or not seen.settled:
        return None
    # It began at some time between the request and this look.
    took = at.now - change.requested_at
    return Effect(at.now, took, f"{seen.shown} {after.format(took)}")


def over(at: Situation) -> float | None:
    """The Unix second from which the system was free of every fault; None while that is not known.

    Each entry of a fault must have been undone before.
    """
    changes = of_faults(at.record, at.plan)
    names = witnessed(at.plan)
    ends = [change.undone_at or at.now for change in changes if change.name not in names]
    if any(change.name in names for change in changes):
        restored = at.seen.proof.restored(at.record.undo_requested_at or at.now)
        if restored is None:
            return None
        ends.append(restored.at)
    return max(ends, default=at.now)
