"""The shop's parts, around a Redis of the test's own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from shop import alerts, worker
from shop.api import Api
from shop.settings import Settings
from unit.ports import free_port
from unit.redis_server import PASSWORD, RedisServer


@dataclass
class Shop:
    """The shop on loopback; ``get`` and ``hook`` talk to its first api."""

    redis: RedisServer
    settings: Settings
    session: aiohttp.ClientSession
    urls: list[str]
    alerts_url: str

    async def get(self, path: str, replica: int = 0) -> dict[str, Any]:
        headers = {"X-API-Key": "secret"}
        async with self.session.get(self.urls[replica] + path, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            found: dict[str, Any] = await answer.json()
            return found

    async def hook(self, body: dict[str, Any] | None = None, replica: int = 0) -> int:
        async with self.session.post(self.urls[replica] + "/webhooks/test", json=body or {"id": 1}) as answer:
            return answer.status

    async def queue(self, replica: int = 0) -> dict[str, Any]:
        return await self.get("/queue/metrics", replica)

    async def alerted(self) -> int:
        async with self.session.get(self.alerts_url + "received") as answer:
            return int((await answer.json())["received"])


Open = Callable[..., AbstractAsyncContextManager[Shop]]


@pytest.fixture
def shop(redis: RedisServer) -> Open:
    """Opens a shop: ``shop(defects={...}, replicas=2, workers=1, on_outage="buffer")``."""

    @contextlib.asynccontextmanager
    async def opened(
        defects: frozenset[str] = frozenset(), replicas: int = 1, workers: int = 1, on_outage: str = "reject"
    ) -> AsyncIterator[Shop]:
        async with contextlib.AsyncExitStack() as stack:
            alerts_url = await stack.enter_async_context(_served(alerts.app()))
            settings = Settings("127.0.0.1", redis.port, PASSWORD, "secret", alerts_url, on_outage, defects=defects)
            urls = [
                (await stack.enter_async_context(_served(Api(replace(settings, pod=f"api-{n}")).app()))).rstrip("/")
                for n in range(replicas)
            ]
            session = await stack.enter_async_context(aiohttp.ClientSession())
            ending = asyncio.Event()
            tasks = [asyncio.create_task(worker.run(settings, ending)) for _ in range(workers)]
            made = Shop(redis, settings, session, urls, alerts_url)
            try:
                await until(lambda: _healthy(made), "the shop is healthy")
                yield made
            finally:
                ending.set()
                await asyncio.gather(*tasks)

    return opened


async def _healthy(one: Shop) -> bool:
    return all([(await one.get("/healthz", n))["redis"] == "ok" for n in range(len(one.urls))])


@contextlib.asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


async def until(look: Callable[[], Any], what: str, patience: float = 60) -> None:
    """Look until it is so."""
    try:
        async with asyncio.timeout(patience):
            while not await look():  # noqa: ASYNC110  what is looked at is another process
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"after {patience:.0f} s still not: {what}") from None
