"""One operator process: how its parts are connected, and in which order they start.

/healthz and /metrics answer first. Then Kopf fills the supervisor with the existing objects while this process tries
to acquire the Lease. Only the holder runs drills, and losing the Lease ends the process.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from gameday.actions.registry import KINDS
from gameday.api.managed_fields import strip_managed_fields
from gameday.api.parse import PlanTooBig
from gameday.cluster.client import Cluster
from gameday.cluster.events import EventRecorder, Subject
from gameday.cluster.lease import LEASE_SECONDS, LeaderElector, LeaseLost
from gameday.cluster.resources import CONFIG_MAPS, DRILLS, GAMEDAYS, Object, Resource
from gameday.controller.actions import Action, action_of
from gameday.controller.administrator import Administrator
from gameday.controller.clock import steady
from gameday.controller.drill.command_executor import CommandExecutor
from gameday.controller.drill.concurrency_limit import DrillConcurrencyLimit
from gameday.controller.drill.drill import DrillRunner
from gameday.controller.drill.informers import DrillInformers
from gameday.controller.drill.lock_waiters import NamespaceLockWaiters
from gameday.controller.drill.log_follower import LogFollower
from gameday.controller.drill.persisted_drill import PersistedDrill, Superseded
from gameday.controller.drill.samples import SampleKeeper
from gameday.controller.gameday.gamedays import check_gameday, read
from gameday.controller.logs import logger, named, of_drill
from gameday.controller.own_image import NoImage, image_of
from gameday.controller.process.forgotten_plans import ForgottenPlans
from gameday.controller.process.notifications import Notifications
from gameday.controller.process.status_conflicts import StatusConflicts
from gameday.controller.process.supervisor import Supervisor
from gameday.controller.schedule.schedules import Schedules
from gameday.controller.settings import Settings
from gameday.controller.store import Listed, Store
from gameday.controller.telemetry import Heartbeat, Metrics
from gameday.engine.drill.loop import DrillLoop
from gameday.engine.drill.permission import blocked_by
from gameday.errors import GameDayError, NotFound, PlanInvalid
from gameday.model.limits import LimitsValidity
from gameday.model.observation import Observation, Planned
from gameday.model.record import DrillRecord, Phase, TimelineEntry

log = logger("gameday.operator")

RESYNC_EVERY = 60.0
"""Seconds between two listings of all that is watched."""
RESYNC_AGAIN = 1.0
"""Seconds until a listing that failed is tried again: Kopf itself may pause for half a minute after an outage."""
SOON = {Phase.PREFLIGHT, Phase.OUTAGE, Phase.RECOVERY}
"""Phases whose begin is no Event, because another Event follows: the steady state, the proof of the fault, the proof of
its end, or the reason why a proof is missing."""
EVENTFUL = {phase.value for phase in Phase if phase not in SOON} | {"CutProven", "CutReverted", "StepDone"}
"""Timeline reasons that become Events although they are no bad news."""
NOTHING = DrillRecord()
"""The record of a drill that this process does not run."""


class Operator:
    """Everything that one process needs to run drills.

    ``clock`` returns Unix seconds and may be stepped, ``monotonic`` counts seconds and may not.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self.elector = LeaderElector(cluster, settings.namespace, settings.lease, settings.identity, clock, monotonic)
        self.cluster = cluster = cluster.with_write_fence(self.elector.is_leading)
        self.settings = settings
        self.clock = clock
        self.monotonic = monotonic
        self.metrics = Metrics(cluster.requests)
        self.heartbeat = Heartbeat(self.metrics, clock, monotonic)
        self.recorder = EventRecorder(cluster, settings.identity, self.clock)
        self.administrator = Administrator(cluster, settings.namespace, self._handle_seen)
        self._acts = False
        self._shown: object = None
        self._writing: set[asyncio.Task[None]] = set()
        self.store = Store()
        self.schedules = Schedules(
            cluster, self.store, self.metrics, self.recorder, self.clock, halt=lambda: self.administrator.halt
        )
        self.supervisor = Supervisor(
            self.run_drill, self.check, self.store, self.metrics, self.heartbeat, clock, self.schedules.deciding
        )
        self.conflicts = StatusConflicts(cluster, self.elector.confirm, self._tell_of_drill, clock)
        self.supervisor.share(settings.installation, self._leave, self.conflicts.wait_for_restart)
        self.lock_waiters = NamespaceLockWaiters()
        self.concurrency = DrillConcurrencyLimit(self.store, settings.installation)
        self.forgotten = ForgottenPlans(cluster, clock)
        self.notifications = Notifications(
            cluster, self.store, lambda: self.settings, clock, self.metrics, halt=lambda: self.administrator.halt
        )

    async def lead(self) -> None:
        """Seek the Lease, then act until it is lost.

        Raises:
            LeaseLost: when this process may not act any more.
            NoImage: when it cannot be found out what agents are to run.

        """
        elector = self.elector
        # Before the Lease is won, so that a take-over knows at once whether drills are halted.
        hearing = asyncio.create_task(self.administrator.run())
        waiting = asyncio.create_task(self._beat())
        try:
            # Before the Lease is won, so that another replica acts where this one cannot.
            image = await image_of(self.cluster, self.settings)
            self.settings = dataclasses.replace(self.settings, image=image)
            await elector.acquire()
        except (asyncio.CancelledError, NoImage):
            hearing.cancel()
            raise
        finally:
            waiting.cancel()
        log.info("leading as %s", self.settings.identity)
        self.metrics.leading.set(1)
        self._acts = True
        self._announce()
        keeping = asyncio.create_task(elector.renew())
        works = (self.supervisor.lead(), self.schedules.lead(), self.notifications.lead(), self._resync())
        tasks = (*map(asyncio.create_task, works), keeping, hearing)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.metrics.leading.set(0)
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            if not keeping.done() or keeping.cancelled():
                await self._release()
        for error in ended:
            if isinstance(error, ExceptionGroup) and (lost := error.subgroup(LeaseLost)) is not None:
                raise LeaseLost(str(lost.exceptions[0])) from error
            if isinstance(error, Exception):
                raise error

    async def _release(self) -> None:
        """Give the Lease up, where the API server takes that in time; what ended this process stays the cause."""
        try:
            async with asyncio.timeout(LEASE_SECONDS):
                await self.elector.release()
        except (GameDayError, TimeoutError) as error:
            why = str(error) or "no answer in time"
            log.warning("the Lease was not given up; the next leader waits for its end, %d s: %s", LEASE_SECONDS, why)

    async def _beat(self) -> None:
        """While waiting for the Lease, the process is healthy as long as its loop turns."""
        while True:
            self.heartbeat.beat()
            await asyncio.sleep(1.0)

    async def _resync(self) -> None:
        """List what Kopf watches, now and then: a watch that died unnoticed must not hide a drill."""
        while True:
            pause = RESYNC_EVERY
            try:
                for namespace in self.settings.watch_namespaces or (None,):
                    drills = await self._list(DRILLS, namespace)
                    gamedays = await self._list(GAMEDAYS, namespace)
                    self.store.resync(namespace, drills, gamedays)
                self.store.listed = True
                self.metrics.retain(self.store.gamedays.keys())
                await self.forgotten.delete(self.store.drills.values())
                self.conflicts.retain({drill["metadata"]["uid"] for drill in self.store.drills.values()})
                self.recorder.tidy()
            except GameDayError as error:
                log.warning("drills and game days were not listed: %s", error)
                pause = max(RESYNC_AGAIN, error.after)
            await asyncio.sleep(pause)

    async def _list(self, resource: Resource, namespace: str | None) -> Listed:
        """A collection; one whose CRD was deleted is empty, and must not hide the drills that are to be undone."""
        try:
            return await self.cluster.list(resource, namespace)
        except NotFound as error:
            log.warning(
                "drills and game days cannot be listed: %s; install the CRDs, or remove the operator as well", error
            )
            return (), "0"

    def _handle_seen(self) -> None:
        """The administrator's word has changed; the drills heard it first."""
        halt, limits_state = self.administrator.halt, self.administrator.limits_state
        self.metrics.halted.set(halt.halted)
        self.metrics.limits_invalid.set(limits_state.state is LimitsValidity.INVALID)
        hindered = blocked_by(Observation(halt=halt, limits_state=limits_state))
        if hindered is None:
            log.info("drills may start")
        else:
            log.warning("no drill starts: %s", hindered[1], reason=hindered[0].value)
        # What cannot be read for a moment shows on no GameDay: there are many.
        shown = (
            halt.halted and halt,
            limits_state.state is LimitsValidity.INVALID and limits_state,
            limits_state.limits,
        )
        if shown != self._shown:
            self._shown = shown
            self._announce()
            self.supervisor.check_again()

    def _announce(self) -> None:
        """Record a halt as an Event on its ConfigMap."""
        subject = self.administrator.halt_object
        if self._acts and subject is not None:
            text = "every running drill is undone, and none starts until this ConfigMap is deleted"
            line = TimelineEntry(self.clock(), "Halted", text, warning=True)
            self._write(self._event(Subject.of(CONFIG_MAPS, subject), line, Action.HALT))

    def _write(self, event: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(event)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def check(self, gameday: Object) -> None:
        """Write a GameDay's conditions."""
        await self.administrator.read()
        await check_gameday(self.cluster, gameday, self.administrator.halt, self.administrator.limits_state, self.clock)

    async def run_drill(self, drill: Object) -> None:
        """Carry one drill out, to its end."""
        drill = await self._newest(drill)
        if "phase" not in drill.get("status", {}) and not await self.schedules.claim(drill):
            return
        clock = steady(self.clock, self.monotonic, drill)
        group: set[asyncio.Task[None]] = set()

        def narrate(line: TimelineEntry) -> None:
            level = logging.WARNING if line.warning else logging.INFO
            log.log(level, line.message, **of_drill(drill), reason=line.reason)
            if line.warning or line.reason in EVENTFUL:
                task = asyncio.create_task(self._tell_of_drill(persisted.drill, line, persisted.record))
                group.add(task)
                task.add_done_callback(group.discard)

        def changed(before: DrillRecord, after: DrillRecord) -> None:
            self.metrics.changed(persisted.namespace, persisted.uid, before, after)
            # A drill whose end a dying process misses looks counted to the next process.
            fresh = after.reported and not before.reported and not self.conflicts.ended(persisted.uid)
            if fresh and after.dry_run is None and informers.single("gameday") is not None:
                self._count(persisted, after, latest=informers.is_last)

        persisted = PersistedDrill(self.cluster, drill, narrate, changed, clock, self.settings.installation)
        self.metrics.holding(persisted.namespace, persisted.uid, persisted.record)
        self.conflicts.resume(persisted)
        account, begun = self.cluster.as_account(persisted.namespace), persisted.record.phase is not Phase.PENDING
        follower = LogFollower(account, persisted.namespace, persisted.name, self.metrics, clock, resumes=begun)
        loop = DrillLoop(persisted.record, clock(), KINDS.made_by_pods)
        informers = DrillInformers(self.cluster, persisted, follower, self.administrator, loop.outcomes)
        of_gameday = persisted.namespace, persisted.drill["spec"]["gameDay"]
        samples = SampleKeeper(informers.account, persisted, informers, lambda: self.schedules.drills_of(of_gameday))
        executor = self._executor(persisted, informers, samples, clock)
        runner = DrillRunner(
            loop, persisted, informers, follower, executor, clock, lambda: self._find_plan(persisted, informers)
        )
        known = persisted.record.phase
        if known not in {Phase.PENDING, Phase.FINISHED}:
            changes = persisted.plan.reaches_from(persisted.namespace) if persisted.plan is not None else ()
            self.concurrency.hold(persisted.uid, f"{persisted.namespace}/{persisted.name}", changes)
        try:
            await runner.run()
        except* Superseded:
            self.conflicts.remember(persisted)
            raise
        except* Exception:
            self.conflicts.distrust(persisted.uid)
            raise
        else:
            self.conflicts.end(persisted.uid)
        finally:
            self.concurrency.release(persisted.uid)
            self.store.drill_written(persisted.drill, gone=persisted.gone)
        if group:
            await asyncio.wait(group)

    def _executor(
        self, persisted: PersistedDrill, informers: DrillInformers, samples: SampleKeeper, clock: Callable[[], float]
    ) -> CommandExecutor:
        running, concurrency, waiters = self.supervisor.runs, self.concurrency, self.lock_waiters
        return CommandExecutor(
            self.cluster, persisted, informers, self.settings, clock, running, concurrency, waiters, samples
        )

    async def _newest(self, drill: Object) -> Object:
        """The Drill as the API server has it, or as it is known where it is gone or cannot be read.

        A watch may be late when this process begins to lead. A drill that was taken up from what it said last would
        look as if somebody else had written its status, and one that has ended would be judged again.
        """
        namespace, name = drill["metadata"]["namespace"], drill["metadata"]["name"]
        try:
            newest = await self.cluster.get(DRILLS, namespace, name)
        except GameDayError as error:
            log.warning(
                "the Drill was not read, so the last known one counts: %s",
                error,
                **of_drill(drill),
                reason=error.reason,
            )
            return drill
        same = newest is not None and newest["metadata"]["uid"] == drill["metadata"]["uid"]
        return strip_managed_fields(newest) if newest is not None and same else drill

    def _find_plan(self, persisted: PersistedDrill, informers: DrillInformers) -> None:
        """Freeze the GameDay into the drill while it waits; afterwards only see whether it is still there."""
        gameday = informers.single("gameday")
        if persisted.plan is not None:
            gone = gameday is None or "deletionTimestamp" in gameday["metadata"]
            informers.planned = Planned.DELETED if gone and informers.synced else Planned.FROZEN
            return
        if gameday is None:
            informers.planned_why = (
                f"GameDay {persisted.drill['spec']['gameDay']} does not exist in this namespace: create it"
            )
            return
        try:
            persisted.freeze(*read(gameday))
            informers.planned = Planned.FROZEN
        except PlanInvalid as error:
            informers.planned, informers.planned_why = Planned.INVALID, str(error)
        except PlanTooBig as error:
            informers.planned, informers.planned_why = Planned.TOO_BIG, str(error)

    async def _tell_of_drill(self, drill: Object, line: TimelineEntry, record: DrillRecord = NOTHING) -> None:
        """Write an Event on a Drill, related to its GameDay also where that is not there."""
        where, name = drill["metadata"]["namespace"], drill["spec"]["gameDay"]
        gameday = self.store.gamedays.get((where, name))
        related = Subject(GAMEDAYS, where, name) if gameday is None else Subject.of(GAMEDAYS, gameday)
        await self._event(Subject.of(DRILLS, drill), line, action_of(line.reason, record), related)

    async def _event(self, about: Subject, line: TimelineEntry, action: Action, related: Subject | None = None) -> None:
        try:
            await self.recorder.write(
                about, line.reason, line.message, action=action, warning=line.warning, related=related
            )
        except GameDayError as error:
            about_it = named(about.resource.kind, about.namespace, about.name)
            log.warning("event %s not written: %s", line.reason, error, **about_it, reason=error.reason)

    def _leave(self, drill: Object, other: str) -> None:
        """Say on a Drill that another operator carries it out, and what to do if that one is gone."""
        namespace, name = drill["metadata"]["namespace"], drill["metadata"]["name"]
        text = (
            f"operator {self.settings.installation} leaves this drill alone: operator {other} has claimed it; if that "
        )
        text += f"one is uninstalled: kubectl -n {namespace} patch drill {name} --subresource=status --type=merge "
        text += """-p '{"status":{"operator":null}}'"""
        line = TimelineEntry(self.clock(), "ClaimedElsewhere", text, warning=True)
        log.warning(text, **of_drill(drill), reason=line.reason)
        self._write(self._tell_of_drill(drill, line))

    def _count(self, persisted: PersistedDrill, record: DrillRecord, *, latest: bool) -> None:
        """Count a drill whose GameDay was brought up to date; its figures show if it is the ``latest``."""
        verdict = record.verdict.value if record.verdict is not None else ""
        figures = [(str(f["name"]), str(f["unit"]), float(f["value"])) for f in persisted.measurements if latest]
        self.metrics.finished(persisted.namespace, persisted.drill["spec"]["gameDay"], verdict, figures)
