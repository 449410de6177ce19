"""How long a task waits before it tries again what somebody else's change, or the API server, has hindered."""

import asyncio
from typing import Final

from gameday.errors import GameDayError

FIRST: Final = 0.01
"""Seconds before the second try: most conflicts are with one other writer, and over at once."""
LONGEST: Final = 1.0
"""Longest pause of the operator's own, in seconds; the API server may ask for a longer one."""
TRIES: Final = 10
"""Tries after which the error is the caller's: 3.3 s of pauses."""


class Backoff:
    """Pauses between the tries of one task, each twice as long as the one before."""

    def __init__(self) -> None:
        self._pause = FIRST
        self._tries = 0

    async def wait(self, error: GameDayError) -> None:
        """Wait before the next try, at least as long as the API server asks.

        Raises:
            GameDayError: the same error, when it has come too often.

        """
        self._tries += 1
        if self._tries >= TRIES:
            raise error
        await asyncio.sleep(max(self._pause, error.after))
        self._pause = min(2 * self._pause, LONGEST)
