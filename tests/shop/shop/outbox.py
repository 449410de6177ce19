"""The outbox: every accepted webhook waits here, in memory, until Redis has it."""

from collections import deque
from typing import Any, Final

MOST: Final = 1000
"""Webhooks that fit."""

Webhook = dict[str, Any]


class Outbox:
    """Counts what was accepted and what was written apart from what it holds: the difference is what would be lost."""

    def __init__(self) -> None:
        self._waiting: deque[Webhook] = deque()
        self._accepted = 0
        self._written = 0

    @property
    def full(self) -> bool:
        """Whether nothing more fits."""
        return len(self._waiting) >= MOST

    @property
    def first(self) -> Webhook | None:
        """The webhook to write next."""
        return self._waiting[0] if self._waiting else None

    @property
    def buffered(self) -> int:
        """Webhooks held."""
        return len(self._waiting)

    @property
    def unwritten(self) -> int:
        """Webhooks accepted and not known to be in Redis."""
        return self._accepted - self._written

    def accept(self, webhook: Webhook) -> None:
        """Take one in."""
        self._accepted += 1
        self._waiting.append(webhook)

    def written(self, webhook: Webhook) -> None:
        """Note that Redis has it; nobody knows of one that was forgotten in the meantime."""
        if self._waiting and self._waiting[0] is webhook:
            self._waiting.popleft()
            self._written += 1

    def lose(self) -> None:
        """Forget what is held: the defect LOSE_BUFFER."""
        self._waiting.clear()
