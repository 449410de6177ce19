"""Which drills run in this process: one task for each Drill that is not over, while this process leads.

Kopf's handlers only report which objects exist. Only the holder of the operator's Lease acts on them, and this module
decides how.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from gameday.api.drill import FINALIZER
from gameday.cluster.resources import DRILLS
from gameday.controller.drill.persisted_drill import ClaimedElsewhere, Superseded, behind, claimed_by
from gameday.controller.logs import logger, named, of_drill
from gameday.controller.schedule.start_throttle import StartThrottle
from gameday.controller.store import Key, Object, Store, key_of
from gameday.controller.telemetry import Heartbeat, Metrics
from gameday.errors import GameDayError
from gameday.model.record import Phase

TURN_EVERY: Final = 2.0
"""Longest time between two turns of the supervisor, in seconds."""

TURN_PAUSE: Final = 0.05
"""Shortest time between two turns, in seconds: a turn looks at everything, and changes come in bursts."""

AGAIN_AFTER: Final = 5.0
"""Seconds after which a drill or check is retried that failed by an internal error."""

CHECKS_AT_ONCE: Final = 8
"""Most GameDays that are checked at the same time: what concerns all of them must not keep drills waiting."""

log = logger("gameday.supervisor")


class Supervisor:
    """Starts a runner for every drill that needs one, and a check for every GameDay that changed.

    ``run_drill`` carries one drill out and returns when nothing of it is left; ``check_gameday`` writes one GameDay's
    Ready condition. No scheduled drill starts while schedules are ``deciding`` what is due. An error that neither
    foresaw ends neither this process nor another drill: it is logged and counted, and the drill is taken up again from
    its record.
    """

    def __init__(
        self,
        run_drill: Callable[[Object], Awaitable[None]],
        check_gameday: Callable[[Object], Awaitable[None]],
        store: Store,
        metrics: Metrics,
        heartbeat: Heartbeat,
        clock: Callable[[], float],
        deciding: Callable[[], bool],
    ) -> None:
        self.known = store
        self.run_drill = run_drill
        self.check_gameday = check_gameday
        self.metrics = metrics
        self.heartbeat = heartbeat
        self.clock = clock
        self.deciding = deciding
        self._installation = ""
        self._leave: Callable[[Object, str], None] = lambda _, __: None
        self._settle: Callable[[Object], Awaitable[Object | None]] = _as_it_is
        self._left: dict[str, str] = {}
        """By UID, the other operator to which a drill was left."""
        self._changed = asyncio.Event()
        self._drills: dict[str, asyncio.Task[None]] = {}
        self._running: dict[str, tuple[Key, float]] = {}
        """By UID, each drill that runs here, and since when, as a Unix second."""
        self._checks: dict[Key, asyncio.Task[None]] = {}
        self._checked: dict[Key, tuple[str, int, int]] = {}
        self._round = 0
        self._checking = asyncio.Semaphore(CHECKS_AT_ONCE)
        store.listen(self)

    def share(
        self,
        installation: str,
        leave: Callable[[Object, str], None],
        settle: Callable[[Object], Awaitable[Object | None]],
    ) -> None:
        """Leave drills alone that another ``installation`` of the operator has claimed.

        ``leave`` is called once for each such drill, with that operator's name. ``settle`` returns the newest state of
        a drill whose status was overwritten, once the drill may be resumed.
        """
        self._installation, self._leave, self._settle = installation, leave, settle

    def gameday_changed(self, key: Key) -> None:
        """Check a GameDay whose spec has changed, and count its drills and slots while it is there."""
        if key in self.known.gamedays:
            self.metrics.known(*key, scheduled="schedule" in self.known.gamedays[key].get("spec", {}))
        else:
            self.metrics.forget(*key)
            self._checked.pop(key, None)
        self._tell()

    def drill_changed(self, drill: Object) -> None:
        """Carry a Drill out that came, and forget one that went."""
        known, uid = self.known.drills.get(key_of(drill)), drill["metadata"]["uid"]
        if known is None or known["metadata"]["uid"] != uid:
            self._left.pop(uid, None)
        self._tell()

    def check_again(self) -> None:
        """Check every GameDay anew: what holds for all of them has changed."""
        self._round += 1
        self._tell()

    def runs(self, uid: str) -> bool:
        """Whether a drill, by its UID, is being carried out or undone here."""
        return uid in self._drills

    async def lead(self) -> None:
        """Start what is to be started, until cancelled. Only the Lease's holder may be here."""
        async with asyncio.TaskGroup() as group:
            while True:
                self.heartbeat.beat()
                self._changed.clear()
                throttle = StartThrottle(self.clock(), self.deciding(), self._running.values(), self.known.drills)
                for thing in list(self.known.drills.values()):
                    self._start_drill(group, thing, throttle)
                for thing in list(self.known.gamedays.values()):
                    self._start_check(group, thing)
                self._forget_ended()
                await asyncio.sleep(TURN_PAUSE)
                try:
                    async with asyncio.timeout(TURN_EVERY):
                        await self._changed.wait()
                except TimeoutError:
                    continue

    def _forget_ended(self) -> None:
        """Drop what is kept of drills that are over."""
        idle = self.metrics.drills_kept() - self._drills.keys()
        if idle:
            here = {"", self._installation}
            drills = (thing for thing in self.known.drills.values() if needs_runner(thing))
            for uid in idle - {thing["metadata"]["uid"] for thing in drills if claimed_by(thing) in here}:
                self.metrics.drill_over(uid)

    def _tell(self) -> None:
        self._changed.set()

    def _start_drill(self, group: asyncio.TaskGroup, thing: Object, throttle: StartThrottle) -> None:
        uid = thing["metadata"]["uid"]
        if uid in self._drills or not needs_runner(thing):
            return
        if (other := claimed_by(thing)) not in {"", self._installation}:
            if self._left.get(uid) != other:
                self._left[uid] = other
                self._leave(thing, other)
        elif throttle.admits(thing):
            self._running[uid] = key_of(thing), self.clock()
            self._drills[uid] = group.create_task(self._supervised(uid, thing))

    async def _supervised(self, uid: str, thing: Object) -> None:
        try:
            again: Object | None = thing
            while again is not None:
                again = await self._run(again)
        finally:
            self._drills.pop(uid, None)
            self._running.pop(uid, None)
            self._changed.set()

    async def _run(self, thing: Object) -> Object | None:
        """Carry a drill out; its newest state where it must be taken up again, whatever its status says now."""
        again = None
        try:
            await self.run_drill(thing)
        except* ClaimedElsewhere as errors:
            log.info("%s", errors.exceptions[0], **of_drill(thing), reason="ClaimedElsewhere")
        except* Superseded:
            # A Drill that was removed meanwhile is undone all the same.
            again = await self._settle(thing) or thing
            self.known.drill_written(again)
        except* Exception as errors:  # noqa: BLE001  one drill must not stop others
            await self._failed(thing, errors)
        return again

    async def _failed(self, thing: Object, errors: BaseException) -> None:
        """Log what went wrong, and wait; an error answer of the API server does not count as an internal error."""
        about = of_drill(thing) if thing["kind"] == DRILLS.kind else named(thing["kind"], *key_of(thing))
        answer = _only_answers(errors)
        pause = AGAIN_AFTER if answer is None else max(AGAIN_AFTER, answer.after)
        again = f"{thing['kind']} {'/'.join(key_of(thing))}: the operator tries again in {pause:.0f} s"
        if answer is not None:
            log.warning("%s: %s", again, answer, **about, reason=answer.reason)
        else:
            self.metrics.broken.inc()
            log.error("%s after an internal error", again, exc_info=errors, **about, reason="InternalError")
        await asyncio.sleep(pause)

    def _start_check(self, group: asyncio.TaskGroup, thing: Object) -> None:
        key = key_of(thing)
        version = (thing["metadata"]["uid"], thing["metadata"].get("generation", 1), self._round)
        if self._checked.get(key) != version and key not in self._checks:
            self._checks[key] = group.create_task(self._check(key, version, thing))

    async def _check(self, key: Key, version: tuple[str, int, int], thing: Object) -> None:
        try:
            async with self._checking:
                await self.check_gameday(thing)
            if key in self.known.gamedays:
                self._checked[key] = version
        except Exception as error:  # noqa: BLE001  one GameDay must not stop the drills of others
            await self._failed(thing, error)
        finally:
            self._checks.pop(key, None)
            self._changed.set()


def _only_answers(errors: BaseException) -> GameDayError | None:
    """The first of errors that all came from the API server; None when any other is among them."""
    if isinstance(errors, BaseExceptionGroup):
        known, other = errors.split(GameDayError)
        return _only_answers(known.exceptions[0]) if known is not None and other is None else None
    return errors if isinstance(errors, GameDayError) else None


async def _as_it_is(drill: Object) -> Object | None:
    return drill


def needs_runner(drill: Object) -> bool:
    """Whether anything is left to do for a drill.

    It is not over, our finalizer holds it, its GameDay lacks it, or its status does not speak of its newest spec.
    """
    status = drill.get("status", {})
    if FINALIZER in drill["metadata"].get("finalizers", ()) or status.get("unreported"):
        return True
    finished = status.get("phase") == Phase.FINISHED.value
    return (not finished or behind(drill)) and "deletionTimestamp" not in drill["metadata"]
