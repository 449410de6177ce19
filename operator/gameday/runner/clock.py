"""The time of one drill: it begins with the wall clock's and never jumps, whatever becomes of that."""

from collections.abc import Callable
from typing import Any

from gameday.api.record import moment


def steady(wall: Callable[[], float], monotonic: Callable[[], float], drill: dict[str, Any]) -> Callable[[], float]:
    """A clock for a drill, in Unix seconds, that never runs back behind what an earlier process has recorded.

    A step of the wall clock would otherwise cut deadlines short or stretch them by as much.
    """
    told = [moment(line["at"]) for line in drill.get("status", {}).get("timeline", ())]
    ahead = max([wall(), *told]) - monotonic()
    return lambda: monotonic() + ahead
