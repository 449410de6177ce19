"""The way of the samples into a drill: what floods it or makes no sense is bounded, told once, and harms nothing."""

import asyncio
import json
import logging
import math
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from gameday.controller.drill import log_follower as feeds
from gameday.controller.drill.agents import probe_agents
from gameday.controller.drill.log_follower import (
    LOG_LIMIT,
    LONGEST_ADDRESS,
    LONGEST_WHOSE,
    MOST_OPENED,
    TOLD,
    LogFollower,
)
from gameday.controller.task_set import TaskSet
from gameday.controller.telemetry import Metrics
from gameday.engine.evidence.evidence import Evidence
from gameday.model.observation import ConnectionsClosed, ConnectionsCounted, Opened
from gameday.model.plan import Expectation, Mode, Outage, Plan, Probe, Recovery, Stage, SteadyState
from gameday.model.sample import Sample
from gameday.probes.http.kind import HttpProbe

PLAN = Plan(
    "g",
    (Probe("health", HttpProbe("http://x")),),
    SteadyState(1.0, (Expectation("e", Mode.ALWAYS, "health.body.l.all(x, x < 5)"),)),
    Outage(1.0, ()),
    Recovery(1.0),
)


def line(n: int, **more: Any) -> bytes:
    fields = {"n": n, "type": "sample", "name": "health", "sent": n * 1.0, "received": n + 0.5, "ok": True}
    return json.dumps(fields | more, separators=(",", ":")).encode()


async def read(
    monkeypatch: pytest.MonkeyPatch,
    lines: list[bytes],
    agent: str = "observer",
    plan: Plan = PLAN,
    *,
    resumes: bool = True,
) -> tuple[LogFollower, int]:
    """What a feed makes of a log, and how many wakes it gave."""

    async def follow(*_: object) -> AsyncIterator[bytes]:
        for one in lines:
            yield one

    monkeypatch.setattr(feeds, "follow_log", follow)
    wakes: list[None] = []
    follower = LogFollower(None, "shop", "first", Metrics({}), lambda: 1000.0, resumes=resumes)  # type: ignore[arg-type]  # no call goes to the cluster
    follower.evidence = Evidence(plan, {"partition": range(1)})
    follower.probe_agents = probe_agents(plan)
    follower.on_sample(lambda: wakes.append(None))
    async with asyncio.TaskGroup() as group:
        follower.follow(TaskSet(group), agent, f"first-{agent}", ended=True)
    return follower, len(wakes)


async def test_a_log_that_floods_is_read_up_to_its_limit_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    long = [line(n, error="x" * 200) for n in range(1, 60_000)]
    follower, wakes = await read(monkeypatch, long)
    assert follower.unusable == "the log of agent observer is longer than 10 MiB, and the operator stopped reading it"
    size = sum(len(one) + 1 for one in long[: wakes - 1])
    assert LOG_LIMIT - 300 < size <= LOG_LIMIT

    follower, _ = await read(monkeypatch, long[:100])
    assert follower.unusable == ""


