"""The world's clock: what happens when, in one order that follows from the seed alone."""

import heapq
import random
from collections.abc import Callable
from typing import Any, Protocol

from simulation.tally import Tally

START = 1_800_000_000.0
"""Unix second at which every world begins."""


MOST_EVENTS = 100_000
"""Events after which a world is called endless: a whole drill takes some two thousand."""


class HotLoop(RuntimeError):
    """Something goes on and on without an end."""


class Runs(Protocol):
    """Something that the world gives time to: an operator's process."""

    def due(self) -> float:
        """When it has something to run, in the world's seconds."""
        ...

    def turn(self) -> None:
        """Run it."""
        ...


class World:
    """Moves time from one event to the next. ``now`` is a Unix second."""

    def __init__(self, seed: int) -> None:
        self.now = START
        self.random = random.Random(seed)
        self.processes: list[Runs] = []
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0
        self._left = MOST_EVENTS
        self.tally = Tally()

    @property
    def elapsed(self) -> float:
        """Seconds since the world began."""
        return self.now - START

    def at(self, when: float, what: Callable[..., None], *args: Any) -> None:
        """Have it happen at a moment, or now where that has passed."""
        self._count += 1
        heapq.heappush(self._events, (max(when, self.now), self._count, what, args))

    def after(self, delay: float, what: Callable[..., None], *args: Any) -> None:
        """Have it happen after so many seconds."""
        self.at(self.now + delay, what, *args)

    def run(self, until: float, done: Callable[[], bool]) -> bool:
        """Let time pass until it is done; whether that was before ``until``.

        Raises:
            HotLoop: when there is no end to what happens.

        """
        events, processes = self._events, self.processes
        while True:
            soonest = events[0][0] if events else float("inf")
            for process in processes:
                soonest = min(soonest, process.due())
            if soonest > until:
                self.now = until
                return False
            self.now = max(self.now, soonest)
            while events and events[0][0] <= self.now:
                _, _, what, args = heapq.heappop(events)
                what(*args)
                self._left -= 1
            if self._left < 0:
                raise HotLoop(f"{MOST_EVENTS} events in {self.elapsed:.0f} s")
            for process in processes:
                if process.due() <= self.now:
                    process.turn()
            if done():
                return True
