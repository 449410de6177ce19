"""The observer's log: every probe on its own grid, whatever the others do."""

import asyncio
import io
import itertools
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gameday.agents.log import SampleLog
from gameday.agents.observer import observe
from gameday.agents.witness import witness
from gameday.model.agent import AgentConfig, Dial, ObserverConfig, WitnessConfig
from unit.ports import free_port
from unit.probes.tasks import http_task, tcp_task
from unit.redis_server import RedisServer


@pytest.fixture
async def silent() -> AsyncIterator[int]:
    """A port that takes connections and never answers."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    for writer in held:
        writer.close()
    server.close()


def read(out: io.StringIO) -> list[dict[str, Any]]:
    """The whole lines that are there by now."""
    return [json.loads(line) for line in out.getvalue().splitlines()]


async def lines(work: Any, config: AgentConfig, **enough: int) -> list[dict[str, Any]]:
    """What an agent logs until so many lines of each name are there, ``_`` standing for what a name may not hold."""
    out, ending = io.StringIO(), asyncio.Event()
    log = SampleLog(out)
    log.started()
    task = asyncio.create_task(work(config, log, ending))
    async with asyncio.timeout(20):
        while not all(
            sum(re.sub(r"\W", "_", line["name"]) == name for line in read(out)) >= n for name, n in enough.items()
        ):
            assert not task.done()
            await asyncio.sleep(0.01)
    ending.set()
    await asyncio.wait_for(task, 5)
    return read(out)


async def test_one_slow_probe_never_delays_another(silent: int) -> None:
    quick = tcp_task("quick", 0.1, 1.0, "127.0.0.1", silent)
    slow = http_task("slow", 0.1, 2.0, url=f"http://127.0.0.1:{silent}/")
    logged = await lines(observe, ObserverConfig(probes=(quick, slow)), quick=12, slow=2)
    sent = [line["sent"] for line in logged if line["name"] == "quick"]
    waited = [line for line in logged if line["name"] == "slow"]
    for line in waited:
        assert any(line["sent"] < at < line["received"] for at in sent), "the quick one does not wait for the slow one"
    assert [line["error"] for line in waited] == ["timeout"] * len(waited)
    began = [line["sent"] for line in waited]
    assert min(b - a for a, b in itertools.pairwise(began)) > 1.9, "one request in flight a probe"


async def test_lines_are_numbered_without_a_gap_and_carry_their_own_times(redis: RedisServer) -> None:
    began = time.time()
    probe = tcp_task("redis", 0.05, 1.0, "127.0.0.1", redis.port)
    logged = await lines(observe, ObserverConfig(probes=(probe,)), redis=5)
    assert [line["n"] for line in logged] == list(range(1, len(logged) + 1))
    assert logged[0]["type"] == "started"
    assert all(began <= line["sent"] <= line["received"] <= time.time() for line in logged)


async def test_dials_overlap_and_are_logged_in_the_order_sent(redis: RedisServer) -> None:
    config = WitnessConfig(dials=(Dial("target-0", "127.0.0.1", redis.port, "redis"),), every=0.1, timeout=5.0)
    task = asyncio.create_task(lines(witness, config, target_0=15))
    await asyncio.sleep(0.5)
    redis.stop()
    await asyncio.sleep(0.5)  # far shorter than the timeout, also on a busy machine
    redis.go_on()
    logged = [line for line in await task if line["name"] == "target-0"]
    sent = [line["sent"] for line in logged]
    assert sent == sorted(sent)
    hung = [line for line in logged if line["received"] - line["sent"] > 0.15]
    assert len(hung) >= 2, "a dial that hangs keeps no other one back"
    assert all(line["ok"] for line in logged), "Redis answered each within the timeout, -NOAUTH counts"


async def test_a_port_that_answers_nothing_is_no_redis(silent: int) -> None:
    config = WitnessConfig(
        dials=(
            Dial("target-0", "127.0.0.1", silent, "redis"),
            Dial("target-1", "127.0.0.1", free_port(), "redis"),
            Dial("bystander:x", "127.0.0.1", silent, "tcp"),
        ),
        every=0.2,
        timeout=2.0,
    )
    logged = await lines(witness, config, target_0=2, target_1=2, bystander_x=2)
    errors = {name: {line.get("error") for line in logged if line["name"] == name} for name in ("target-0", "target-1")}
    assert errors == {"target-0": {"timeout"}, "target-1": {"refused"}}
    assert all(line["ok"] for line in logged if line["name"] == "bystander:x")