async def test_lines_that_go_back_in_time_again_and_again_are_read_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is set right sends some lines back; each has all that was judged judged anew."""
    follower, _ = await read(monkeypatch, [line(n) for n in range(900, 0, -1)])
    assert follower.unusable == ""
    follower, wakes = await read(monkeypatch, [line(n) for n in range(5000, 0, -1)])
    assert "go back in time" in follower.unusable
    assert wakes < 1100


async def test_lines_that_are_none_are_told_a_few_times_and_then_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        _, wakes = await read(monkeypatch, [b"password=hunter2"] * 5000 + [line(1)])
    assert wakes == 1
    assert len(caplog.messages) == TOLD + 1
    assert "5000 invalid lines of agent observer were skipped" in caplog.messages[-1]
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("killed", [math.inf, math.nan, -1, "3", None, [], True])
async def test_an_answer_of_the_closer_that_makes_no_sense_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, killed: object
) -> None:
    follower, _ = await read(monkeypatch, [line(1, type="closed", values={"killed": killed, "left": 0})], "closer")
    assert follower.closed["closer"] == ConnectionsClosed(0, 0, "the closer pod's answer cannot be read")


async def test_what_is_counted_is_known_before_the_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line(n, type="connections", name="connections", values={"count": c}) for n, c in enumerate([2, 1], 1)]
    follower, _ = await read(monkeypatch, lines, "counter")
    assert follower.counted["counter"] == ConnectionsCounted(2)
    refused = line(3, type="connections", name="connections", ok=False, error="redis NOPERM: needs CLIENT LIST")
    follower, _ = await read(monkeypatch, [*lines, refused], "counter")
    assert follower.counted["counter"] == ConnectionsCounted(2, "redis NOPERM: needs CLIENT LIST")


@pytest.mark.parametrize(
    ("told", "direct"), [([True], True), ([True, False], False), ([False, None], False), ([1], False)]
)
async def test_it_is_known_whether_the_servers_show_their_clients(
    monkeypatch: pytest.MonkeyPatch, told: list[object], direct: bool
) -> None:
    """A look that failed says nothing of it."""
    lines = [
        line(
            n,
            type="connections",
            name="connections",
            values={"count": 1} | ({"direct": one} if one is not None else {}),
        )
        for n, one in enumerate([*told, None], 1)
    ]
    follower, _ = await read(monkeypatch, lines, "counter")
    assert follower.counted["counter"].direct is direct


async def test_targets_of_which_nothing_is_seen_stay_known_until_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is told once, and a look that failed tells nothing."""
    told: list[dict[str, object]] = [{"unseen": 2, "example": "pod b"}, {"unseen": 1}, {}]
    lines = [line(n, type="connections", name="connections", values={"count": 1, **v}) for n, v in enumerate(told, 1)]
    follower, _ = await read(monkeypatch, lines, "counter")
    assert (follower.counted["counter"].unseen, follower.counted["counter"].example) == (1, "pod b")
    follower, _ = await read(monkeypatch, [*lines, looked(4, unseen=0)], "counter")
    assert follower.counted["counter"].unseen == 0


async def test_what_targets_open_while_connections_are_ended_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"killed": 40, "left": 3, "opened": 3, "opener": "pod api-7 (10.0.0.7) to 10.0.1.5:6380"}
    told = line(1, type="closed", name="closed", ok=False, error="still open", values=values)
    follower, _ = await read(monkeypatch, [told], "closer")
    closed = follower.closed["closer"]
    assert (closed.left, closed.opened, closed.opener) == (3, 3, "pod api-7 (10.0.0.7) to 10.0.1.5:6380")


def looked(n: int, **values: object) -> bytes:
    """A look of the counter, sent at second ``n``."""
    return line(n, type="connections", name="connections", sent=float(n), values={"count": 1, **values})


async def test_when_targets_opened_connections_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        looked(20, age=9, youngest="0:7", whose="10.0.0.7 to 10.0.1.5:6379"),
        looked(21, age=9, youngest="0:7"),
        looked(22),
        looked(30, age=3, youngest="1:7", whose="10.0.0.8 to 10.0.1.5:6380"),
    ]
    follower, _ = await read(monkeypatch, lines, "counter")
    assert follower.counted["counter"].opened == (
        Opened("0:7", 11.0, 21.0, "10.0.0.7 to 10.0.1.5:6379"),
        Opened("1:7", 27.0, 30.0, "10.0.0.8 to 10.0.1.5:6380"),
    )


@pytest.mark.parametrize("age", [-1, "3", None, math.inf, True])
async def test_an_age_that_makes_no_sense_says_nothing(monkeypatch: pytest.MonkeyPatch, age: object) -> None:
    follower, _ = await read(monkeypatch, [looked(5, age=age, youngest="0:7", whose=7)], "counter")
    assert follower.counted["counter"] == ConnectionsCounted(1)


