"""Slots under everything that goes wrong: none runs twice, none is lost without a word, and each protection counts.

Two operators act at once, die, sleep through anything and wake up late; calls are refused or lose their answers; the
clock is stepped; people edit schedules and delete Drills. The same is seen against a real API server in
``tests/e2e/test_schedules.py``.
"""

import asyncio
import itertools
import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from gameday.api.schedule_state import schedule_of, schedule_state_of
from gameday.cluster.resources import GAMEDAYS, Object, Resource
from gameday.controller.schedule import schedules as module
from gameday.controller.schedule.schedules import Schedules
from gameday.engine.schedule import schedule_state, slots
from gameday.engine.schedule.decisions import SlotContext
from gameday.errors import GameDayError
from gameday.model.schedule import ScheduleState
from simulation.silence import silent
from unit.controller.slots_world import KEY, START, Died, Process, World

Make = Callable[..., Schedules]
SEEDS = 180
BLACKOUTS = [
    {"name": f"b{hour}-{minute}", "when": f"Mon-Sun {hour}:{minute}-{hour}:{minute + 10} UTC"}
    for hour, minute in itertools.product(range(10, 18), (10, 30))
]
"""From 10 to 20 and from 30 to 40 minutes past each hour of the first eight."""
INVALID = {"cron": "61 * * * *", "timeZone": "Etc/UTC"}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What conflicts goes on at its next turn: the clock here is the world's."""
    monkeypatch.setattr("gameday.controller.backoff.FIRST", 0.0)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of slots that do not run are told in every test here."""
    with silent(logging.WARNING):
        yield


def some_schedule(dice: random.Random) -> Object:
    made: Object = {
        "cron": dice.choice(["* * * * *", "*/2 * * * *", "*/3 * * * *", "*/5 * * * *", "7,37 10,11 * * *"]),
        "timeZone": dice.choice(["Etc/UTC", "Europe/Berlin"]),
        "startingDeadline": dice.choice(["10s", "50s", "5m", "10m"]),
        "suspend": dice.random() < 0.1,
    }
    if dice.random() < 0.3:
        made["blackouts"] = BLACKOUTS
    return made


def people_act(world: World, dice: random.Random, edits: bool) -> None:
    """Drills end, people edit and delete."""
    if edits and dice.random() < 0.03:
        world.edit(some_schedule(dice))
    if edits and dice.random() < 0.02:
        world.edit(dice.choice([None, INVALID]))
    elif world.gameday["spec"].get("schedule") in (None, INVALID) and dice.random() < 0.3:
        world.edit(some_schedule(dice))
    if edits and dice.random() < 0.05:
        world.edit(world.gameday["spec"].get("schedule"))
    for name, drill in list(world.drills.items()):
        if drill.get("status", {}).get("phase") == "Pending" and dice.random() < 0.5:
            world.now += 0.001
            world.end(drill, verdict=dice.choice(["Passed", "Passed", "Failed"]))
        elif dice.random() < 0.05:
            world.remove(name)


async def live(seed: int, make: Make = Schedules) -> World:
    """Some hours of a GameDay, in which everything goes wrong that the seed asks for."""
    dice = random.Random(seed)
    edits = seed % 3 > 0
    world = World(seed, some_schedule(dice), keep=2)
    processes = [Process(world, make), Process(world, make)]
    turns: list[asyncio.Task[None] | None] = [None, None]
    for _ in range(150):
        world.now += dice.choice([0.5, 5, 15, 20, 60, 90]) if dice.random() < 0.96 else dice.choice([-300, 600, 3600])
        world.trouble, world.deaths = dice.choice([0, 0.1, 0.4]), dice.choice([0, 0, 0.2])
        world.sleep = dice.choice([0, 0, 0.1])
        people_act(world, dice, edits)
        for sleeper in [one for one in world.sleepers if dice.random() < 0.2]:
            world.sleepers.remove(sleeper)
            sleeper.set()
        for index in dice.choice([(0,), (1,), (0, 1)]):
            turn = turns[index]
            if turn is not None and turn.done():
                _see_end(turn, processes, index, make)
                turn = turns[index] = None
            if turn is None:
                if dice.random() < 0.8:
                    processes[index].listen()
                turns[index] = asyncio.create_task(processes[index].turn())
        for _ in range(dice.choice([0, 3, 30, 30])):
            await asyncio.sleep(0)
    await _quiet(world, turns, make)
    return world


def _see_end(turn: asyncio.Task[None], processes: list[Process], index: int, make: Make) -> None:
    """What became of a turn: trouble is tried again, a dead process is followed by a new one."""
    error = turn.exception()
    if isinstance(error, Died):
        processes[index] = Process(processes[index].world, make)
    elif error is not None and not isinstance(error, GameDayError):
        raise error


async def _quiet(world: World, turns: list[asyncio.Task[None] | None], make: Make) -> None:
    """Everybody wakes up, nothing fails any more, and one process sees the calendar through."""
    world.trouble = world.deaths = world.sleep = 0.0
    for sleeper in world.sleepers:
        sleeper.set()
    for error in await asyncio.gather(*(turn for turn in turns if turn is not None), return_exceptions=True):
        if isinstance(error, BaseException) and not isinstance(error, Died | GameDayError):
            raise error
    final = Process(world, make)
    for wait in (0, 0, 0, 86_400 * 8, 0):
        world.now += wait
        final.listen()
        await final.turn()


def lived(seed: int, make: Make = Schedules) -> World:
    """A life, checked."""
    world = asyncio.run(live(seed, make))
    world.check()
    if seed % 3 == 0:
        known = schedule_state_of(world.gameday["status"])
        schedule = schedule_of(world.gameday["spec"])
        assert known is not None
        assert schedule is not None
        told = sum(slot.count for slot in world.decided)
        there = itertools.takewhile(
            lambda at: at <= known.last_decided, slots.upcoming(schedule.cron, schedule.zone, START)
        )
        assert told >= min(1000, sum(1 for _ in there)), "a slot was passed over without a word"
    return world


@pytest.mark.parametrize("block", range(6))
def test_whatever_goes_wrong_no_slot_runs_twice_and_none_is_lost(block: int) -> None:
    ran = 0
    for seed in range(block, SEEDS, 6):
        try:
            ran += len(lived(seed).runs)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    assert ran > 60


CALLS = 5
"""Calls from a slot's time until its drill has begun."""


