"""An event loop whose time the world moves: a process is killed by never running its loop again."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, cast

from simulation.world import HotLoop

NEVER = float("inf")
CALM = 5000
"""Most callbacks that one process may run at one moment: more of them is a loop that never waits."""


class ProcessLoop:
    """The loop of one simulated process. ``now`` tells the world's seconds; nothing here waits for real ones.

    It has what asyncio's tasks, timers and locks ask of a loop, and nothing else.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._as_loop = cast("asyncio.AbstractEventLoop", self)
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._count = 0
        self.stopped = False
        """Whether the process is dead: nothing of it runs any more, in the middle of a turn as well."""
        self.errors: list[dict[str, Any]] = []

    def time(self) -> float:
        """Seconds, as the world counts them."""
        return self._now()

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:
        """Run it at the next turn."""
        handle = asyncio.Handle(callback, args, self._as_loop, context)
        self._ready.append(handle)
        return handle

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        """Run it at a moment of the world's time."""
        handle = asyncio.TimerHandle(when, callback, args, self._as_loop, context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def call_later(
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run it after so many seconds."""
        return self.call_at(self._now() + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is passed over when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self._as_loop)

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: object = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        """A task of this loop."""
        return asyncio.Task(coro, loop=self._as_loop, context=context)

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """As far as its tasks can tell."""
        return True

    def is_closed(self) -> bool:
        """It needs no closing."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what nobody looked at."""
        self.errors.append(context)

    def due(self) -> float:
        """The moment at which there is something to run."""
        if self.stopped:
            return NEVER
        if self._ready:
            return self._now()
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else NEVER

    def turn(self) -> None:
        """Run all that is due now, and what follows from it at the same moment."""
        now, ready, timers, left = self._now(), self._ready, self._timers, CALM
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self._as_loop)
        try:
            while True:
                while timers and timers[0][0] <= now:
                    timer = heapq.heappop(timers)[2]
                    if not timer.cancelled():
                        ready.append(timer)
                if not ready or self.stopped:
                    return
                while ready and not self.stopped:
                    left -= 1
                    if left < 0:
                        raise HotLoop(f"{CALM} callbacks at one moment; the next: {ready[0]!r}")
                    handle = ready.popleft()
                    if not handle.cancelled():
                        handle._run()
        finally:
            asyncio._set_running_loop(before)