async def test_a_bounded_number_of_openings_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [looked(n, age=0, youngest=f"0:{n}" * 99, whose="x" * 500) for n in range(1, 4000)]
    follower, _ = await read(monkeypatch, lines, "counter")
    opened = follower.counted["counter"].opened
    assert len(opened) == MOST_OPENED
    assert opened[-1].seen_at == 3999
    assert (len(opened[-1].whose), len(opened[-1].connection)) == (LONGEST_WHOSE, LONGEST_ADDRESS)


async def test_whom_the_counter_has_seen_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    told: tuple[object, ...] = (["10.0.0.7"], ["10.0.0.8", "10.0.0.7"], "no list", [])
    lines = [
        line(n, type="connections", name="connections", values={"count": 1, "seen": seen})
        for n, seen in enumerate(told, 1)
    ]
    follower, _ = await read(monkeypatch, lines, "counter")
    assert follower.seen == {"counter": ("10.0.0.7", "10.0.0.8")}


WITNESS = {"type": "dial", "name": "target-0"}
CLOSED = {"type": "closed", "name": "closed", "values": {"killed": 1, "left": 0}}
COUNTED = {"type": "connections", "name": "connections", "values": {"count": 1}}
ARMED = {"type": "armed", "name": "armed", "values": {"deadline": 9.0}}
HELD = {"type": "held", "name": "target:a", "values": {"connection": 1, "answered": 1, "local": False}}


@pytest.mark.parametrize(
    ("agent", "more"),
    [
        ("witness-0", {}),
        ("control-1", {}),
        ("client", {}),
        ("operator", {}),
        ("observer", {"name": "redis"}),
        ("observer", {"name": "pods"}),
        ("observer", WITNESS),
        ("observer", CLOSED),
        ("observer", ARMED),
        ("client", WITNESS),
        ("closer", {}),
        ("closer", COUNTED),
        ("counter", CLOSED),
        ("counter", {}),
        ("closer", ARMED),
        ("witness-0", CLOSED),
        ("observer", HELD),
        ("client", HELD),
        ("closer", HELD),
        ("fuse-stop", CLOSED),
        ("fuse-stop", {}),
    ],
)
async def test_an_agent_is_believed_only_what_its_role_may_say(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, agent: str, more: dict[str, Any]
) -> None:
    with caplog.at_level(logging.WARNING):
        follower, wakes = await read(monkeypatch, [line(1, **more)], agent)
    assert (wakes, follower.closed, follower.fuses_armed) == (0, {}, {})
    assert follower.evidence is not None
    assert not follower.evidence.all_probes_seen()
    assert not follower.evidence.proofs["partition"].dials
    assert "skipped" in caplog.text


async def test_what_keeps_a_fuse_from_its_dry_run_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = {"type": "armed", "name": "armed", "ok": False, "error": "TimeoutError", "values": {}}
    follower, _ = await read(monkeypatch, [line(1, **tried)], "fuse-stop")
    assert (follower.fuse_troubles, follower.fuses_armed) == ({"fuse-stop": "TimeoutError"}, {})
    follower, _ = await read(monkeypatch, [line(1, **tried), line(2, **ARMED)], "fuse-stop")
    assert follower.fuses_armed.keys() == {"fuse-stop"}


@pytest.mark.parametrize("name", ["closed", "started", "armed", "connections", "target", "target-0", "fired"])
async def test_a_probe_may_have_any_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    plan = replace(
        PLAN,
        probes=(Probe(name, HttpProbe("http://x")),),
        steady_state=SteadyState(1.0, (Expectation("e", Mode.ALWAYS, f"{name}.ok".replace("-", "_")),)),
    )
    lines = [line(1, type="started", name="started"), *(line(n, name=name, values={"killed": 1}) for n in (2, 3))]
    follower, _ = await read(monkeypatch, lines[:1], plan=plan)
    assert follower.evidence is not None
    assert not follower.evidence.all_probes_seen(), "a greeting is no sample"
    follower, _ = await read(monkeypatch, lines, plan=plan)
    assert follower.evidence is not None
    assert follower.evidence.all_probes_seen()
    assert (follower.closed, follower.fuses_armed) == ({}, {})
    if "-" not in name:
        series = follower.evidence.series(plan.expectations(Stage.STEADY_STATE)[0])
        assert [evaluation.value for evaluation in series.evaluations] == [True, True]


