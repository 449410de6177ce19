"""Starts drills by the calendar: asks ``engine.schedule`` what became of each slot, records it, then does it.

A slot is recorded, on the very version of the GameDay it was judged by, before its Drill is created, and settled before
that Drill begins. So two operators, or one that died in between, never decide a slot twice; and the Drill's name
follows from its slot.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from gameday.api.drill import start_before
from gameday.api.managed_fields import spec_changed_at, strip_managed_fields
from gameday.api.record import shown_moment, timestamp
from gameday.api.schedule_state import SHOWN, digest_of, kept, schedule_of, schedule_state_fields, schedule_state_of
from gameday.cluster.client import Cluster
from gameday.cluster.events import EventRecorder
from gameday.cluster.informer import version_of
from gameday.cluster.resources import DRILLS, GAMEDAYS, Object
from gameday.controller.backoff import Backoff
from gameday.controller.logs import logger, named, of_drill
from gameday.controller.schedule.scheduled import DrillIndex, ended, slot_of
from gameday.controller.schedule.slot_report import SlotReport
from gameday.controller.store import Key, Store
from gameday.controller.telemetry import Metrics
from gameday.engine.schedule import schedule_state as engine
from gameday.engine.schedule.decisions import SlotContext
from gameday.engine.schedule.retention import FinishedDrill, to_delete
from gameday.engine.schedule.slots import next_runs
from gameday.errors import AlreadyExists, Conflict, GameDayError, PlanInvalid
from gameday.model.halt import Halt
from gameday.model.labels import GAME_DAY, SLOT
from gameday.model.names import of_slot
from gameday.model.record import Verdict
from gameday.model.schedule import Decision, Schedule, ScheduleState, Slot

LOOK_EVERY: Final = 1.0
"""Longest time between two looks at the clock, in seconds: it may be stepped."""
AGAIN_AFTER: Final = 1.0
"""Seconds after which what the API server refused is tried again."""
DUE_AT_ONCE: Final = 64
"""How many GameDays with a due slot are decided at the same time: all of them share the API server."""
AT_ONCE: Final = 16
"""How many changed GameDays are read at the same time: there is no hurry, and each takes memory."""

log = logger("gameday.schedules")


@dataclass(frozen=True, slots=True)
class ParsedSchedule:
    """A GameDay's schedule as one version of its spec has it; a digest without a schedule is of an invalid one."""

    version: tuple[str, int]
    schedule: Schedule | None
    digest: str


