"""Namespaces that have become free, within this process: who waits for a lock is told when a drill gives it back."""

import asyncio
from typing import Final

PATIENCE: Final = 5.0
"""Longest time between two tries for a namespace's lock, in seconds: who gives it back may be another process."""


class Freed:
    """One event a namespace that somebody waits for."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Event] = {}

    def given_back(self, namespace: str) -> None:
        """Wake all that wait for a namespace; they try for its lock again."""
        event = self._waiting.pop(namespace, None)
        if event is not None:
            event.set()

    async def wait(self, namespace: str) -> None:
        """Return when the namespace's lock may be free."""
        event = self._waiting.setdefault(namespace, asyncio.Event())
        try:
            async with asyncio.timeout(PATIENCE):
                await event.wait()
        except TimeoutError:
            return
