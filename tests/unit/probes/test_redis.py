"""The redis probe against a real Redis."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gameday.model.agent import ProbeSpec, RedisSpec
from gameday.probes.redis import RedisAsk
from unit.redis_server import PASSWORD, RedisServer

PATHS: tuple[tuple[str | int, ...], ...] = (("role",), ("depth",), ("active",), ("failed",))


@pytest.fixture
def probe(redis: RedisServer, tmp_path: Path) -> ProbeSpec:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    spec = RedisSpec("127.0.0.1", redis.port, password_file=str(secret), queue_kind="bullmq", queue_keys="bull:jobs")
    return ProbeSpec("redis", "redis", 1.0, 0.5, PATHS, redis=spec)


async def test_role_and_depths_of_the_queue_are_told(redis: RedisServer, probe: ProbeSpec) -> None:
    async with redis.client() as client:
        await client.rpush("bull:jobs:wait", 1, 2, 3)
        await client.rpush("bull:jobs:active", 4)
        await client.zadd("bull:jobs:failed", {"5": 1, "6": 2})
    ask = RedisAsk(probe)
    answer = await ask()
    await ask.close()
    assert answer.ok
    assert answer.values == {"role": "master", "depth": 3, "active": 1, "failed": 2}


async def test_a_redis_that_stops_and_goes_on_is_a_failed_sample_and_then_a_good_one(
    redis: RedisServer, probe: ProbeSpec
) -> None:
    ask = RedisAsk(probe)
    assert (await ask()).ok
    redis.stop()
    answer = await ask()
    assert (answer.ok, answer.error) == (False, "timeout")
    redis.go_on()
    assert (await ask()).ok
    await redis.kill()
    assert (await ask()).error in {"refused", "reset", "protocol"}
    await redis.start()
    assert (await ask()).ok
    await ask.close()


async def test_an_answer_that_came_too_late_is_not_taken_for_the_next_one(redis: RedisServer, probe: ProbeSpec) -> None:
    ask = RedisAsk(replace(probe, timeout=5.0))
    assert (await ask()).ok
    redis.stop()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await ask()
    redis.go_on()
    assert (await ask()).values == {"role": "master", "depth": 0, "active": 0, "failed": 0}
    await ask.close()


async def test_a_wrong_password_is_told_without_it(probe: ProbeSpec, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wrong-secret")
    answer = await RedisAsk(probe)()
    assert (answer.ok, answer.error) == (False, "auth")
