"""The loop of one drill: look, decide, save, act; and again when anything has changed.

The order is the safety of it. What the engine decided is saved before any of it is done, and a record that cannot be
saved stops the loop before it acts: another process may be acting for this drill. Only lifting a cut waits for nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from gameday.controller.background import Background
from gameday.controller.drill.agents import tellers
from gameday.controller.drill.feed import Feed
from gameday.controller.drill.hands import Hands
from gameday.controller.drill.lanes import RETRY_AFTER, Lanes, lane_of
from gameday.controller.drill.measured import measurements
from gameday.controller.drill.memory import Memory
from gameday.controller.drill.recall import NO_PLAN
from gameday.controller.drill.view import View, life_of
from gameday.controller.drill.watched import Watched
from gameday.controller.logs import logger, of_drill
from gameday.engine.drill.commands import Command, LetGo, Lift, key_of
from gameday.engine.drill.decide import decide
from gameday.engine.drill.orders import orders
from gameday.engine.drill.situation import Situation
from gameday.engine.evidence.evidence import Evidence
from gameday.errors import GameDayError, NamespaceBusy
from gameday.model.record import Phase, Record
from gameday.model.world import CommandKey, Life, Lock, World

LOOK_EVERY: Final = 0.5
"""Longest time between two looks, in seconds: deadlines pass without an event."""
LOOK_AGAIN_AFTER: Final = 3.0
"""Seconds between two preflights of a drill that waits for a rollout to end."""
LOOK_FOR_LEAK_AFTER: Final = 10.0
"""Seconds after the injection from which a cut without effect is suspicious."""
BLIND_AFTER: Final = 10.0
"""Seconds after which it is told what keeps us from seeing a namespace."""
LIFT_FIRST: Final = 0.5
"""Longest that a record waits for the lifting of a cut, in seconds."""
CATCH_UP: Final = 20.0
"""Longest wait, in seconds, for the logs to be read again after a restart before anything is decided from them."""

log = logger("gameday.drill")


class DrillRunner:
    """Carries one drill out, from wherever an earlier process left it to its end.

    ``plan`` is called while the drill has no plan yet, to see whether its GameDay is there.
    """

    def __init__(
        self,
        memory: Memory,
        view: View,
        feed: Feed,
        hands: Hands,
        clock: Callable[[], float],
        plan: Callable[[], None],
    ) -> None:
        self.log = log.bind(**of_drill(memory.drill))
        self.memory = memory
        self.view = view
        self.feed = feed
        self.hands = hands
        self.clock = clock
        self.find_plan = plan
        self.watched = Watched(
            view.account, memory.namespace, clock, feed.take, resumed=memory.record.steady_from is not None
        )
        self.lanes = Lanes()
        self._tasks: dict[CommandKey, asyncio.Task[None]] = {}
        """The newest task of each lane."""
        self._wake = asyncio.Event()
        self._none = Evidence(NO_PLAN)
        self._began_deciding = False
        self._sought_leak = False

    async def run(self) -> Record:
        """Return the finished record once nothing is left to do for this drill.

        Raises:
            Superseded: when somebody else has written this drill's record.
            ClaimedElsewhere: when another installation of the operator has claimed this drill.

        """
        if self.memory.record.phase is not Phase.PENDING:
            self.view.lock = Lock.HELD
        async with asyncio.TaskGroup() as group:
            background = Background(group)
            self.view.open(background, self._wake.set)
            self.feed.on_sample(self._wake.set)
            for hold in self.memory.record.holds:
                if hold.before is not None:
                    self.view.open_workload(hold.object_name)
            try:
                return await self._loop(background)
            finally:
                self.view.close()
                background.cancel()

    async def _loop(self, background: Background) -> Record:
        while True:
            self._wake.clear()
            self._attend(background)
            if self._can_decide():
                world = self._world()
                record = self._decide(world)
                commands = orders(self.memory.plan, record, world)
                await self._lift(background, commands)
                if (record != self.memory.record or self.memory.must_save) and not await self._saved(record):
                    continue
                for command in commands:
                    self._start(background, command)
                if record.phase is Phase.FINISHED and not commands and not self.lanes and not world.arriving:
                    return record
            elif self.view.blind and self.clock() > self.view.resumed_at + BLIND_AFTER and await self._blind():
                return self.memory.record
            await self._rest()

    async def _blind(self) -> bool:
        """Say what keeps us from seeing the namespace; True when it is being deleted, so that nothing is left to do."""
        record = self.memory.record.stalled(self.view.blind, self.clock())
        if record != self.memory.record:
            await self._saved(record)
        drill = self.view.only("drill")
        try:
            if drill is None or "deletionTimestamp" not in drill["metadata"] or not await self.hands.namespace_ends():
                return False
            await self.hands.do(LetGo())
        except GameDayError as error:
            self.log.warning("not let go: %s", error, reason=error.reason)
            return False
        return True

    async def _lift(self, background: Background, commands: tuple[Command, ...]) -> None:
        """Lift at once: an undo waits for no record, and what could not be saved must not keep a cut in place."""
        lanes = []
        for command in commands:
            if isinstance(command, Lift):
                self._start(background, command)
                lanes.append(lane_of(command))
        under_way = [task for lane in lanes if (task := self._tasks.get(lane)) is not None and not task.done()]
        if under_way:
            await asyncio.wait(under_way, timeout=LIFT_FIRST)

    def _attend(self, background: Background) -> None:
        """Open what the drill has come to need: its plan, its mirrors, its agents' logs."""
        drill = self.view.only("drill")
        if drill is not None:
            self.memory.hear(drill)
            self.memory.check()
        self.find_plan()
        plan, setup = self.memory.plan, self.memory.setup
        if plan is None or setup is None:
            return
        self.view.open_namespace(setup, plan)
        if self.memory.unreadable:
            return
        if self.feed.evidence is None:
            self.feed.evidence = Evidence(plan, len(setup.pairs))
            self.feed.tellers = tellers(plan)
            if self.memory.record.inject_requested_at is not None or self.memory.record.holds:
                self.feed.evidence.set_baseline(self.memory.record.baseline)
        for agent, pod in self.view.logging_pods().items():
            if life_of(pod) in {Life.RUNNING, Life.ENDED}:
                self.feed.follow(background, agent, pod["metadata"]["name"])
        self._look_for_leak(background)
        if self.memory.record.phase is not Phase.PREFLIGHT:
            self.watched.open(background, plan.probes)

    def _look_for_leak(self, background: Background) -> None:
        """A cut that shows no effect in time will end the drill: have its most likely cause ready by then."""
        record = self.memory.record
        asked = record.inject_requested_at
        late = asked is not None and record.zero is None and self.clock() > asked + LOOK_FOR_LEAK_AFTER
        if record.phase is Phase.OUTAGE and late and not self._sought_leak:
            self._sought_leak = True
            background.start(self._find_leak())

    async def _find_leak(self) -> None:
        try:
            await self.hands.find_leak()
        except GameDayError as error:
            self.log.warning("what lets traffic through was not found: %s", error, reason=error.reason)

    def _can_decide(self) -> bool:
        """Nothing is concluded from what was not read yet: neither from mirrors nor, after a restart, from logs."""
        if not self.view.synced:
            return False
        evidence, record = self.feed.evidence, self.memory.record
        if self._began_deciding or evidence is None or record.steady_from is None:
            self._began_deciding = self._began_deciding or evidence is not None
            return True
        late = self.clock() > self.view.resumed_at + CATCH_UP
        dead = self.view.only("drill") is None or record.phase is Phase.FINISHED
        dead = dead or self.view.owner.halt.halted or bool(self.memory.overwritten)
        self._began_deciding = dead or late or evidence.caught_up(self.view.resumed_at)
        return self._began_deciding

    def _decide(self, world: World) -> Record:
        seen = self.feed.evidence or self._none
        plan = self.memory.plan or NO_PLAN
        record = decide(Situation(plan, self.memory.record, world, seen, self.clock()))
        if record.phase is Phase.FINISHED and self.memory.record.phase is not Phase.FINISHED:
            self.memory.measurements = measurements(plan, record, seen)
        return record

    def _world(self) -> World:
        preflight = self.view.preflight
        rolling = preflight is not None and bool(preflight.rolling)
        again = rolling and self.clock() >= self.view.preflight_at + LOOK_AGAIN_AFTER
        return self.view.world(self.lanes.errors, look_again=again)

    async def _saved(self, record: Record) -> bool:
        try:
            await self.memory.save(record)
        except GameDayError as error:
            self.log.warning("not saved, so nothing is done: %s", error, reason=error.reason)
            await asyncio.sleep(max(RETRY_AFTER, error.after))
            return False
        return True

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await self._wake.wait()
        except TimeoutError:
            return

    def _start(self, background: Background, command: Command) -> None:
        """Start a command, unless it has to wait."""
        if self.lanes.take(command, asyncio.get_running_loop().time()):
            self._tasks[lane_of(command)] = background.start(self._carry_out(command))

    async def _carry_out(self, command: Command) -> None:
        clock = asyncio.get_running_loop().time
        try:
            await self.hands.do(command)
        except NamespaceBusy as error:
            self._failed(command, error)
            await self.hands.freed.wait(self.memory.namespace)
            self.lanes.leave(command, clock(), str(error), rests=False)
        except GameDayError as error:
            self._failed(command, error)
            self.lanes.leave(command, clock(), str(error), after=error.after)
        except BaseException:
            self.lanes.leave(command, clock())
            raise
        else:
            self.lanes.leave(command, clock())
        finally:
            self._wake.set()

    def _failed(self, command: Command, error: GameDayError) -> None:
        """Say it once, and have the engine hear of it now."""
        if self.lanes.errors.get(key_of(command)) != str(error):
            self.log.warning("%s: %s", key_of(command), error, reason=error.reason)
        self.lanes.errors[key_of(command)] = str(error)
        self._wake.set()
