"""What the calendar does on a cluster, told as stories; ``test_schedules_simulated.py`` has what goes wrong with it."""

import asyncio
import copy

import pytest

from gameday.api.record import moment, timestamp
from gameday.cluster.resources import DRILLS, Object
from gameday.controller.schedule import schedules as module
from gameday.controller.schedule.scheduled import DrillIndex, slot_of
from gameday.engine.schedule import schedule_state as engine
from gameday.model.halt import Halt, HaltState
from gameday.model.labels import SLOT
from gameday.model.names import of_slot
from unit.controller.slots_world import KEY, START, Process, World


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
        world = World(0, {"cron": "* * * * *", "timeZone": "Etc/UTC"}, keep=2)
        for number in range(6):
            at = START - 600 + 60 * number
            ended = {"phase": "Finished", "verdict": "Failed" if number == 0 else "Passed", "finishedAt": timestamp(at)}
            labels, name = {SLOT: str(int(at))}, of_slot("redis", at)
            metadata = {"namespace": "shop", "name": name, "labels": labels, "uid": name}
            world.store.place(DRILLS, "shop", {"metadata": metadata, "spec": {"gameDay": "redis"}, "status": ended})
        names = list(world.drills)
        world.drills[names[3]]["metadata"]["finalizers"] = ["gameday.dev/undo"]
        for name, labels in (("mine", {}), ("a-copy-of-mine", world.drills[names[1]]["metadata"]["labels"])):
            by_hand = copy.deepcopy(world.drills[names[1]])
            by_hand["metadata"] |= {"name": name, "labels": labels}
            world.store.place(DRILLS, "shop", by_hand)
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


def test_what_becomes_of_each_slot_is_counted_and_told() -> None:
    async def story() -> tuple[World, Process]:
        world = World(0, {"cron": "* * * * *", "timeZone": "Etc/UTC"})
        process = Process(world)
        for minute in range(1, 5):
            world.now = START + 60 * minute
            world.halt = Halt(HaltState.HALTED, "release") if minute == 3 else Halt()
            if minute == 4:
                world.edit({"cron": "* * * * *", "timeZone": "Etc/UTC", "suspend": True})
                world.now += 60
            process.listen()
            await process.turn()
            process.listen()
            await process.turn()
        return world, process

    world, process = asyncio.run(story())
    assert process.counted() == {"Started": 1, "StillRunning": 1, "Halted": 1, "Suspended": 1}
    assert [reason for reason, _ in world.told] == ["StillRunning", "Halted", "Suspended"]
    drill = of_slot("redis", START + 60)
    assert world.related == [drill, "", ""]
    assert world.told[0][1] == f"slot Mon 2026-11-30 10:02 UTC did not run: drill {drill} has not ended"
    assert "release" in world.told[1][1]


def test_next_is_what_will_run_also_when_the_clock_was_put_back() -> None:
    async def story() -> World:
        world = World(0, {"cron": "0 * * * *", "timeZone": "Etc/UTC"})
        process = Process(world)
        world.now = START + 3 * 3600
        await process.turn()
        world.now = START + 60
        process.listen()
        await process.turn()
        return world

    status = asyncio.run(story()).gameday["status"]
    assert status["nextRun"] == status["next"][0] == engine.local(START + 4 * 3600, "Etc/UTC")


def test_no_slot_is_decided_before_it_is_known_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)

    async def story() -> World:
        world = World(0, {"cron": "* * * * *", "timeZone": "Etc/UTC"})
        process = Process(world)
        process.store.listed = False
        process.schedules.gameday_changed(KEY)
        world.now = START + 60
        leading = asyncio.create_task(process.schedules.lead())
        await asyncio.sleep(0.05)
        assert world.decided == []
        process.store.listed = True
        await world.created.wait()
        leading.cancel()
        await asyncio.gather(leading, return_exceptions=True)
        return world

    assert len(asyncio.run(asyncio.wait_for(story(), 5)).drills) == 1


async def scheduled_ahead() -> tuple[World, Process]:
    """A slot that a process has scheduled, 15 s before its time."""
    world = World(0, {"cron": "* * * * *", "timeZone": "Etc/UTC"})
    process = Process(world)
    world.now = START + 45
    await process.turn()
    process.listen()
    return world, process


