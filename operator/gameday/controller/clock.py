"""The clocks of a process, and the time of one drill: it begins with the wall clock's and never jumps.

Nothing else in the operator reads the wall clock; the agents read that of their own node.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gameday.api.record import timeline_of


@dataclass(frozen=True, slots=True)
class Clock:
    """The clocks of a process: ``wall`` returns Unix seconds and may step, ``monotonic`` may not."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


def steady(wall: Callable[[], float], monotonic: Callable[[], float], drill: dict[str, Any]) -> Callable[[], float]:
    """A clock for a drill, in Unix seconds, that never runs back behind what an earlier process has recorded.

    A step of the wall clock would otherwise cut deadlines short or stretch them by as much.
    """
    offset = ahead(wall(), monotonic(), [line.at for line in timeline_of(drill.get("status", {}))])
    return lambda: monotonic() + offset


def ahead(wall: float, monotonic: float, told: Iterable[float]) -> float:
    """By how many seconds a drill's clock is ahead of the monotonic one, given what was recorded at which times."""
    return max([wall, *told]) - monotonic
