"""No loop turns without a pause: conflicts are waited out ever longer, and the API server as long as it asks."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from gameday.api.record import moment, status_of, timestamp
from gameday.api.schedule_state import digest_of, schedule_state_fields
from gameday.cluster.client import Cluster
from gameday.controller.backoff import FIRST, LONGEST, TRIES, Backoff
from gameday.controller.drill.log_follower import LogFollower
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.controller.gameday.gamedays import show_last_drill, update_status
from gameday.controller.process import supervisor as supervising
from gameday.controller.schedule.schedules import Schedules
from gameday.controller.store import Store
from gameday.controller.task_set import TaskSet
from gameday.controller.telemetry import Metrics
from gameday.errors import Conflict, GameDayError, TooManyRequests
from gameday.model.halt import Halt
from gameday.model.labels import SLOT
from gameday.model.names import of_slot
from gameday.model.record import DrillRecord, Phase
from gameday.model.schedule import Decision, ScheduleState, Slot
from unit.api_server import ApiServer
from unit.controller.process.test_operator import GAMEDAY

Work = Callable[[], Awaitable[object]]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, of which none takes time."""
    made: list[float] = []
    real = asyncio.sleep

    async def pause(seconds: float) -> None:
        made.append(seconds)
        await real(0)

    monkeypatch.setattr("gameday.controller.backoff.asyncio.sleep", pause)
    return made


async def test_each_pause_is_twice_the_last_up_to_the_longest_and_then_the_error_is_the_callers(
    pauses: list[float],
) -> None:
    backoff = Backoff()
    for _ in range(TRIES - 1):
        await backoff.wait(Conflict("changed"))
    with pytest.raises(Conflict):
        await backoff.wait(Conflict("changed"))
    assert len(pauses) == TRIES - 1
    assert pauses == [min(FIRST * 2**n, LONGEST) for n in range(TRIES - 1)]


async def test_the_api_server_may_ask_for_more(pauses: list[float]) -> None:
    await Backoff().wait(TooManyRequests("wait", 4.0))
    assert pauses == [4.0]


AT = moment("2026-11-24T12:00:00Z")


@pytest.fixture(params=["update_status", "show_last_drill", "save", "look", "claim"])
def work(request: pytest.FixtureRequest, api_server: ApiServer, cluster: Cluster) -> Work:
    """Everything that writes a status again when somebody else has changed it."""
    spec = GAMEDAY["spec"] | {"schedule": {"cron": "* * * * *", "timeZone": "Etc/UTC"}}
    state = ScheduleState(digest_of(spec), 1, AT - 60, AT, (Slot(AT, Decision.STARTING),))
    status = schedule_state_fields(state) if request.param == "claim" else {}
    gameday = api_server.put("gamedays", "shop", GAMEDAY | {"spec": spec, "status": status})
    metadata = {"namespace": "shop", "name": of_slot("small", AT), "uid": "d", "labels": {SLOT: f"{AT:.0f}"}}
    scheduled = {"metadata": metadata, "spec": {"gameDay": "small", "startBefore": timestamp(AT + 300)}}
    record = DrillRecord(Phase.OUTAGE, since=1.0)
    body = {"metadata": {"name": "first", "uid": "u"}, "spec": {"gameDay": "small"}, "status": status_of(record, 1)}
    persisted = PersistedDrill(
        cluster, api_server.put("drills", "shop", body), lambda _: None, lambda _, __: None, time.time
    )
    schedules = Schedules(
        cluster,
        Store({("shop", "small"): gameday}, listed=True),
        Metrics(Counter()),
        _NoEvents(),  # type: ignore[arg-type]  # it only writes
        lambda: AT + 1,
        Halt,
    )
    works: dict[str, Work] = {
        "update_status": lambda: update_status(cluster, gameday, {"observedGeneration": 2}, None, time.time),
        "show_last_drill": lambda: show_last_drill(cluster, "shop", "small", {"lastDrill": "first"}),
        "save": lambda: persisted.save(replace(record, outage_started_at=3.0)),
        "look": lambda: schedules.look(("shop", "small")),
        "claim": lambda: schedules.claim(scheduled),
    }
    return works[request.param]


class _NoEvents:
    async def write(self, *_: object, **__: object) -> None:
        """Nothing."""


async def test_whoever_writes_a_status_backs_off_while_others_change_it(
    work: Work, api_server: ApiServer, pauses: list[float]
) -> None:
    api_server.conflicts = 4
    await work()
    assert pauses == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]


async def test_whoever_writes_a_status_gives_up_where_others_change_it_for_ever(
    work: Work, api_server: ApiServer, pauses: list[float]
) -> None:
    api_server.conflicts = 1000
    with pytest.raises(Conflict):
        await work()
    assert len(pauses) == TRIES - 1


async def test_a_log_is_opened_again_when_the_api_server_has_had_the_time_that_it_asked_for(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[float] = []

    async def pause(seconds: float) -> None:
        made.append(seconds)

    monkeypatch.setattr("gameday.controller.drill.log_follower.asyncio.sleep", pause)
    api_server.put("pods", "shop", {"metadata": {"name": "first-observer"}})
    api_server.logs["first-observer"] = {"agent": ""}
    api_server.busy = [(429, "3"), (503, "")]
    follower = LogFollower(cluster, "shop", "first", Metrics(Counter()), time.time)
    async with asyncio.TaskGroup() as group:
        follower.follow(TaskSet(group), "observer", "first-observer", ended=True)
    assert made == [3.0, 0.5]


async def test_a_drill_that_the_api_server_put_off_is_taken_up_again_when_it_asked_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[float] = []

    async def pause(seconds: float) -> None:
        made.append(seconds)

    monkeypatch.setattr("gameday.controller.process.supervisor.asyncio.sleep", pause)
    drill = {"kind": "Drill", "metadata": {"namespace": "shop", "name": "first"}}
    one = supervising.Supervisor(None, None, Store(), Metrics(Counter()), None, time.time, bool)  # type: ignore[arg-type]  # unused
    error: GameDayError = TooManyRequests("wait", 9.0)
    await one._failed(drill, ExceptionGroup("a task group's", [error]))
    await one._failed(drill, ExceptionGroup("a task group's", [Conflict("changed")]))
    assert made == [9.0, supervising.AGAIN_AFTER]


async def test_a_calendar_is_looked_at_again_when_the_api_server_asked_for_it(
    api_server: ApiServer, cluster: Cluster
) -> None:
    spec = GAMEDAY["spec"] | {"schedule": {"cron": "* * * * *", "timeZone": "Etc/UTC"}}
    key = ("shop", "small")
    known = {key: api_server.put("gamedays", "shop", GAMEDAY | {"spec": spec})}
    schedules = Schedules(
        cluster,
        Store(known, listed=True),
        Metrics(Counter()),
        _NoEvents(),  # type: ignore[arg-type]  # it only writes
        lambda: AT + 1,
        Halt,
    )
    api_server.busy = [(429, "9")]
    schedules._due[key] = float("inf")
    await schedules._turn(key, asyncio.Semaphore(1))
    assert schedules._due[key] == AT + 1 + 9
