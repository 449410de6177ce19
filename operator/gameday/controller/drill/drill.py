"""Runs one drill: passes observations to the drill's loop, and does with asyncio what the loop returns."""

import asyncio
from collections.abc import Callable

from gameday.cluster.lease import namespace_ends
from gameday.controller.drill.agents import probe_agents
from gameday.controller.drill.command_executor import CommandExecutor
from gameday.controller.drill.informers import DrillInformers
from gameday.controller.drill.log_follower import LogFollower
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.controller.drill.pods import life_of
from gameday.controller.drill.watch_probes import WatchProbes
from gameday.controller.logs import logger, of_drill
from gameday.controller.task_set import TaskSet
from gameday.engine.drill.commands import Command, RemoveFinalizer, key_of
from gameday.engine.drill.loop import DrillLoop, Save, Work
from gameday.errors import ChangedByAdmission, Forbidden, GameDayError, NamespaceBusy, OutcomeUnknown
from gameday.model.observation import Life
from gameday.model.record import DrillRecord, Phase

log = logger("gameday.drill")


class DrillRunner:
    """Carries one drill out, from wherever an earlier process left it to its end.

    ``plan`` is called while the drill has no plan yet, to see whether its GameDay is there.
    """

    def __init__(
        self,
        loop: DrillLoop,
        persisted: PersistedDrill,
        informers: DrillInformers,
        follower: LogFollower,
        executor: CommandExecutor,
        clock: Callable[[], float],
        plan: Callable[[], None],
    ) -> None:
        self.log = log.bind(**of_drill(persisted.drill))
        self.loop = loop
        self.persisted = persisted
        self.informers = informers
        self.follower = follower
        self.executor = executor
        self.clock = clock
        self.find_plan = plan
        self.watch_probes = WatchProbes(
            informers.account,
            persisted.namespace,
            clock,
            follower.take,
            resumed=persisted.record.steady_from is not None,
        )
        self._wake = asyncio.Event()

    async def run(self) -> DrillRecord:
        """Return the finished record once nothing is left to do for this drill.

        Raises:
            Superseded: when somebody else has written this drill's record.
            ClaimedElsewhere: when another installation of the operator has claimed this drill.

        """
        async with asyncio.TaskGroup() as group:
            tasks = TaskSet(group)
            self.informers.open(tasks, self._wake.set)
            self.follower.on_sample(self._wake.set)
            for change in self.persisted.record.changes:
                self.informers.open_change(change.name)
            try:
                return await self._run(tasks)
            finally:
                self.informers.close()
                tasks.cancel()

    async def _run(self, tasks: TaskSet) -> DrillRecord:
        while True:
            self._wake.clear()
            self._attend(tasks)
            work = self._look()
            blind = work.blind
            while True:
                self._start(tasks, work)
                if work.save is None:
                    break
                work = await self._save(work.save)
            if work.over or (blind and await self._namespace_ended()):
                return self.loop.record
            await self._rest(work.look_at)

    def _look(self) -> Work:
        if not self.informers.synced:
            return self.loop.look_in_vain(self.informers.list_error, self.clock())
        return self.loop.look(
            self.persisted.plan, self.informers.observe(), self.clock(), must_save=self.persisted.must_save,
            unseen=self.informers.watch_error or self.informers.unlisted,
        )  # fmt: skip

    def _attend(self, tasks: TaskSet) -> None:
        """Open what the drill needs now: its plan, its informers, its agents' logs."""
        drill = self.informers.single("drill")
        if drill is not None:
            self.persisted.update_cached(drill)
            self.persisted.check()
        self.find_plan()
        plan, setup = self.persisted.plan, self.persisted.setup
        if plan is None or setup is None:
            return
        self.informers.open_namespace(plan)
        if self.persisted.unreadable:
            return
        if self.follower.evidence is None:
            self.follower.evidence = self.loop.prepare(plan, setup.pair_numbers())
            self.follower.probe_agents = probe_agents(plan)
        for agent, pod in self.informers.logging_pods().items():
            if (life := life_of(pod)) in {Life.RUNNING, Life.ENDED}:
                self.follower.follow(tasks, agent, pod["metadata"]["name"], ended=life is Life.ENDED)
        if self.persisted.record.phase is not Phase.PREFLIGHT:
            self.watch_probes.open(tasks, plan.probes)

    async def _save(self, save: Save) -> Work:
        if save.figures is not None:
            self.persisted.measurements = save.figures
        try:
            await self.persisted.save(save.record)
        except GameDayError as error:
            self.log.warning("the Drill's status was not saved, so nothing is changed: %s", error, reason=error.reason)
            return self.loop.not_saved(self.clock(), error.after)
        work = self.loop.saved(self.clock(), gone=self.persisted.gone)
        for line in work.tell:
            self.persisted.narrate(line)
        return work

    async def _rest(self, until: float) -> None:
        try:
            async with asyncio.timeout(until - self.clock()):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _namespace_ended(self) -> bool:
        """Whether the namespace is being deleted, so that nothing is left to do but to let go of the Drill."""
        drill = self.informers.own_drill()
        try:
            if (
                drill is None
                or "deletionTimestamp" not in drill["metadata"]
                or not await namespace_ends(self.executor.operator, self.executor.namespace)
            ):
                return False
            await self.executor.execute(RemoveFinalizer())
        except GameDayError as error:
            self.log.warning("the finalizer was not removed: %s", error, reason=error.reason)
            return False
        return True

    def _start(self, tasks: TaskSet, work: Work) -> None:
        for command in work.start:
            tasks.start(self._carry_out(command))
        if work.find_bypass:
            tasks.start(self._find_bypass())

    async def _carry_out(self, command: Command) -> None:
        try:
            await self.executor.execute(command)
        except NamespaceBusy as error:
            self._failed(command, error)
            await self.executor.lock_waiters.wait(self.persisted.namespace)
            self.loop.answered(command, self.clock(), str(error), rests=False)
        except GameDayError as error:
            self._failed(command, error)
            self.loop.answered(
                command, self.clock(), str(error), after=error.after, answer=not isinstance(error, OutcomeUnknown),
                refused=isinstance(error, Forbidden), changed=isinstance(error, ChangedByAdmission),
            )  # fmt: skip
        else:
            self.loop.answered(command, self.clock())
        finally:
            self._wake.set()

    def _failed(self, command: Command, error: GameDayError) -> None:
        """Say it once, and have the engine hear of it now."""
        if self.loop.failing(command, str(error)):
            self.log.warning("%s: %s", key_of(command), error, reason=error.reason)
        self._wake.set()

    async def _find_bypass(self) -> None:
        try:
            await self.executor.find_bypass()
        except GameDayError as error:
            self.log.warning("the policies that may let traffic through were not read: %s", error, reason=error.reason)