def killed_at(call: int, after: bool, ahead: bool = False, make: Make = Schedules) -> int:
    """One slot, and an operator that is killed at one call, before it is carried out or after it; how many died.

    ``ahead`` is whether an operator has scheduled the slot.
    """

    async def story() -> tuple[World, int]:
        world = World(0, {"cron": "* * * * *", "timeZone": "Etc/UTC"})
        world.now = START + (45 if ahead else 60)
        calls = deaths = 0

        async def reached(now: bool) -> None:
            nonlocal calls, deaths
            if now is after and calls == call:
                calls += 1
                deaths += 1
                raise Died
            calls += now

        world.arrives = lambda: reached(False)  # type: ignore[method-assign]
        world.answers = lambda: reached(True)  # type: ignore[method-assign]
        for _ in range(4):
            process = Process(world, make)
            try:
                await process.turn()
                for _ in range(2):
                    world.now = START + 60
                    process.listen()
                    await process.turn()
            except Died:
                continue
        return world, deaths

    world, deaths = asyncio.run(story())
    assert world.runs == {START + 60: 1}, "not one run"
    world.check()
    return deaths


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("call", range(CALLS))
@pytest.mark.parametrize("after", [False, True])
def test_an_operator_killed_at_any_call_leaves_one_run(call: int, after: bool, ahead: bool) -> None:
    assert killed_at(call, after, ahead) == 1, "nobody was killed there"