def test_of_a_slot_that_is_scheduled_only_the_drill_is_left_to_create(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> World:
        world = World(0, {"cron": "* * * * *", "timeZone": "Etc/UTC"})
        process = Process(world)
        world.now = START + 30
        await process.schedules.look(KEY)
        assert world.gameday["status"]["nextRun"] == engine.local(START + 60, "Etc/UTC")
        assert world.drills == {}
        process.listen()
        world.now = START + 60
        with monkeypatch.context() as patch:
            for call in ("get", "replace_status"):
                patch.setattr(world, call, None)
            await process.schedules.look(KEY)
            assert list(world.drills) == [of_slot("redis", START + 60)]
            process.listen()
            await process.schedules.look(KEY)
        await process.turn()
        return world

    world = asyncio.run(story())
    assert world.runs == {START + 60: 1}
    assert world.gameday["status"]["nextRun"] == engine.local(START + 120, "Etc/UTC")


def test_a_suspension_that_was_not_seen_in_time_still_counts() -> None:
    async def story() -> tuple[World, Process]:
        world, process = await scheduled_ahead()
        world.now = START + 50
        world.edit({"cron": "* * * * *", "timeZone": "Etc/UTC", "suspend": True})
        world.now = START + 60
        await process.schedules.look(KEY)
        process.store.drills.update({("shop", name): drill for name, drill in world.drills.items()})
        (drill,) = world.drills.values()
        assert drill["metadata"]["name"] == of_slot("redis", START + 60)
        assert not await process.schedules.claim(drill)
        return world, process

    world, process = asyncio.run(story())
    assert (world.drills, world.runs) == ({}, {})
    assert process.counted() == {"Suspended": 1}
    assert world.told == [("Suspended", "slot Mon 2026-11-30 10:01 UTC did not run: spec.schedule.suspend is true")]
    assert world.related == [of_slot("redis", START + 60)], "its Drill was created already"


def test_a_drill_whose_schedule_was_taken_away_does_not_begin() -> None:
    async def story() -> tuple[World, Process]:
        world, process = await scheduled_ahead()
        world.now = START + 60
        await process.schedules.look(KEY)
        world.edit(None)
        (drill,) = world.drills.values()
        assert not await process.schedules.claim(drill)
        return world, process

    world, process = asyncio.run(story())
    assert (world.drills, world.runs) == ({}, {})
    assert process.counted() == {"Changed": 1}


@pytest.mark.parametrize("schedule", [None, {"cron": "61 * * * *", "timeZone": "Etc/UTC"}])
def test_a_schedule_that_goes_while_a_slot_is_scheduled_ends_that_slot_with_a_word(schedule: Object | None) -> None:
    async def story() -> World:
        world, process = await scheduled_ahead()
        world.edit(schedule)
        process.listen()
        await process.turn()
        return world

    world = asyncio.run(story())
    assert [slot["decision"] for slot in world.gameday["status"]["slots"]] == ["Changed"]
    assert [reason for reason, _ in world.told] == ["Changed"]


@pytest.mark.parametrize("suspend", [False, True])
def test_a_drill_of_a_gameday_that_was_since_made_anew_does_not_begin_undecided(suspend: bool) -> None:
    async def story() -> World:
        world, process = await scheduled_ahead()
        world.now = START + 50
        world.make_anew({"cron": "* * * * *", "timeZone": "Etc/UTC", "suspend": suspend})
        world.now = START + 60
        await process.schedules.look(KEY)
        (drill,) = world.drills.values()
        assert not await process.schedules.claim(drill)
        for _ in range(2):
            process.listen()
            await process.turn()
        return world

    world = asyncio.run(story())
    assert world.runs == ({} if suspend else {START + 60: 1})
    world.check()


def test_next_shows_no_past_run_while_a_drill_waits_to_begin() -> None:
    async def story() -> World:
        world = World(0, {"cron": "* * * * *", "timeZone": "Etc/UTC"})
        process = Process(world)
        for now in (45, 60, 70):
            world.now = START + now
            due = await process.schedules.look(KEY)
            process.listen()
            assert due > world.now
        return world

    status = asyncio.run(story()).gameday["status"]
    assert status["nextRun"] == engine.local(START + 120, "Etc/UTC")
    assert [slot["decision"] for slot in status["slots"]] == ["Starting"]


def test_a_dry_run_keeps_no_slot_from_running_and_is_never_a_slots_drill() -> None:
    dry_run: Object = {
        "metadata": {
            "namespace": KEY[0],
            "name": of_slot(KEY[1], START + 60),
            "uid": "dry",
            "labels": {SLOT: str(int(START + 60))},
            "resourceVersion": "1",
        },
        "spec": {"gameDay": KEY[1], "dryRun": True},
        "status": {"phase": "SteadyState"},
    }
    index = DrillIndex({(KEY[0], dry_run["metadata"]["name"]): dry_run})
    index.changed(dry_run)
    assert index.running(KEY) == []
    assert slot_of(dry_run) is None
    drill = dry_run | {"spec": {"gameDay": KEY[1]}}
    index = DrillIndex({(KEY[0], dry_run["metadata"]["name"]): drill})
    index.changed(drill)
    assert index.running(KEY) == [drill["metadata"]["name"]]
    assert slot_of(drill) == START + 60
