"""The shop's parts as processes, as containers run them: how they end, and what they leave."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest
from bullmq import Queue

from shop.outbox import Outbox
from shop.settings import Settings
from shop.store import KEYS, QUEUE, REPLICAS, Store
from unit.ports import free_port
from unit.redis_server import PASSWORD, RedisServer
from unit.shop.conftest import until

ENDS_WITHIN = 30.0
JOBS = 40
MANY = 400
"""Jobs that no worker has done before it is looked at."""


@contextlib.asynccontextmanager
async def running(
    part: str, redis: RedisServer, root: str, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shop", part, stderr=asyncio.subprocess.PIPE,
        env=os.environ | {
            "PYTHONPATH": root, "REDIS_HOST": "127.0.0.1", "REDIS_TCP_PORT": str(redis.port),
            "REDIS_PASSWORD": PASSWORD, "API_KEY": "secret", "HOSTNAME": "pod", **environment,
        },
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ends(process: asyncio.subprocess.Process) -> int:
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(ENDS_WITHIN):
        return await process.wait()


@pytest.fixture
def root(request: pytest.FixtureRequest) -> str:
    return str(request.config.rootpath / "tests" / "shop")


async def test_an_api_that_is_told_to_end_writes_what_it_accepted(redis: RedisServer, root: str) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with running("api", redis, root, LISTEN_PORT=str(port)) as api, aiohttp.ClientSession() as session:

        async def ready() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{url}/healthz") as answer:
                    return bool((await answer.json())["redis"] == "ok")
            return False

        async def hook() -> int:
            async with session.post(f"{url}/webhooks/test", json={}) as answer:
                return answer.status

        await until(ready, "the api is there")
        assert await asyncio.gather(*(hook() for _ in range(JOBS))) == [202] * JOBS
        assert await ends(api) == 0
    async with redis.client() as client:
        assert await client.get(f"{KEYS}:id") == str(JOBS)
        assert await client.hgetall(REPLICAS) == {}, "it holds nothing, so it is not counted any more"


async def test_a_worker_that_is_told_to_end_finishes_its_job(redis: RedisServer, root: str) -> None:
    async with redis.client() as client:
        queue = Queue(QUEUE, {"connection": client})
        for n in range(MANY):
            await queue.add("test", {"body": {"id": n}})
        async with running("worker", redis, root) as worker:

            async def at_work() -> bool:
                return bool(await client.zcard(f"{KEYS}:completed") > 1 and await client.llen(f"{KEYS}:active"))

            await until(at_work, "a job is under way")
            assert await ends(worker) == 0
        assert await client.llen(f"{KEYS}:active") == 0
        assert await client.zcard(f"{KEYS}:completed") + await client.llen(f"{KEYS}:wait") == MANY


@pytest.mark.parametrize("part", ["api", "worker"])
async def test_a_part_that_is_told_to_end_ends_while_redis_is_silent(redis: RedisServer, root: str, part: str) -> None:
    async with running(part, redis, root, LISTEN_PORT=str(free_port())) as process, redis.client() as client:

        async def connected() -> bool:
            return len(await client.client_list()) > 1

        await until(connected, f"the {part} is there")
        redis.stop()
        assert await ends(process) == 0
        redis.go_on()


async def test_the_jobs_of_a_rollback_end_well_and_say_what_they_did(redis: RedisServer, root: str) -> None:
    async with redis.client() as client:
        await Queue(QUEUE, {"connection": client}).add("test", {})
        await client.lmove(f"{KEYS}:wait", f"{KEYS}:active")
    for part, says in (("clear-stalled", b"1 stalled jobs put back"), ("replay-dlq", b"0 dead letters")):
        async with running(part, redis, root) as job:
            _, said = await asyncio.wait_for(job.communicate(), 60)
            assert job.returncode == 0
            assert says in said


async def test_a_job_that_cannot_reach_redis_does_not_end_well(redis: RedisServer, root: str) -> None:
    await redis.kill()
    async with running("replay-dlq", redis, root) as job:
        await asyncio.wait_for(job.communicate(), 60)
        assert job.returncode != 0


async def test_an_api_without_a_key_tells_nobody_its_numbers(redis: RedisServer, root: str) -> None:
    port = free_port()
    async with running("api", redis, root, LISTEN_PORT=str(port), API_KEY=""), aiohttp.ClientSession() as session:

        async def answers() -> int | None:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{port}/queue/metrics") as answer:
                    return answer.status
            return None

        await until(answers, "the api is there")
        assert await answers() == 401


async def test_a_container_that_starts_anew_hides_nothing_of_what_was_lost(redis: RedisServer) -> None:
    settings = Settings("127.0.0.1", redis.port, PASSWORD, pod="api-0")
    before, after = Store(settings), Store(settings)
    outbox = Outbox()
    outbox.accept({"name": "test"})
    outbox.lose()
    await before.counts(outbox)
    counts = await after.counts(Outbox())
    assert (counts.accepted, counts.buffered) == (1, 0)
    await before.close()
    await after.close()
