"""Runs one drill: passes observations to the drill's loop, and does with asyncio what the loop returns."""

import asyncio
from collections.abc import Callable

from gameday.controller.background import Background
from gameday.controller.drill.agents import tellers
from gameday.controller.drill.feed import Feed
from gameday.controller.drill.hands import Hands
from gameday.controller.drill.memory import Memory
from gameday.controller.drill.view import View, life_of
from gameday.controller.drill.watched import Watched
from gameday.controller.logs import logger, of_drill
from gameday.engine.drill.commands import Command, LetGo, key_of
from gameday.engine.drill.loop import DrillLoop, Save, Work
from gameday.errors import GameDayError, NamespaceBusy, NoAnswer
from gameday.model.record import Phase, Record
from gameday.model.world import Life

log = logger("gameday.drill")


class DrillRunner:
    """Carries one drill out, from wherever an earlier process left it to its end.

    ``plan`` is called while the drill has no plan yet, to see whether its GameDay is there.
    """

    def __init__(
        self,
        loop: DrillLoop,
        memory: Memory,
        view: View,
        feed: Feed,
        hands: Hands,
        clock: Callable[[], float],
        plan: Callable[[], None],
    ) -> None:
        self.log = log.bind(**of_drill(memory.drill))
        self.loop = loop
        self.memory = memory
        self.view = view
        self.feed = feed
        self.hands = hands
        self.clock = clock
        self.find_plan = plan
        self.watched = Watched(
            view.account, memory.namespace, clock, feed.take, resumed=memory.record.steady_from is not None
        )
        self._wake = asyncio.Event()

    async def run(self) -> Record:
        """Return the finished record once nothing is left to do for this drill.

        Raises:
            Superseded: when somebody else has written this drill's record.
            ClaimedElsewhere: when another installation of the operator has claimed this drill.

        """
        async with asyncio.TaskGroup() as group:
            background = Background(group)
            self.view.open(background, self._wake.set)
            self.feed.on_sample(self._wake.set)
            for change in self.memory.record.changes:
                self.view.open_change(change.name)
            try:
                return await self._run(background)
            finally:
                self.view.close()
                background.cancel()

    async def _run(self, background: Background) -> Record:
        while True:
            self._wake.clear()
            self._attend(background)
            work = self._look()
            blind = work.blind
            while True:
                self._start(background, work)
                if work.save is None:
                    break
                work = await self._save(work.save)
            if work.over or (blind and await self._namespace_ended()):
                return self.loop.record
            await self._rest(work.look_at)

    def _look(self) -> Work:
        if not self.view.synced:
            return self.loop.look_in_vain(self.view.blind, self.clock())
        return self.loop.look(self.memory.plan, self.view.world(), self.clock(), must_save=self.memory.must_save)

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
        self.view.open_namespace(plan)
        if self.memory.unreadable:
            return
        if self.feed.evidence is None:
            self.feed.evidence = self.loop.prepare(plan, setup.twins())
            self.feed.tellers = tellers(plan)
        for agent, pod in self.view.logging_pods().items():
            if life_of(pod) in {Life.RUNNING, Life.ENDED}:
                self.feed.follow(background, agent, pod["metadata"]["name"])
        if self.memory.record.phase is not Phase.PREFLIGHT:
            self.watched.open(background, plan.probes)

    async def _save(self, save: Save) -> Work:
        if save.figures is not None:
            self.memory.measurements = save.figures
        try:
            await self.memory.save(save.record)
        except GameDayError as error:
            self.log.warning("the Drill's status was not saved, so nothing is changed: %s", error, reason=error.reason)
            return self.loop.not_saved(self.clock(), error.after)
        work = self.loop.saved(self.clock())
        for line in work.tell:
            self.memory.narrate(line)
        return work

    async def _rest(self, until: float) -> None:
        try:
            async with asyncio.timeout(until - self.clock()):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _namespace_ended(self) -> bool:
        """Whether the namespace is being deleted, so that nothing is left to do but to let go of the Drill."""
        drill = self.view.only("drill")
        try:
            if drill is None or "deletionTimestamp" not in drill["metadata"] or not await self.hands.namespace_ends():
                return False
            await self.hands.do(LetGo())
        except GameDayError as error:
            self.log.warning("the finalizer was not removed: %s", error, reason=error.reason)
            return False
        return True

    def _start(self, background: Background, work: Work) -> None:
        for command in work.start:
            background.start(self._carry_out(command))
        if work.find_leak:
            background.start(self._find_leak())

    async def _carry_out(self, command: Command) -> None:
        try:
            await self.hands.do(command)
        except NamespaceBusy as error:
            self._failed(command, error)
            await self.hands.freed.wait(self.memory.namespace)
            self.loop.answered(command, self.clock(), str(error), rests=False)
        except GameDayError as error:
            self._failed(command, error)
            answer = not isinstance(error, NoAnswer)
            self.loop.answered(command, self.clock(), str(error), after=error.after, answer=answer)
        else:
            self.loop.answered(command, self.clock())
        finally:
            self._wake.set()

    def _failed(self, command: Command, error: GameDayError) -> None:
        """Say it once, and have the engine hear of it now."""
        if self.loop.failing(command, str(error)):
            self.log.warning("%s: %s", key_of(command), error, reason=error.reason)
        self._wake.set()

    async def _find_leak(self) -> None:
        try:
            await self.hands.find_leak()
        except GameDayError as error:
            self.log.warning("the policies that may let traffic through were not read: %s", error, reason=error.reason)