async def test_many_values_take_no_more_room_than_their_text() -> None:
    """A list of small numbers takes sixteen times the room of its text, and a drill keeps every line."""
    evidence = Evidence(PLAN)
    for n in range(1, 101):
        evidence.take(Sample("observer", n, "health", n, n + 0.5, ok=True, values={"body": {"l": (1,) * 240}}))
    kept = [known.kept for known in evidence._agent_logs["observer"].lines]
    assert len(kept) == 100
    assert all(isinstance(text, str) and sys.getsizeof(text) < 2000 for text in kept)
    series = evidence.series(PLAN.expectations(Stage.STEADY_STATE)[0])
    assert [evaluation.value for evaluation in series.evaluations] == [True] * 100, "and are judged like any"


async def test_each_pod_of_a_fuse_is_followed_and_each_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[str] = []

    async def nothing(_: object, namespace: str, pod: str) -> AsyncIterator[bytes]:
        followed.append(f"{namespace}/{pod}")
        for one in list[bytes]():
            yield one

    monkeypatch.setattr(feeds, "follow_log", nothing)
    follower = LogFollower(None, "shop", "first", Metrics({}), lambda: 0.0)  # type: ignore[arg-type]  # no call is made
    async with asyncio.TaskGroup() as group:
        tasks = TaskSet(group)
        for pod in ("fuse-a", "fuse-b", "fuse-a"):
            follower.follow(tasks, "fuse-stop", pod, ended=True)
    assert followed == ["shop/fuse-a", "shop/fuse-b"]


async def test_a_stream_that_ends_under_a_running_container_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the API server ends it when the kubelet restarts: without an error."""
    opened: list[int] = []
    follower = LogFollower(None, "shop", "first", Metrics({}), lambda: 1000.0)  # type: ignore[arg-type]  # no call goes to the cluster
    follower.evidence = Evidence(PLAN)
    follower.probe_agents = probe_agents(PLAN)

    async def follow(*_: object) -> AsyncIterator[bytes]:
        opened.append(len(opened) + 1)
        for n in range(1, 3 * len(opened)):
            yield line(n)

    async def pause(_: float) -> None:
        if len(opened) == 3:
            follower.follow(tasks, "observer", "first-observer", ended=True)

    monkeypatch.setattr(feeds, "follow_log", follow)
    monkeypatch.setattr("gameday.controller.drill.log_follower.asyncio.sleep", pause)
    async with asyncio.TaskGroup() as group:
        tasks = TaskSet(group)
        follower.follow(tasks, "observer", "first-observer", ended=False)
    assert opened == [1, 2, 3, 4], "it is read once more when its container is known to have ended"
    series = follower.evidence.series(PLAN.expectations(Stage.STEADY_STATE)[0])
    assert len(series.evaluations) == 11, "each line once"


async def test_the_clocks_of_agents_are_compared_by_lines_that_come_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator reads these at 1000.0. The one line of a fuse waited for its log to be opened."""
    late = json.dumps(
        {"n": 1, "type": "armed", "name": "armed", "sent": 1000.2, "received": 1000.3, "ok": True}
    ).encode()
    fast, slow = (line(n, sent=at, received=at) for n, at in ((1, 1000.1), (2, 1002.0)))
    follower, _ = await read(monkeypatch, [late], "fuse")
    assert follower.offset == 0.0
    follower, _ = await read(monkeypatch, [fast])
    assert follower.offset == pytest.approx(0.1)
    follower, _ = await read(monkeypatch, [fast, slow])
    assert follower.offset == pytest.approx(2.0)


async def test_lines_of_before_a_takeover_say_nothing_of_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    old = line(1, sent=960.0, received=960.0)
    follower, _ = await read(monkeypatch, [old])
    assert follower.offset == 0.0
    follower, _ = await read(monkeypatch, [old], resumes=False)
    assert follower.offset == pytest.approx(39.5)
