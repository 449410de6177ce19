"""A cluster that fails and operators that die, for schedules: the few promises that they rely on, and no more.

Versions of objects, and names that are taken. Any call may be refused, may be done without an answer, may find the
operator dead before it or after it, and may be left lying while its process sleeps.
"""

import asyncio
import copy
import itertools
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from gameday.api.calendar import calendar_of
from gameday.api.record import moment, timestamp
from gameday.cluster.events import Subject
from gameday.cluster.kinds import DRILLS, GAMEDAYS, Kind
from gameday.controller.schedule.schedules import Schedules
from gameday.controller.store import Store
from gameday.controller.telemetry import Metrics
from gameday.engine.schedule.slots import upcoming
from gameday.errors import AlreadyExists, ClusterUnreachable, Conflict
from gameday.model.halt import Halt
from gameday.model.labels import SLOT
from gameday.model.schedule import Decision, Slot

Object = dict[str, Any]
KEY = ("shop", "redis")
START = datetime(2026, 11, 30, 10, tzinfo=UTC).timestamp()


class Died(BaseException):
    """The operator was killed here."""


class World:
    """A GameDay, its Drills, a clock, and what goes wrong. What must never happen is an AssertionError."""

    def __init__(self, seed: int, schedule: Object, keep: int = 10) -> None:
        self.dice = random.Random(seed)
        self.now = START
        self.trouble = self.deaths = self.sleep = 0.0
        self.version = self.uids = 0
        self.drills: dict[str, Object] = {}
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
        metadata = {"namespace": "shop", "name": "redis", "uid": "g", "generation": 0}
        self.gameday: Object = {"metadata": metadata, "spec": {}, "status": {}}
        self.edit(schedule)

    def edit(self, schedule: Object | None) -> None:
        """A person applies another schedule, or the same one anew, or takes it away."""
        self.version += 1
        changed = self.gameday["spec"].get("schedule") != schedule
        # Where the clock was put back, the times before that say nothing any more.
        self.changed_at = self.now // 1 if changed else min(self.changed_at, self.now // 1)
        metadata = self.gameday["metadata"]
        self.gameday = self.gameday | {
            "spec": ({"schedule": schedule} if schedule else {}) | {"history": {"keep": self.keep}},
            "metadata": metadata
            | {
                "generation": metadata["generation"] + 1,
                "resourceVersion": str(self.version),
                "managedFields": [{"time": timestamp(self.now // 1)[:19] + "Z", "fieldsV1": {"f:spec": {}}}],
            },
        }

    def replace(self, schedule: Object) -> None:
        """A person deletes the GameDay and creates it anew."""
        metadata = {"namespace": "shop", "name": "redis", "uid": self.gameday["metadata"]["uid"] + "g", "generation": 0}
        self.gameday = {"metadata": metadata, "spec": {}, "status": {}}
        self.edit(schedule)

    def remove(self, name: str) -> None:
        """A person deletes a Drill. Who was about to prune cannot know it, so it goes on counting as kept."""
        gone = self.drills.pop(name)
        self.removed.append(gone)
        self.without_run.add(_slot(gone))

    async def before(self) -> None:
        """What may go wrong before a call is carried out; others act meanwhile."""
        for _ in range(self.dice.randrange(3)):
            await asyncio.sleep(0)
        if self.dice.random() < self.sleep:
            awake = asyncio.Event()
            self.sleepers.append(awake)
            await awake.wait()
        if self.dice.random() < self.deaths:
            raise Died
        if self.dice.random() < self.trouble:
            raise ClusterUnreachable("refused")

    async def after(self) -> None:
        """What may go wrong once it is."""
        if self.dice.random() < self.deaths:
            raise Died
        if self.dice.random() < self.trouble:
            raise ClusterUnreachable("done, and the answer was lost")

    async def get(self, kind: Kind, *_: str) -> Object:
        assert kind is GAMEDAYS
        await self.before()
        found = copy.deepcopy(self.gameday)
        await self.after()
        return found

    async def replace_status(self, _kind: Kind, _namespace: str, _name: str, body: Object) -> Object:
        await self.before()
        if body["metadata"]["resourceVersion"] != self.gameday["metadata"]["resourceVersion"]:
            raise Conflict("changed")
        before, after = calendar_of(self.gameday["status"]), calendar_of(body["status"])
        was, now = (0.0 if one is None else one.last_decided for one in (before, after))
        assert now >= was, "a decision went back"
        for slot in after.slots if after is not None else ():
            self._decide(slot)
        self.version += 1
        metadata = self.gameday["metadata"] | {"resourceVersion": str(self.version)}
        self.gameday = self.gameday | {"status": copy.deepcopy(body["status"]), "metadata": metadata}
        await self.after()
        return copy.deepcopy(self.gameday)

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

    async def create(self, kind: Kind, _namespace: str, body: Object) -> Object:
        assert kind is DRILLS
        await self.before()
        name = body["metadata"]["name"]
        if name in self.drills:
            raise AlreadyExists(name)
        self.uids += 1
        metadata = copy.deepcopy(body["metadata"]) | {"uid": str(self.uids)}
        self.drills[name] = copy.deepcopy(body) | {"status": {}, "metadata": metadata}
        self.created.set()
        await self.after()
        return copy.deepcopy(self.drills[name]) if name in self.drills else body

    async def delete(self, _kind: Kind, _namespace: str, name: str, *, uid: str) -> bool:
        await self.before()
        found = self.drills.get(name)
        if found is None or found["metadata"]["uid"] != uid:
            return False
        assert found["status"].get("phase") != "Pending", "a drill that runs was deleted"
        if found["status"]:
            self._may_go(found)
        del self.drills[name]
        await self.after()
        return True

    def _may_go(self, drill: Object) -> None:
        assert "finishedAt" in drill["status"], "a drill that had not ended was pruned"
        ended = [one for one in (*self.drills.values(), *self.removed) if "finishedAt" in one["status"]]
        at = moment(drill["status"]["finishedAt"])
        newer = [one for one in ended if one is not drill and moment(one["status"]["finishedAt"]) >= at]
        assert len(newer) >= self.keep, "one of the newest drills was pruned"
        if drill["status"]["verdict"] == "Failed":
            assert any(one["status"]["verdict"] == "Failed" for one in newer), "the last failed drill was pruned"

    async def begin(self, drill: Object) -> None:
        """What a Drill's runner does first: take it, if it is still what was seen and in time."""
        await self.before()
        found = self.drills.get(drill["metadata"]["name"])
        if found is None or found["metadata"]["uid"] != drill["metadata"]["uid"] or found["status"]:
            return
        if self.now > moment(found["spec"]["startBefore"]):
            self.without_run.add(_slot(found))
            found["status"] = {"phase": "Finished", "verdict": "Inconclusive", "finishedAt": timestamp(self.now)}
            return
        found["status"] = {"phase": "Pending"}
        at = _slot(found)
        self.runs[at] += 1
        assert self.runs[at] == 1, "a slot ran twice"
        await self.after()

    async def write(
        self, regarding: Subject, reason: str, message: str, *, action: str, related: Subject | None, **_: object
    ) -> None:
        """An Event."""
        assert (regarding.kind, regarding.name, action) == (GAMEDAYS, "redis", "Decide")
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
        self.store.gamedays[KEY] = copy.deepcopy(self.world.gameday)
        self.store.drills.clear()
        for name, drill in self.world.drills.items():
            self.store.drills["shop", name] = copy.deepcopy(drill)
            self.schedules.drill_changed(drill)

    async def turn(self) -> None:
        """Decide, create, and begin the drills that are known, as the operator does."""
        await self.schedules.look(KEY)
        for drill in list(self.store.drills.values()):
            if not drill["status"] and await self.schedules.claim(drill):
                await self.world.begin(drill)

    def counted(self) -> dict[str, int]:
        """The metric of decided slots."""
        found = self.metrics.registry.collect()
        samples = [s for family in found if family.name == "gameday_slots" for s in family.samples]
        return {s.labels["decision"]: int(s.value) for s in samples if s.name.endswith("_total")}
