"""The question put to a track, and its answer."""

from dataclasses import dataclass
from typing import Final

from gameday.model.record import ResultState

SKEW_WIDENS: Final = 0.2
"""Clock difference between nodes, in seconds, above which it counts towards a resolution."""

SKEW_VOIDS: Final = 2.0
"""Clock difference between nodes, in seconds, above which no time is given."""


@dataclass(frozen=True, slots=True)
class Window:
    """The span in which an expectation is judged. All times are Unix seconds, all lengths seconds.

    ``requested_at`` is when the stage's change was asked for (the start of the steady state), ``zero_at`` when it is
    proven to have happened, ``ends_at`` the end of the stage once that is known. ``length`` is the stage's length,
    ``grace`` how long samples may trail a deadline before they count as missing.
    """

    requested_at: float
    zero_at: float | None
    ends_at: float | None
    length: float
    now: float
    grace: float
    zero_resolution: float = 0.0
    skew: float = 0.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """The state of an expectation. ``at`` is when it was met, or from when on it counts as missed.

    ``seconds`` is the measured time from zero, known to ``resolution`` seconds; both None where there is no number.
    """

    state: ResultState
    at: float = 0.0
    seconds: float | None = None
    resolution: float | None = None
    why: str = ""


PENDING: Final = Judgement(ResultState.PENDING)
