"""An API server that fails and operators that die, for schedules, and what must never happen to a slot.

Objects are kept by the simulation's store. Any call may be refused, may be done without an answer, may find the
operator dead before it or after it, and may be left lying while its process sleeps.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from gameday.api.record import moment, timestamp
from gameday.api.schedule_state import schedule_state_of
from gameday.cluster.events import Subject
from gameday.cluster.resources import DRILLS, GAMEDAYS, Object, Resource
from gameday.controller.schedule.schedules import Schedules
from gameday.controller.store import Store
from gameday.controller.telemetry import Metrics
from gameday.engine.schedule.slots import upcoming
from gameday.errors import ClusterUnreachable
from gameday.model.halt import Halt
from gameday.model.labels import SLOT
from gameday.model.schedule import Decision, Slot
from simulation import store, world
from simulation.client import StoreCluster

KEY = ("shop", "redis")
START = datetime(2026, 11, 30, 10, tzinfo=UTC).timestamp()


class Died(BaseException):
    """The operator was killed here."""


class World(StoreCluster, world.World):
    """A GameDay, its Drills, a clock, and what goes wrong. What must never happen is an AssertionError."""

    def __init__(self, seed: int, schedule: Object, keep: int = 10) -> None:
        world.World.__init__(self, seed)
        StoreCluster.__init__(self, store.Store(self), "operator")
        self.now = START
        self.store.listeners.append(self._hear)
        self.trouble = self.deaths = self.sleep = 0.0
        self.runs: Counter[float] = Counter()
        self.fates: dict[float, Slot] = {}
        self.decided: list[Slot] = []
        self.without_run: set[float] = set()
        self.removed: list[Object] = []
        self.sleepers: list[asyncio.Event] = []
        self.created = asyncio.Event()
        self.told: list[tuple[str, str]] = []
        self.related: list[str] = []
        """For each of them the Drill that it concerns, or nothing."""
        self.halt = Halt()
        self.keep = keep
        self.changed_at = 0.0
        self._apply(schedule, {"name": "redis", "uid": "g", "generation": 0}, {})

    @property
    def gameday(self) -> Object:
        """The GameDay as it is."""
        return self.store.need(GAMEDAYS, *KEY)

    @property
    def drills(self) -> dict[str, Object]:
        """The Drills that there are, by name."""
        return self.store.things.setdefault((DRILLS.plural, "shop"), {})

    def edit(self, schedule: Object | None) -> None:
        """A person applies another schedule, or the same one anew, or takes it away."""
        self._apply(schedule, self.gameday["metadata"], self.gameday["status"])

    def make_anew(self, schedule: Object) -> None:
        """A person deletes the GameDay and creates it anew."""
        self._apply(schedule, {"name": "redis", "uid": self.gameday["metadata"]["uid"] + "g", "generation": 0}, {})

    def _apply(self, schedule: Object | None, metadata: Object, status: Object) -> None:
        known = self.store.get(GAMEDAYS, *KEY)
        changed = known is None or known["spec"].get("schedule") != schedule
        # Where the clock was put back, the times before that say nothing any more.
        self.changed_at = self.now // 1 if changed else min(self.changed_at, self.now // 1)
        managed = [{"time": timestamp(self.now // 1)[:19] + "Z", "fieldsV1": {"f:spec": {}}}]
        metadata = metadata | {"generation": metadata["generation"] + 1, "managedFields": managed}
        spec = ({"schedule": schedule} if schedule else {}) | {"history": {"keep": self.keep}}
        self.store.place(GAMEDAYS, "shop", {"metadata": metadata, "spec": spec, "status": status})

    def remove(self, name: str) -> None:
        """A person deletes a Drill. Who was about to prune cannot know it, so it goes on counting as kept."""
        self.store.remove(store.PERSON, DRILLS, "shop", name)

    def end(self, drill: Object, **fields: str) -> None:
        """A Drill ends now."""
        self._set(drill, phase="Finished", finishedAt=timestamp(self.now), **fields)

    def _set(self, drill: Object, **fields: str) -> None:
        self.store.status(DRILLS, "shop", drill["metadata"]["name"], drill["metadata"]["uid"], **fields)

    async def _ask(self, verb: str, resource: Resource, act: Callable[[], Any], body: Object | None = None) -> Any:
        assert resource in {GAMEDAYS, DRILLS}
        await self.arrives()
        answer = act()
        await self.answers()
        return answer

    async def arrives(self) -> None:
        """What may go wrong before a call is carried out; others act meanwhile."""
        for _ in range(self.random.randrange(3)):
            await asyncio.sleep(0)
        if self.random.random() < self.sleep:
            awake = asyncio.Event()
            self.sleepers.append(awake)
            await awake.wait()
        if self.random.random() < self.deaths:
            raise Died
        if self.random.random() < self.trouble:
            raise ClusterUnreachable("refused")

    async def answers(self) -> None:
        """What may go wrong once it is."""
        if self.random.random() < self.deaths:
            raise Died
        if self.random.random() < self.trouble:
            raise ClusterUnreachable("done, and the answer was lost")

    def _hear(self, change: store.Change) -> None:
        """Hold what was done against what may be."""
        thing = change.thing
        if change.resource is GAMEDAYS and change.verb == "status" and change.before is not None:
            before, after = schedule_state_of(change.before["status"]), schedule_state_of(thing["status"])
            was, now = (0.0 if one is None else one.last_decided for one in (before, after))
            assert now >= was, "a decision went back"
            for slot in after.slots if after is not None else ():
                self._decide(slot)
        elif change.resource is DRILLS and change.verb == "create":
            self.created.set()
        elif change.resource is DRILLS and change.verb == "remove" and change.actor == store.PERSON:
            self.removed.append(thing)
            self.without_run.add(_slot(thing))
        elif change.resource is DRILLS and change.verb == "remove" and "status" in thing:
            assert thing["status"]["phase"] != "Pending", "a drill that runs was deleted"
            self._may_go(thing)

    def _decide(self, slot: Slot) -> None:
        known = self.fates.get(slot.at)
        if known is None:
            self.decided.append(slot)
        elif not known.open:
            assert slot.decision is known.decision, "a decision was changed"
        new = known is None or (known.decision is Decision.SCHEDULED and slot.decision is not Decision.SCHEDULED)
        if new and slot.ran:
            self._may_start(slot.at)
        self.fates[slot.at] = slot

    def _may_start(self, at: float) -> None:
        """What was written last before a slot's time says whether it runs."""
        schedule = self.gameday["spec"].get("schedule")
        assert schedule, "a slot started without a schedule"
        assert at > self.changed_at, "a schedule that was changed started what is past"
        assert at in itertools.islice(upcoming(schedule["cron"], schedule["timeZone"], at - 1), 1), "it is no slot"
        assert not schedule.get("suspend"), "a suspended slot started"
        dark = at // 3600 % 24 in range(10, 18) and at // 60 % 60 in {*range(10, 20), *range(30, 40)}
        assert not (dark and "blackouts" in schedule), "a slot started in a blackout"

    def _may_go(self, drill: Object) -> None:
        assert "finishedAt" in drill["status"], "a drill that had not ended was pruned"
        ended = [one for one in (*self.drills.values(), *self.removed) if "finishedAt" in one.get("status", {})]
        at = moment(drill["status"]["finishedAt"])
        newer = [one for one in ended if moment(one["status"]["finishedAt"]) >= at]
        assert len(newer) >= self.keep, "one of the newest drills was pruned"
        if drill["status"]["verdict"] == "Failed":
            assert any(one["status"]["verdict"] == "Failed" for one in newer), "the last failed drill was pruned"

    async def begin(self, drill: Object) -> None:
        """What a Drill's runner does first: take it, if it is still what was seen and in time."""
        await self.arrives()
        found = self.drills.get(drill["metadata"]["name"])
        if found is None or found["metadata"]["uid"] != drill["metadata"]["uid"] or "status" in found:
            return
        if self.now > moment(found["spec"]["startBefore"]):
            self.without_run.add(_slot(found))
            self.end(found, verdict="Inconclusive")
            return
        self._set(found, phase="Pending")
        at = _slot(found)
        self.runs[at] += 1
        assert self.runs[at] == 1, "a slot ran twice"
        await self.answers()

    async def write(
        self, regarding: Subject, reason: str, message: str, *, action: str, related: Subject | None, **_: object
    ) -> None:
        """An Event."""
        assert (regarding.resource, regarding.name, action) == (GAMEDAYS, "redis", "Decide")
        self.told.append((reason, message))
        self.related.append(related.name if related is not None else "")

    def check(self) -> None:
        """Once all is quiet: no slot was lost, and what is said of each is true."""
        for at, slot in self.fates.items():
            match slot.decision:
                case Decision.STARTED:
                    assert at in self.runs or at in self.without_run, "a slot that started was lost"
                case Decision.STARTING | Decision.SCHEDULED:
                    assert at > self.now, "a slot waits for ever"
                case _:
                    assert at not in self.runs, "a slot ran, and it is said that it did not"
        assert set(self.runs) <= set(self.fates), "a slot ran that was never decided"