class CreatesFirst(Schedules):
    """Creates a slot's Drill before its decision is recorded."""

    held: tuple[Object, Object] | None = None

    async def _record(self, gameday: Object, fields: dict[str, Any]) -> Object:
        if any(slot["decision"] == "Starting" for slot in fields.get("slots", ())):
            self.held = gameday, fields
            return gameday | {"status": gameday.get("status", {}) | fields}
        return await super()._record(gameday, fields)

    async def _start(self, key: Any, schedule: Any, slot: Any, *, fresh: bool) -> None:
        await super()._start(key, schedule, slot, fresh=True)
        if self.held is not None:
            await super()._record(*self.held)


class WritesOver(Schedules):
    """Records on whatever version there is."""

    async def _record(self, gameday: Object, fields: dict[str, Any]) -> Object:
        newest = await self._cluster.get(GAMEDAYS, *KEY)
        assert newest is not None
        version = {"resourceVersion": newest["metadata"]["resourceVersion"]}
        return await super()._record(gameday | {"metadata": gameday["metadata"] | version}, fields)


class NeverClaims(Schedules):
    """Begins a Drill without settling its slot."""

    async def claim(self, drill: Object) -> bool:
        return True


class ForgetsWhatIsToStart(Schedules):
    """Creates a Drill only right after the decision, never after a restart."""

    async def _start(self, key: Any, schedule: Any, slot: Any, *, fresh: bool) -> None:
        if fresh:
            await super()._start(key, schedule, slot, fresh=True)


def _same(patch: pytest.MonkeyPatch) -> None:
    """The bug is in the class."""


def _any_uid(patch: pytest.MonkeyPatch) -> None:
    """A slot does not remember which Drill it was that began for it."""
    settle = ScheduleState.close
    patch.setattr(
        ScheduleState, "close", lambda self, at, decision, message="", _="": settle(self, at, decision, message)
    )


def _decides_anew(patch: pytest.MonkeyPatch) -> None:
    """What was decided before does not count: only the clock does."""
    patch.setattr(schedule_state, "newest", lambda schedule, _, now: slots.newest(schedule, now - 600, now))


def _keeps_since(patch: pytest.MonkeyPatch) -> None:
    """A changed schedule looks back as far as the old one did."""

    def begin(known: ScheduleState | None, digest: str, generation: int, changed_at: float) -> ScheduleState:
        if known is None:
            return ScheduleState(digest, generation, changed_at)
        return ScheduleState(digest, generation, known.since, known.last_decided, known.slots)

    patch.setattr(schedule_state, "load", begin)


def _prunes_failures(patch: pytest.MonkeyPatch) -> None:
    """History keeps the newest drills and no failure."""
    patch.setattr(
        module,
        "to_delete",
        lambda past, keep: [one.name for one in sorted(past, key=lambda one: -one.finished_at)[keep:]],
    )


def _names_by_chance(patch: pytest.MonkeyPatch) -> None:
    """A Drill's name does not follow from its slot."""
    number = itertools.count()
    patch.setattr(module, "of_slot", lambda gameday, at: f"{gameday}-{int(at) // 60}-{next(number)}")


def _settles_unseen(patch: pytest.MonkeyPatch) -> None:
    """A scheduled slot starts whatever was written since."""
    patch.setattr(schedule_state, "decide_open", lambda _, known, *__: known)


def _asks_only_at_its_time(patch: pytest.MonkeyPatch) -> None:
    """A slot is judged when its Drill is created, and not again before that begins."""
    decide_open = schedule_state.decide_open

    def trusting(schedule: Any, known: ScheduleState, context: SlotContext, now: float) -> ScheduleState:
        return known if context.made else decide_open(schedule, known, context, now)

    patch.setattr(schedule_state, "decide_open", trusting)


