"""Slots on a cluster that fails and with operators that die: none runs twice, none is lost without a word.

The cluster is a model of the few promises that schedules rely on: versions of objects, and names that are taken. The
same is seen against a real API server in ``tests/e2e/test_schedules.py``.
"""

import asyncio
import copy
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gameday.api.calendar import calendar_of, schedule_of
from gameday.api.record import moment, timestamp
from gameday.cluster.kinds import GAMEDAYS, Kind
from gameday.engine import calendar as engine
from gameday.engine.slots import newest
from gameday.errors import AlreadyExists, ClusterUnreachable, Conflict
from gameday.model.halt import Halt
from gameday.model.labels import SLOT
from gameday.model.names import of_slot
from gameday.model.schedule import Decision, Slot
from gameday.runner import schedules as module
from gameday.runner.schedules import Schedules
from gameday.runner.telemetry import Metrics

Object = dict[str, Any]
KEY = ("shop", "redis")
START = datetime(2026, 11, 30, 10, tzinfo=UTC).timestamp()


class Died(BaseException):
    """The operator was killed here."""


class World:
    """A GameDay, its Drills, a clock, and what goes wrong."""

    def __init__(self, seed: int, schedule: Object) -> None:
        self.dice = random.Random(seed)
        self.now = START
        self.trouble = 0.0
        self.deaths = 0.0
        self.uids = 0
        self.version = 1
        self.drills: dict[str, Object] = {}
        self.runs: Counter[str] = Counter()
        self.decided: list[Slot] = []
        self.created = asyncio.Event()
        self.halt = Halt()
        self.gameday: Object = {
            "metadata": {"namespace": "shop", "name": "redis", "uid": "g", "generation": 1, "resourceVersion": "1"},
            "spec": {"schedule": schedule},
            "status": {},
        }
        self.edit(schedule, generation=1)

    def edit(self, schedule: Object, generation: int | None = None) -> None:
        """A person applies another schedule."""
        self.version += 1
        metadata = self.gameday["metadata"]
        self.gameday = self.gameday | {
            "spec": {"schedule": schedule},
            "metadata": metadata
            | {
                "generation": generation or metadata["generation"] + 1,
                "resourceVersion": str(self.version),
                "managedFields": [{"time": timestamp(self.now // 1)[:19] + "Z", "fieldsV1": {"f:spec": {}}}],
            },
        }

    def _before(self) -> None:
        if self.dice.random() < self.deaths:
            raise Died
        if self.dice.random() < self.trouble:
            raise ClusterUnreachable("refused")

    def _after(self) -> None:
        if self.dice.random() < self.deaths:
            raise Died
        if self.dice.random() < self.trouble:
            raise ClusterUnreachable("done, and the answer was lost")

    async def get(self, kind: Kind, *_: str) -> Object:
        assert kind is GAMEDAYS
        self._before()
        return copy.deepcopy(self.gameday)

    async def replace_status(self, _kind: Kind, _namespace: str, _name: str, body: Object) -> Object:
        self._before()
        if body["metadata"]["resourceVersion"] != self.gameday["metadata"]["resourceVersion"]:
            raise Conflict("changed")
        before, after = calendar_of(self.gameday["status"]), calendar_of(body["status"])
        assert after is not None
        assert before is None or after.last_decided >= before.last_decided, "a decision went back"
        known = {slot.at for slot in before.slots} if before is not None else set()
        self.decided += [slot for slot in after.slots if slot.at not in known]
        self.version += 1
        metadata = self.gameday["metadata"] | {"resourceVersion": str(self.version)}
        self.gameday = self.gameday | {"status": copy.deepcopy(body["status"]), "metadata": metadata}
        self._after()
        return copy.deepcopy(self.gameday)

    async def create(self, _kind: Kind, _namespace: str, body: Object) -> Object:
        self._before()
        name = body["metadata"]["name"]
        if name in self.drills:
            raise AlreadyExists(name)
        self.uids += 1
        metadata = copy.deepcopy(body["metadata"]) | {"uid": f"{self.uids}"}
        self.drills[name] = copy.deepcopy(body) | {"status": {}, "metadata": metadata}
        self.created.set()
        self._after()
        return body

    async def delete(self, _kind: Kind, _namespace: str, name: str, *, uid: str) -> bool:
        self._before()
        assert self.drills[name]["status"].get("phase") != "Pending", f"{uid}: a drill that runs was deleted"
        del self.drills[name]
        self._after()
        return True


class Silent:
    async def write(self, *_: object, **__: object) -> None:
        """Events are seen in the e2e tests."""


class Process:
    """One operator process: what it remembers dies with it. ``stale`` keeps it from hearing of changes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.gamedays: dict[tuple[str, str], Object] = {}
        self.known: dict[tuple[str, str], Object] = {}
        self.schedules = Schedules(
            world,  # type: ignore[arg-type]  # the few calls that schedules make
            self.gamedays,
            self.known,
            Metrics(Counter()),
            Silent(),  # type: ignore[arg-type]
            lambda: world.now,
            lambda: world.halt,
            lambda: True,
        )
        self.listen()

    def listen(self) -> None:
        self.gamedays[KEY] = copy.deepcopy(self.world.gameday)
        self.known.clear()
        for name, drill in self.world.drills.items():
            self.known["shop", name] = copy.deepcopy(drill)
            self.schedules.drill_changed(drill)

    async def turn(self) -> None:
        """Decide, create, and begin the drills that are there, as the operator does."""
        await self.schedules.look(KEY)
        for name, drill in list(self.world.drills.items()):
            if "phase" not in drill["status"] and ("shop", name) in self.known:
                may = await self.schedules.claim(drill)
                if may and name in self.world.drills and "phase" not in drill["status"]:
                    drill["status"]["phase"] = "Pending"
                    self.world.runs[drill["metadata"]["labels"][SLOT]] += 1


def schedules(dice: random.Random) -> Object:
    made: Object = {
        "cron": dice.choice(["* * * * *", "*/2 * * * *", "*/5 * * * *", "0 * * * *", "7 10,11 * * *"]),
        "timeZone": dice.choice(["Etc/UTC", "Europe/Berlin"]),
        "startingDeadline": dice.choice(["10s", "50s", "5m"]),
        "suspend": dice.random() < 0.1,
    }
    if dice.random() < 0.3:
        made["blackouts"] = [{"name": "b", "cron": "10,30 * * * *", "lasts": "10m"}]
    return made


async def live(seed: int) -> World:
    """Two hours of a GameDay, in which everything goes wrong that the seed asks for."""
    dice = random.Random(seed)
    world = World(seed, schedules(dice))
    processes = [Process(world), Process(world)]
    for _ in range(200):
        world.now += dice.choice([0.5, 1, 5, 20, 60, 90]) if dice.random() < 0.95 else dice.choice([-300, 600, 3600])
        world.trouble, world.deaths = dice.choice([0, 0.2, 0.5]), dice.choice([0, 0, 0.2])
        if dice.random() < 0.03:
            world.edit(schedules(dice))
        if dice.random() < 0.05:
            world.edit(world.gameday["spec"]["schedule"])
        for name, drill in list(world.drills.items()):
            if drill["status"].get("phase") == "Pending" and dice.random() < 0.5:
                drill["status"] |= {"phase": "Finished", "verdict": "Passed", "finishedAt": timestamp(world.now)}
            elif dice.random() < 0.05:
                del world.drills[name]
        index = dice.randrange(2)
        if dice.random() < 0.8:
            processes[index].listen()
        try:
            await processes[index].turn()
        except ClusterUnreachable:
            continue
        except Died:
            processes[index] = Process(world)
    world.trouble = world.deaths = 0.0
    final = Process(world)
    for _ in range(3):
        await final.turn()
        final.listen()
    return world


@pytest.mark.parametrize("block", range(6))
def test_whatever_goes_wrong_no_slot_runs_twice_and_none_is_lost(block: int) -> None:
    ran = 0
    for seed in range(block * 50, block * 50 + 50):
        world = asyncio.run(live(seed))
        ran += len(world.runs)
        told = f"seed {seed}"
        twice = {slot: count for slot, count in world.runs.items() if count > 1}
        assert twice == {}, told
        calendar = calendar_of(world.gameday["status"])
        schedule = schedule_of(world.gameday["spec"])
        assert calendar is not None, told
        assert schedule is not None, told
        assert newest(schedule, max(calendar.since, calendar.last_decided), world.now) is None, told
        ats = [slot.at for slot in world.decided]
        assert len(ats) == len(set(ats)), told
        may_run = {str(int(slot.at)) for slot in world.decided if slot.decision is Decision.STARTING}
        assert set(world.runs) <= may_run, told
        for slot in calendar.slots:
            assert slot.decision is not Decision.STARTING or slot.at + schedule.starting_deadline >= world.now, told
            assert slot.decision is not Decision.STARTED or str(int(slot.at)) in world.runs or _gone(slot), told
    assert ran > 200


def _gone(slot: Slot) -> bool:
    """A Drill that a person deleted between its slot's settling and its beginning has no run, and gets none."""
    return slot.decision is Decision.STARTED


def kills() -> Iterator[tuple[int, bool]]:
    for call in range(6):
        yield call, False
        yield call, True


@pytest.mark.parametrize(("call", "after"), list(kills()))
def test_an_operator_killed_at_any_call_leaves_one_run(call: int, after: bool) -> None:
    async def story() -> World:
        world = World(0, {"cron": "* * * * *", "timeZone": "Etc/UTC"})
        world.now = START + 60
        calls = 0

        def die_at(now: bool) -> None:
            nonlocal calls
            if now is after and calls == call:
                calls += 1
                raise Died
            calls += now

        world._before = lambda: die_at(False)  # type: ignore[method-assign]
        world._after = lambda: die_at(True)  # type: ignore[method-assign]
        for _ in range(4):
            process = Process(world)
            try:
                await process.turn()
                process.listen()
                await process.turn()
            except Died:
                continue
        return world

    world = asyncio.run(story())
    assert world.runs == {str(int(START + 60)): 1}


def test_a_slot_is_decided_once_by_two_operators_at_the_same_time() -> None:
    async def story() -> World:
        world = World(0, {"cron": "* * * * *", "timeZone": "Etc/UTC"})
        world.now = START + 60
        one, other = Process(world), Process(world)
        await asyncio.gather(one.schedules.look(KEY), other.schedules.look(KEY))
        return world

    world = asyncio.run(story())
    assert list(world.drills) == [f"redis-{int(START + 60) // 60}"]
    assert len(world.decided) == 1


def test_a_drill_that_was_deleted_after_it_began_does_not_come_back() -> None:
    async def story() -> World:
        world = World(0, {"cron": "* * * * *", "timeZone": "Etc/UTC"})
        world.now = START + 60
        process = Process(world)
        await process.turn()
        process.listen()
        await process.turn()
        world.drills.clear()
        for _ in range(3):
            await Process(world).turn()
        return world

    world = asyncio.run(story())
    assert world.drills == {}
    assert sum(world.runs.values()) == 1


def test_pruning_spares_what_runs_and_what_people_made() -> None:
    async def story() -> tuple[World, list[str]]:
        world = World(0, {"cron": "* * * * *", "timeZone": "Etc/UTC"})
        world.gameday["spec"]["history"] = {"keep": 2}
        for number in range(6):
            at = START - 600 + 60 * number
            ended = {"phase": "Finished", "verdict": "Failed" if number == 0 else "Passed", "finishedAt": timestamp(at)}
            labels, name = {SLOT: str(int(at))}, of_slot("redis", at)
            metadata = {"namespace": "shop", "name": name, "labels": labels, "uid": name}
            world.drills[name] = {"metadata": metadata, "spec": {"gameDay": "redis"}, "status": ended}
        names = list(world.drills)
        world.drills[names[3]]["metadata"]["finalizers"] = ["gameday.dev/undo"]
        for name, labels in (("mine", {}), ("a-copy-of-mine", world.drills[names[1]]["metadata"]["labels"])):
            by_hand = copy.deepcopy(world.drills[names[1]])
            by_hand["metadata"] |= {"name": name, "labels": labels}
            world.drills[name] = by_hand
        await Process(world).turn()
        return world, names

    world, names = asyncio.run(story())
    assert set(world.drills) == {names[0], names[3], names[4], names[5], "mine", "a-copy-of-mine"}


def test_a_due_slot_is_acted_on_when_its_time_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)

    async def story() -> World:
        world = World(0, {"cron": "* * * * *", "timeZone": "Etc/UTC"})
        process = Process(world)
        process.schedules.gameday_changed(KEY)
        leading = asyncio.create_task(process.schedules.lead())
        await asyncio.sleep(0.05)
        assert world.drills == {}
        world.now = START + 60
        await world.created.wait()
        leading.cancel()
        await asyncio.gather(leading, return_exceptions=True)
        return world

    world = asyncio.run(asyncio.wait_for(story(), 5))
    (drill,) = world.drills.values()
    assert moment(drill["spec"]["startBefore"]) == START + 360
    assert world.gameday["status"]["nextRun"] == engine.local(START + 120, "Etc/UTC")