def _slot(drill: Object) -> float:
    return float(drill["metadata"]["labels"][SLOT])


class Process:
    """One operator process: what it remembers dies with it."""

    def __init__(self, world: World, make: Callable[..., Schedules] = Schedules) -> None:
        self.world = world
        self.store = Store(listed=True)
        self.metrics = Metrics(Counter())
        self.schedules = make(
            world,
            self.store,
            self.metrics,
            world,
            lambda: world.now,
            lambda: world.halt,
        )
        self.listen()

    def listen(self) -> None:
        """Hear of all that changed."""
        self.store.gamedays[KEY] = self.world.gameday
        self.store.drills.clear()
        for name, drill in self.world.drills.items():
            self.store.drills["shop", name] = drill
            self.schedules.drill_changed(drill)

    async def turn(self) -> None:
        """Decide, create, and begin the drills that are known, as the operator does."""
        await self.schedules.look(KEY)
        for drill in list(self.store.drills.values()):
            if "status" not in drill and await self.schedules.claim(drill):
                await self.world.begin(drill)

    def counted(self) -> dict[str, int]:
        """The metric of decided slots."""
        found = self.metrics.registry.collect()
        samples = [s for family in found if family.name == "gameday_slots" for s in family.samples]
        return {s.labels["decision"]: int(s.value) for s in samples if s.name.endswith("_total")}
