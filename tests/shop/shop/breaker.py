"""The circuit breaker: after failures in a row, Redis is left alone for a while."""

from collections.abc import Callable
from typing import Final

OPENS_AFTER: Final = 2
"""Failures in a row."""
RESTS: Final = 2.0
"""Seconds until one more attempt is let through."""


class Breaker:
    """``closed``, ``open`` or ``half-open``, which it is ``rests`` seconds after the newest failure.

    With the defect NO_BREAKER it does not work and stays closed.
    """

    def __init__(self, clock: Callable[[], float], *, works: bool = True, rests: float = RESTS) -> None:
        self._clock = clock
        self._works = works
        self._rests = rests
        self._failures = 0
        self._opened_at: float | None = None

    def succeeded(self) -> None:
        """Note an answer of Redis."""
        self._failures, self._opened_at = 0, None

    def failed(self) -> None:
        """Note that Redis did not answer."""
        self._failures += 1
        if self._works and self._failures >= OPENS_AFTER:
            self._opened_at = self._clock()

    @property
    def state(self) -> str:
        """The state's name."""
        if self._opened_at is None:
            return "closed"
        return "open" if self._clock() - self._opened_at < self._rests else "half-open"

    @property
    def closed(self) -> bool:
        """Whether Redis is believed to be there."""
        return self._opened_at is None
