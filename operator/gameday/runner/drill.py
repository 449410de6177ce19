"""The loop of one drill: look, decide, save, act; and again when anything has changed.

The order is the safety of it. What the engine decided is saved before any of it is done, and a record that cannot be
saved stops the loop before it acts: another process may be acting for this drill.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from gameday.engine.commands import Command, key_of
from gameday.engine.drill import decide
from gameday.engine.orders import orders
from gameday.engine.situation import Situation
from gameday.errors import GameDayError
from gameday.model.plan import Plan
from gameday.model.record import Line, Phase, Record
from gameday.runner.feed import Feed
from gameday.runner.hands import Hands
from gameday.runner.memory import Memory
from gameday.runner.view import View

LOOK_EVERY = 0.5
"""Longest time between two looks, in seconds: deadlines pass without an event."""

RETRY_FIRST, RETRY_LAST = 0.25, 5.0
"""Seconds between two tries of a command that failed: doubled each time, up to the last."""

log = logging.getLogger("gameday.drill")

Narrator = Callable[[Record, Line], None]


class DrillRunner:
    """Carries one drill out, from wherever an earlier process left it to its end."""

    def __init__(self, memory: Memory, view: View, feed: Feed, hands: Hands, clock: Callable[[], float]) -> None:
        self.memory = memory
        self.view = view
        self.feed = feed
        self.hands = hands
        self.clock = clock
        self.wake = asyncio.Event()
        self.running: dict[str, asyncio.Task[None]] = {}
        self.errors: dict[str, str] = {}

    async def run(self) -> Record:
        """Return the finished record once nothing is left to do for this drill.

        Raises:
            Superseded: when another process has written this drill's record.
        """
        self.view.on_change(self.wake.set)
        self.feed.on_sample(self.wake.set)
        async with asyncio.TaskGroup() as group:
            watching = [group.create_task(self.view.run()), group.create_task(self.feed.run())]
            try:
                return await self._loop(group)
            finally:
                for task in (*watching, *self.running.values()):
                    task.cancel()

    async def _loop(self, group: asyncio.TaskGroup) -> Record:
        while True:
            self.wake.clear()
            record, plan = self._decide()
            if record != self.memory.record:
                await self.memory.save(record)
            commands = orders(plan, record, self._world())
            for command in commands:
                self._start(group, command)
            if record.phase is Phase.FINISHED and not commands and not self.running:
                return record
            await self._rest()

    def _decide(self) -> tuple[Record, Plan | None]:
        plan, record = self.memory.plan, self.memory.record
        self.feed.follow(plan, record)
        situation = Situation(plan or self.memory.no_plan, record, self._world(), self.feed.seen, self.clock())
        return decide(situation), plan

    def _world(self) -> "World":
        return replace(self.view.world(), errors=dict(self.errors))

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await self.wake.wait()
        except TimeoutError:
            return

    def _start(self, group: asyncio.TaskGroup, command: Command) -> None:
        key = key_of(command)
        if key not in self.running:
            self.running[key] = group.create_task(self._carry_out(key, command))

    async def _carry_out(self, key: str, command: Command) -> None:
        """Do it once; after an error wait a little before the engine may ask again."""
        pause = 0.0
        try:
            await self.hands.do(command)
            self.errors.pop(key, None)
        except GameDayError as error:
            self.errors[key] = str(error)
            log.warning("%s failed: %s", key, error, extra={"drill": self.memory.name, "command": key})
            pause = RETRY_FIRST
        finally:
            if not pause:
                self.running.pop(key, None)
                self.wake.set()
        if pause:
            await asyncio.sleep(pause)
            self.running.pop(key, None)
            self.wake.set()
