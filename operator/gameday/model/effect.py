"""The effect of a fault: when it began, how it ended, or why the drill must end."""

from dataclasses import dataclass
from typing import NamedTuple

from gameday.model.record import Reason


@dataclass(frozen=True, slots=True)
class Effect:
    """A moment at which an effect began: a Unix second, how finely it is known (seconds), and what shows it."""

    at: float
    resolution: float
    how: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A Unix second at which something was first seen, and its resolution: it happened up to as many seconds before."""

    at: float
    resolution: float


class End(NamedTuple):
    """Why a drill must end; ``since`` is the Unix second from which nothing counts as proven."""

    cause: Reason
    why: str
    since: float


@dataclass(frozen=True, slots=True)
class Ending:
    """That an effect is over, and how that is known; ``seen`` is False where it could not be shown in time."""

    how: str
    seen: bool = True