def _drops_what_is_starting(patch: pytest.MonkeyPatch) -> None:
    """A slot that starts is forgotten when another is decided."""
    decide = schedule_state.decide

    def forgetful(schedule: Any, known: ScheduleState, context: SlotContext, now: float) -> ScheduleState:
        decided = decide(schedule, known, context, now)
        kept = tuple(slot for slot in decided.slots if not slot.open)
        if decided.slots and decided.slots[-1] not in kept:
            kept = (*kept, decided.slots[-1])
        return replace(decided, slots=kept)

    patch.setattr(schedule_state, "decide", forgetful)


async def woken_late(make: Make = Schedules) -> World:
    """A process sleeps just before it creates a Drill; meanwhile another has the slot run, and the Drill is gone."""
    world = World(0, {"cron": "* * * * *", "timeZone": "Etc/UTC"})
    world.now = START + 60
    sleeper, other = Process(world, make), Process(world, make)
    create, awake, asleep = world.create, asyncio.Event(), asyncio.Event()

    async def sleeps(resource: Resource, namespace: str, body: Object) -> Object:
        world.create = create  # type: ignore[method-assign]
        asleep.set()
        await awake.wait()
        return await create(resource, namespace, body)

    world.create = sleeps  # type: ignore[method-assign,assignment]
    sleeping = asyncio.create_task(sleeper.turn())
    await asleep.wait()
    for _ in range(3):
        other.listen()
        await other.turn()
    assert world.runs == {START + 60: 1}, "not one run"
    (name,) = world.drills
    world.remove(name)
    awake.set()
    await sleeping
    assert list(world.drills) == [name], "the sleeper did not wake up"
    other.listen()
    await other.turn()
    return world


def test_a_drill_that_a_process_created_after_it_slept_is_deleted_and_does_not_run() -> None:
    world = asyncio.run(woken_late())
    assert world.drills == {}
    assert world.runs == {START + 60: 1}


@pytest.mark.parametrize(
    ("make", "put_in", "found"),
    [
        pytest.param(CreatesFirst, _same, "not one run", id="the Drill is created before the decision is recorded"),
        pytest.param(WritesOver, _same, "a decision went back|was changed", id="a decision is written over another's"),
        pytest.param(NeverClaims, _same, "ran twice", id="a Drill begins without settling its slot"),
        pytest.param(ForgetsWhatIsToStart, _same, "not one run", id="a restart forgets what was about to start"),
        pytest.param(Schedules, _any_uid, "ran twice", id="any Drill may begin for a slot that had one"),
        pytest.param(Schedules, _decides_anew, "decision was changed", id="decisions follow the clock back"),
        pytest.param(Schedules, _keeps_since, "started what is past", id="a changed schedule starts what is past"),
        pytest.param(Schedules, _prunes_failures, "last failed drill", id="the last failed drill is pruned"),
        pytest.param(Schedules, _names_by_chance, "ran twice", id="names do not follow from slots"),
        pytest.param(
            Schedules,
            _settles_unseen,
            "is past|is no slot|suspended|blackout|without a",
            id="what is scheduled starts",
        ),
        pytest.param(
            Schedules, _asks_only_at_its_time, "is past|is no slot|suspended|without a", id="a Drill begins unasked"
        ),
        pytest.param(Schedules, _drops_what_is_starting, "waits for ever", id="a slot about to start is forgotten"),
    ],
)
def test_the_simulation_finds_a_bug_put_in_on_purpose(
    make: Make, put_in: Callable[[pytest.MonkeyPatch], None], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in(monkeypatch)
    with pytest.raises(AssertionError, match=found):
        _all(make)


def _all(make: Make) -> None:
    asyncio.run(woken_late(make))
    for call, after, ahead in itertools.product(range(CALLS), (False, True), (False, True)):
        killed_at(call, after, ahead, make)
    for seed in range(SEEDS):
        lived(seed, make)
