"""The messages about drills: one task for each Drill that has receivers, while this process leads.

It is apart from the tasks that carry drills out, so that nothing of it can delay or end one of them.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from gameday.api.drill import is_dry_run
from gameday.api.notifications import notifications_of
from gameday.api.notified import announced_of, announced_slot
from gameday.api.record import shown_moment
from gameday.api.schedule_state import hindered, schedule_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import GAMEDAYS, Object
from gameday.controller.drill.countdown import SlotNotifier
from gameday.controller.drill.notifier import LOOKED_AFTER, DrillNotifier, key_of_gameday
from gameday.controller.drill.persisted_drill import claimed_by
from gameday.controller.logs import logger, named, of_drill
from gameday.controller.settings import Settings
from gameday.controller.store import Key, Store
from gameday.controller.telemetry import Metrics
from gameday.engine.schedule.slots import next_runs
from gameday.errors import PlanInvalid
from gameday.model.halt import Halt
from gameday.model.notice import COUNTDOWN, Event
from gameday.notify.decide import HAND_OVER

LOOK_EVERY: Final = 60.0
"""Longest time between two looks at all Drills, in seconds."""
AGAIN_AFTER: Final = 5.0
"""Seconds after which the messages of a drill are taken up again after an internal error."""

log = logger("gameday.notifications")


Slot = tuple[str, float, bool]
"""The UID of a GameDay, the Unix second of a slot of its schedule, and whether it is over and did not run."""


class Notifications:
    """The messages of all drills; the store is given each version of a Drill that was written for them."""

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        settings: Callable[[], Settings],
        clock: Callable[[], float],
        metrics: Metrics,
        halt: Callable[[], Halt],
    ) -> None:
        self.cluster, self.store, self.settings, self.clock = cluster, store, settings, clock
        self.metrics = metrics
        self._running: dict[str, DrillNotifier] = {}
        self._over: set[str] = set()
        """UIDs of the drills of which all messages are sent or given up."""
        self._halt = halt
        self._slots: dict[Slot, SlotNotifier] = {}
        self._slots_over: set[Slot] = set()
        self._changed = asyncio.Event()
        store.listen(self)

    def drill_changed(self, drill: Object) -> None:
        """Look at a Drill that changed or went."""
        running = self._running.get(drill["metadata"]["uid"])
        if running is not None:
            running.take(drill)
        elif self._concerns(drill):
            self._changed.set()

    def gameday_changed(self, key: Key) -> None:
        """Look at the drills of a GameDay that changed: its receivers may have."""
        for notifier in (*self._running.values(), *self._slots.values()):
            if notifier.namespace == key[0]:
                notifier.wake()
        self._changed.set()

    async def lead(self) -> None:
        """Send messages until cancelled. Only the holder of the operator's Lease may be here."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                pause = LOOK_EVERY
                try:
                    self._start(group)
                    pause = self._start_slots(group)
                except Exception as error:
                    # This task may not end the process that carries drills out.
                    log.exception("internal error in notifications", exc_info=error, reason="InternalError")
                    self.metrics.broken.inc()
                try:
                    async with asyncio.timeout(min(LOOK_EVERY, max(0.0, pause))):
                        await self._changed.wait()
                except TimeoutError:
                    continue

    def _start(self, group: asyncio.TaskGroup) -> None:
        for drill in list(self._due()):
            uid = drill["metadata"]["uid"]
            self._running[uid] = DrillNotifier(self.cluster, drill, self.store, self.settings(), self.clock)
            group.create_task(self._run(uid, drill))

    def _start_slots(self, group: asyncio.TaskGroup) -> float:
        """Announce the slots that are near; the seconds until the next one is."""
        now, soonest = self.clock(), LOOK_EVERY
        self._slots_over = {slot for slot in self._slots_over if slot[1] + HAND_OVER > now}
        for gameday in list(self.store.gamedays.values()):
            if (at := _cancelled_slot(gameday, now)) is not None:
                self._start_slot(group, gameday, at, cancelled=True)
            at = self._next_slot(gameday, now)
            if at is not None and now < at - COUNTDOWN:
                soonest = min(soonest, at - COUNTDOWN - now)
            elif at is not None:
                self._start_slot(group, gameday, at)
        return soonest

    def _start_slot(self, group: asyncio.TaskGroup, gameday: Object, at: float, *, cancelled: bool = False) -> None:
        uid = gameday["metadata"]["uid"]
        slot = (uid, at, cancelled)
        # One that still announces it says what follows as well.
        if slot not in self._slots and slot not in self._slots_over and (uid, at, False) not in self._slots:
            self._slots[slot] = SlotNotifier(self.cluster, gameday, at, self.store, self.settings(), self.clock)
            group.create_task(self._announce(slot, gameday))

    def _next_slot(self, gameday: Object, now: float) -> float | None:
        """The next slot of a GameDay that is to be announced; none while its drills would not begin."""
        spec, status = gameday["spec"], gameday.get("status", {})
        if not spec.get("notifications") or "schedule" not in spec or self._halt().halted:
            return None
        if "deletionTimestamp" in gameday["metadata"] or not _is_ready(status):
            return None
        try:
            schedule = schedule_of(spec)
            wanted = any(Event.COUNTDOWN in one.receiver.events for one in notifications_of(spec))
        except PlanInvalid:
            return None
        return next(iter(next_runs(schedule, now, 1)), None) if schedule is not None and wanted else None

    async def _announce(self, slot: Slot, gameday: Object) -> None:
        try:
            await self._slots[slot].run()
            self._slots_over.add(slot)
        except Exception as error:
            metadata = gameday["metadata"]
            about = named(GAMEDAYS.kind, metadata["namespace"], metadata["name"])
            text = "internal error: its countdown is taken up again"
            log.exception(text, exc_info=error, **about, reason="InternalError")
            self.metrics.broken.inc()
            await asyncio.sleep(AGAIN_AFTER)
        finally:
            self._slots.pop(slot, None)
            self._changed.set()

    def _due(self) -> Iterator[Object]:
        known = {drill["metadata"]["uid"] for drill in self.store.drills.values()}
        self._over &= known
        for drill in list(self.store.drills.values()):
            uid = drill["metadata"]["uid"]
            if uid not in self._running and uid not in self._over and self._concerns(drill):
                yield drill

    def _concerns(self, drill: Object) -> bool:
        """Whether messages may be due: this operator carries the drill out, and it did not end long ago."""
        gameday = self.store.gamedays.get(key_of_gameday(drill))
        status = drill.get("status", {})
        if gameday is None or not gameday["spec"].get("notifications") or is_dry_run(drill):
            return False
        if "phase" not in status or claimed_by(drill) != self.settings().installation:
            return False
        ended = shown_moment(status["finishedAt"]) if "finishedAt" in status else None
        return ended is None or self.clock() < ended + LOOKED_AFTER

    async def _run(self, uid: str, drill: Object) -> None:
        try:
            await self._running[uid].run()
            self._over.add(uid)
        except Exception as error:
            text = "internal error: its messages are taken up again"
            log.exception(text, exc_info=error, **of_drill(drill), reason="InternalError")
            self.metrics.broken.inc()
            await asyncio.sleep(AGAIN_AFTER)
        finally:
            self._running.pop(uid, None)
            self._changed.set()


def _cancelled_slot(gameday: Object, now: float) -> float | None:
    """The slot that did not run although it was announced, while who was told waits for word of it."""
    status = gameday.get("status", {})
    at = announced_slot(status)
    if at is None or now > at + HAND_OVER or not hindered(gameday, at, now):
        return None
    told = announced_of(status, at).values()
    # Also once they are sent word: an earlier process may have left the pod that did it.
    return at if any(Event.COUNTDOWN in events for events in told) else None


def _is_ready(status: Object) -> bool:
    """Whether a GameDay's drills can run."""
    return any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", ()))
