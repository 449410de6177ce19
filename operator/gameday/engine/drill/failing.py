"""How long to wait before what failed is tried again: the longer it has failed, the longer."""

from typing import Final

RETRY_AFTER: Final = 0.5
"""Seconds after which what was done once may be done again, whether it failed or its effect is not visible yet."""
LONGEST: Final = 5.0
"""Longest pause between two tries, in seconds: what undoes a change must not be late once it can be done again."""
SHARE: Final = 0.1
"""The pause as a share of the time for which it has failed: what comes back after a second is found at once, and what
fails for hours is asked for seldom."""
FORGET_AFTER: Final = 60.0
"""Seconds without a failure after which the next one is a new one. One try ends within that time."""


class Failing:
    """Since when one thing has failed again and again. Times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        """Nothing has failed yet."""
        self._since = self._last = float("-inf")

    def pause(self, now: float) -> float:
        """Note that it failed again; the seconds until it may be tried once more."""
        if now > self._last + FORGET_AFTER:
            self._since = now
        self._last = now
        return min(LONGEST, max(RETRY_AFTER, SHARE * (now - self._since)))
