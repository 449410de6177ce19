"""Wakes drills of this process that wait for a namespace lock when another drill releases it."""

import asyncio
from typing import Final

PATIENCE: Final = 5.0
"""Longest time between two attempts at a namespace's lock, in seconds; another process may release it."""


class NamespaceLockWaiters:
    """The drills that wait for each namespace, with one event per drill."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def wake(self, namespace: str) -> None:
        """Wake all drills that wait for a namespace; they try to acquire its lock again."""
        for event in self._waiting.pop(namespace, ()):
            event.set()

    async def wait(self, namespace: str) -> None:
        """Return when the namespace's lock may be free."""
        event = asyncio.Event()
        self._waiting.setdefault(namespace, set()).add(event)
        try:
            async with asyncio.timeout(PATIENCE):
                await event.wait()
        except TimeoutError:
            return
        finally:
            self._remove(namespace, event)

    def _remove(self, namespace: str, event: asyncio.Event) -> None:
        waiting = self._waiting.get(namespace, set())
        waiting.discard(event)
        if not waiting:
            self._waiting.pop(namespace, None)
