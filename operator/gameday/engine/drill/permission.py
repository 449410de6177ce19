"""Whether the administrator allows drills to start, and faults to be applied, at this moment."""

from gameday.model.halt import HaltState
from gameday.model.limits import RulingState
from gameday.model.record import Cause
from gameday.model.world import World


def hindrance(world: World) -> tuple[Cause, str] | None:
    """Why no drill may start and no fault may be applied now, or None. Running drills are not affected."""
    match world.halt.state:
        case HaltState.HALTED:
            return Cause.HALTED, str(world.halt)
        case HaltState.UNREADABLE:
            return Cause.HALT_UNKNOWN, str(world.halt)
        case HaltState.CLEAR:
            pass
    match world.ruling.state:
        case RulingState.INVALID:
            return Cause.LIMITS_INVALID, world.ruling.why
        case RulingState.UNREADABLE:
            return Cause.LIMITS_UNKNOWN, world.ruling.why
        case RulingState.KNOWN:
            return None
