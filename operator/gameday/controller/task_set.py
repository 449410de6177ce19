"""The tasks of a running drill, cancelled when it ends; an error in one of them ends the drill's runner."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class TaskSet:
    """Starts tasks in a group and can cancel them all, which leaves the group without an error."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task."""
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        """Cancel what still goes on."""
        for task in list(self._tasks):
            task.cancel()
