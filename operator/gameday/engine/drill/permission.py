"""Whether the administrator allows drills to start, and faults to be applied, at this moment."""

from gameday.model.halt import HaltState
from gameday.model.limits import LimitsValidity
from gameday.model.observation import Observation
from gameday.model.record import Reason


def blocked_by(observed: Observation) -> tuple[Reason, str] | None:
    """Why no drill may start and no fault may be applied now, or None. Running drills are not affected."""
    match observed.halt.state:
        case HaltState.HALTED:
            return Reason.HALTED, str(observed.halt)
        case HaltState.UNREADABLE:
            return Reason.HALT_UNKNOWN, str(observed.halt)
        case HaltState.CLEAR:
            pass
    match observed.limits_state.state:
        case LimitsValidity.INVALID:
            return Reason.LIMITS_INVALID, observed.limits_state.why
        case LimitsValidity.UNREADABLE:
            return Reason.LIMITS_UNKNOWN, observed.limits_state.why
        case LimitsValidity.KNOWN:
            return None
