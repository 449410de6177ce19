"""What a judge is told of a stage, and what it answers for one expectation."""

from dataclasses import dataclass

from gameday.model.record import ResultState


@dataclass(frozen=True, slots=True)
class Window:
    """The time in which an expectation is judged. Moments are Unix seconds, lengths are seconds.

    ``requested_at`` is when the change was asked for, ``zero_at`` when it is known to have begun (None: not yet),
    ``ends_at`` when the stage ended (None: under way), ``length`` the stage's planned length. ``grace`` is how long
    samples may trail a deadline; ``zero_resolution`` and ``skew`` widen what is measured.
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
    """An expectation as it stands. ``at`` is the moment that decides: first met, or the deadline that was missed."""

    state: ResultState
    at: float
    seconds: float | None = None
    resolution: float | None = None
    why: str = ""