class Schedules:
    """Every GameDay's calendar."""

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        metrics: Metrics,
        recorder: EventRecorder,
        clock: Callable[[], float],
        halt: Callable[[], Halt],
    ) -> None:
        """Make them. Before the store's objects were ``listed`` once, no Drill counts as absent."""
        self._cluster = cluster
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._halt = halt
        self._due: dict[Key, float] = {}
        self._written: dict[Key, ParsedSchedule] = {}
        self._trouble: dict[Key, str] = {}
        self._index = DrillIndex(store.drills)
        self._report = SlotReport(metrics, recorder, self._index.of_decision)
        self._turning: set[Key] = set()
        self._changed = asyncio.Event()
        self._due_room, self._room = asyncio.Semaphore(DUE_AT_ONCE), asyncio.Semaphore(AT_ONCE)
        store.listen(self)

    def gameday_changed(self, key: Key) -> None:
        """Look at a GameDay's calendar anew."""
        gameday = self._store.gamedays.get(key)
        if gameday is None:
            self._forget(key)
        elif ("schedule" in gameday["spec"] or "schedule" in gameday.get("status", {})) and not self._echo(
            key, gameday
        ):
            self._due[key] = 0.0
            self._changed.set()

    def _forget(self, key: Key) -> None:
        for known in (self._due, self._written, self._trouble):
            known.pop(key, None)

    def _echo(self, key: Key, gameday: Object) -> bool:
        """Whether nothing but its status has changed: mostly by us, and never a reason to look at a calendar."""
        known = self._written.get(key)
        return key in self._due and known is not None and known.version == _version(gameday)

    def drill_changed(self, drill: Object) -> None:
        """Look at a Drill that changed or went: one that ended may be one too many to keep."""
        key = (drill["metadata"]["namespace"], drill["spec"].get("gameDay", ""))
        self._index.changed(drill)
        if SLOT in (drill["metadata"].get("labels") or {}) and ended(drill) and key in self._due:
            self._due[key] = 0.0
            self._changed.set()

    def drills_of(self, key: Key) -> Iterator[Object]:
        """The Drills of a GameDay that are known."""
        return self._index.of(key)

    def deciding(self) -> bool:
        """Whether slots are being decided now."""
        return bool(self._turning)

    async def lead(self) -> None:
        """Decide slots as they come due, until cancelled. Only the holder of the operator's Lease may be here."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                now = self._clock()
                due = [key for key, at in self._due.items() if at <= now and key not in self._turning]
                for key in due if self._store.listed else ():
                    self._turning.add(key)
                    # A change is marked by 0; anything later is the time of a slot.
                    room = self._due_room if self._due[key] else self._room
                    self._due[key] = float("inf")
                    group.create_task(self._turn(key, room))
                await self._rest(now)

    async def claim(self, drill: Object) -> bool:
        """Settle a scheduled Drill's slot as started, before anything is done for that Drill; whether it may begin.

        From here on no process creates a Drill for the slot again, whatever becomes of this one. One that was created
        all the same, by a process that woke up late, is deleted.

        Raises:
            GameDayError: when that could not be recorded; nothing may be done for the Drill then.

        """
        at = slot_of(drill)
        if at is None:
            return True
        key, uid = (drill["metadata"]["namespace"], drill["spec"]["gameDay"]), drill["metadata"]["uid"]
        gameday, backoff = await self._cluster.get(GAMEDAYS, *key), Backoff()
        while True:
            state = schedule_state_of(gameday.get("status", {})) if gameday is not None else None
            slot = state.slot(at) if state is not None else None
            if gameday is None or state is None or slot is None:
                # Too late to start, it ends by itself; else it would run although no schedule ever decided its slot.
                if self._clock() > start_before(drill):
                    return True
                return await self._refuse(drill, "no GameDay has a record of its slot")
            if slot.open:
                try:
                    gameday = await self._settle(key, gameday, state, at, drill)
                except Conflict as error:
                    await backoff.wait(error)
                    gameday = await self._cluster.get(GAMEDAYS, *key)
                continue
            if slot.decision is Decision.STARTED and slot.drill in {"", uid}:
                return True
            return await self._refuse(drill, f"its slot was already decided as {slot.decision.value}")

    async def _refuse(self, drill: Object, why: str) -> bool:
        metadata = drill["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        log.warning("the drill is deleted: %s", why, **of_drill(drill), reason="SlotNotStarted")
        await self._cluster.delete(DRILLS, namespace, name, uid=metadata["uid"])
        return False

    async def _settle(self, key: Key, gameday: Object, known: ScheduleState, at: float, drill: Object) -> Object:
        """Record what becomes of a slot whose Drill is about to begin; the GameDay as it is then."""
        schedule, now = self._read(key, gameday).schedule, self._clock()
        state = self._begun(key, gameday, known, now) if schedule is not None else known
        # Where the clock was put back, the slot's time is to come again, and its Drill is there all the same.
        state = engine.decide_open(schedule, state, SlotContext(made=True), max(now, at))
        state = engine.start(state, at, drill["metadata"]["name"], drill["metadata"]["uid"])
        fields = schedule_state_fields(state)
        fields = {"slots": fields["slots"]} if schedule is None else fields | _next(schedule, state, now)
        try:
            gameday = strip_managed_fields(await self._record(gameday, fields))
            if key in self._store.gamedays and version_of(self._store.gamedays[key]) < version_of(gameday):
                self._store.gamedays[key] = gameday
        finally:
            self._due[key] = 0.0
            self._changed.set()
        slot = state.slot(at)
        if slot is not None and slot.ran:
            self._metrics.decided(*key, slot.decision.value, 1)
        await self._report.report(gameday, "Etc/UTC" if schedule is None else schedule.zone, known, state)
        return gameday

    async def _rest(self, now: float) -> None:
        waiting = (at for key, at in self._due.items() if key not in self._turning)
        soonest = min(waiting, default=float("inf")) if self._store.listed else float("inf")
        try:
            async with asyncio.timeout(min(LOOK_EVERY, max(0.0, soonest - now))):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _turn(self, key: Key, room: asyncio.Semaphore) -> None:
        try:
            async with room:
                again = await self.look(key)
        except GameDayError as error:
            if self._trouble.get(key) != str(error):
                log.warning("its schedule failed: %s", error, **named(GAMEDAYS.kind, *key), reason=error.reason)
            self._trouble[key] = str(error)
            again = self._clock() + max(AGAIN_AFTER, error.after)
        except Exception as error:
            text = "internal error in its schedule"
            log.exception(text, exc_info=error, **named(GAMEDAYS.kind, *key), reason="InternalError")
            self._metrics.broken.inc()
            again = self._clock() + 5 * AGAIN_AFTER
        finally:
            self._turning.discard(key)
            self._changed.set()
        if key in self._store.gamedays:
            self._due[key] = min(again, self._due.get(key, again))
        else:
            self._forget(key)

    async def look(self, key: Key) -> float:
        """Decide what is due for one GameDay and do it; when to look again, as a Unix second."""
        gameday: Object | None = self._store.gamedays.get(key)
        backoff = Backoff()
        while gameday is not None and "deletionTimestamp" not in gameday["metadata"]:
            try:
                return await self._decide(key, gameday)
            except Conflict as error:
                await backoff.wait(error)
                gameday = await self._cluster.get(GAMEDAYS, *key)
        return float("inf")

    async def _decide(self, key: Key, gameday: Object) -> float:
        written = self._read(key, gameday)
        schedule = written.schedule
        now = self._clock()
        known = schedule_state_of(gameday.get("status", {}))
        if schedule is None:
            await self._without(key, gameday, known, "invalid" if written.digest else None)
            return float("inf")
        begun = self._begun(key, gameday, known, now)
        context = self._slot_context(key, begun.starting)
        state = engine.decide(schedule, begun, context, now)
        gameday = await self._record(gameday, schedule_state_fields(state) | _next(schedule, state, now))
        await self._report.report(gameday, schedule.zone, known, state)
        if (slot := state.starting) is not None and slot.at <= now and not context.made:
            await self._start(key, schedule, slot, fresh=state != begun)
        self._trouble.pop(key, None)
        await self._prune(key, kept(gameday["spec"]))
        return engine.due(schedule, state, now)

    async def _without(self, key: Key, gameday: Object, known: ScheduleState | None, shown: str | None) -> None:
        """Record that a GameDay has no schedule, or an invalid one; ``shown`` is the text of the column NEXT."""
        fields: dict[str, Any] = {"schedule": None, "next": None, "nextRun": shown}
        if known is None or known.starting is None:
            await self._record(gameday, fields)
            return
        ended = engine.decide_open(None, known, self._slot_context(key, known.starting), self._clock())
        gameday = await self._record(gameday, fields | {"slots": schedule_state_fields(ended)["slots"]})
        await self._report.report(gameday, "Etc/UTC", known, ended)

    def _begun(self, key: Key, gameday: Object, known: ScheduleState | None, now: float) -> ScheduleState:
        generation = gameday["metadata"].get("generation", 1)
        return engine.load(known, self._read(key, gameday).digest, generation, spec_changed_at(gameday, now))

    def _read(self, key: Key, gameday: Object) -> "ParsedSchedule":
        """The schedule of a GameDay's newest spec, read once."""
        version = _version(gameday)
        known = self._written.get(key)
        if known is None or known.version != version:
            known = self._written[key] = ParsedSchedule(version, *_read(gameday["spec"]))
        return known

    async def _record(self, gameday: Object, fields: dict[str, Any]) -> Object:
        """Write fields of a status on the version that was read; None takes a field out."""
        status = {k: v for k, v in (gameday.get("status", {}) | fields).items() if v is not None}
        if status == gameday.get("status", {}):
            return gameday
        namespace, name = gameday["metadata"]["namespace"], gameday["metadata"]["name"]
        return await self._cluster.replace_status(GAMEDAYS, namespace, name, gameday | {"status": status})

    async def _start(self, key: Key, schedule: Schedule, slot: Slot, *, fresh: bool) -> None:
        """Create a slot's Drill; an older decision is first compared with the newest version of the GameDay.

        For a scheduled slot there is no time for that request; it is made before its Drill starts.
        """
        namespace, name = key
        if not fresh and slot.decision is not Decision.SCHEDULED:
            newest = await self._cluster.get(GAMEDAYS, namespace, name)
            state = schedule_state_of(newest.get("status", {})) if newest is not None else None
            if state is None or state.starting != slot:
                return
        drill = {
            "apiVersion": DRILLS.api_version,
            "kind": DRILLS.kind,
            "metadata": {
                "name": of_slot(name, slot.at),
                "namespace": namespace,
                "labels": {GAME_DAY: name, SLOT: str(int(slot.at))},
            },
            "spec": {"gameDay": name, "startBefore": timestamp(slot.at + schedule.starting_deadline)},
        }
        try:
            await self._cluster.create(DRILLS, namespace, drill)
        except AlreadyExists:
            return
        lag = self._clock() - slot.at
        self._metrics.slot_lag.observe(max(0.0, lag))
        log.info("the drill was created %.1f s after its slot", lag, **of_drill(drill), reason="DrillCreated")

    async def _prune(self, key: Key, keep: int) -> None:
        scheduled = {
            drill["metadata"]["name"]: drill
            for drill in self._index.of(key)
            if slot_of(drill) is not None and ended(drill)
        }
        finished = [
            FinishedDrill(name, shown_moment(status["finishedAt"]), status.get("verdict") == Verdict.FAILED.value)
            for name, status in ((name, drill["status"]) for name, drill in scheduled.items())
        ]
        for name in to_delete(finished, keep):
            await self._cluster.delete(DRILLS, key[0], name, uid=scheduled[name]["metadata"]["uid"])
            self._store.drills.pop((key[0], name), None)

    def _slot_context(self, key: Key, starting: Slot | None) -> SlotContext:
        halt = self._halt()
        halted = str(halt) if halt.halted else ""
        own = of_slot(key[1], starting.at) if starting is not None else ""
        running = self._index.running(key)
        others = (name for name in running if name != own)
        return SlotContext(next(others, None), halted, self._trouble.get(key, ""), made=own in running)


def _version(gameday: Object) -> tuple[str, int]:
    return gameday["metadata"]["uid"], gameday["metadata"].get("generation", 1)


def _read(spec: dict[str, Any]) -> tuple[Schedule | None, str]:
    try:
        schedule = schedule_of(spec)
    except PlanInvalid:
        return None, "invalid"
    if schedule is None:
        return None, ""
    return (None, "invalid") if any(engine.check(schedule)) else (schedule, digest_of(spec))


def _next(schedule: Schedule, state: ScheduleState, now: float) -> dict[str, Any]:
    """The next runs, without slots that were decided already and that a clock set back would show again."""
    since, starting = max(now, state.last_decided), state.starting
    if starting is not None and starting.decision is Decision.SCHEDULED:
        since = starting.at - 1
    runs = [engine.local(at, schedule.zone) for at in next_runs(schedule, since, SHOWN)]
    first = "suspended" if schedule.suspend else next(iter(runs), "every coming slot is in a blackout")
    return {"next": runs, "nextRun": first}
