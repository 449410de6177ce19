"""The api: takes webhooks, and tells how it and its queue are."""

import asyncio
import hmac
import logging
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest
from redis.exceptions import RedisError

from shop.alerting import alert
from shop.link import Link
from shop.outbox import Webhook
from shop.serving import serve
from shop.settings import Settings

LOG_LINES: Final = 200
WEBHOOKS = Counter("shop_webhooks", "Webhooks by answer.", ["status"])


class Lines(logging.Handler):
    """Keeps the newest lines of the log for ``/logs``."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: deque[dict[str, Any]] = deque(maxlen=LOG_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.kept.append({"at": record.created, "level": record.levelname.lower(), "message": record.getMessage()})


class Api:
    """The handlers of one replica."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.link = Link(settings, self._lost)
        self.lines = Lines()
        self._alerts: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        """The application; its link to Redis lives as long as it does."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/webhooks/{name}", self.webhook),
                web.get("/healthz", self.health),
                web.get("/queue/metrics", self.queue),
                web.get("/queue/dlq", self.dead_letters),
                web.get("/metrics", self.metrics),
                web.get("/logs", self.logs),
            ]
        )
        app.cleanup_ctx.append(self._lives)
        return app

    async def _lives(self, _: web.Application) -> AsyncIterator[None]:
        logging.getLogger().addHandler(self.lines)
        running = asyncio.create_task(self.link.run())
        yield
        self.link.end()
        for task in self._alerts:
            task.cancel()
        await asyncio.gather(*self._alerts, return_exceptions=True)
        await running
        logging.getLogger().removeHandler(self.lines)

    async def _lost(self) -> None:
        task = asyncio.create_task(alert(self.settings, f"{self.settings.pod}: Redis is away"))
        self._alerts.add(task)
        task.add_done_callback(self._alerts.discard)

    async def webhook(self, request: web.Request) -> web.Response:
        """Take a webhook in, or say that it must come again."""
        try:
            body = await request.json()
        except ValueError:
            return web.json_response({"error": "the body is no JSON"}, status=400)
        if await self._take({"name": request.match_info["name"], "body": body, "at": time.time()}):
            WEBHOOKS.labels(202).inc()
            return web.json_response({"accepted": True}, status=202)
        WEBHOOKS.labels(503).inc()
        return web.json_response({"error": "come again"}, status=503, headers={"Retry-After": "5"})

    async def _take(self, webhook: Webhook) -> bool:
        if "NO_BREAKER" in self.settings.defects:
            return await self.link.write_through(webhook)
        turned_away = not self.link.breaker.closed and self.settings.on_outage == "reject"
        if turned_away or self.link.outbox.full:
            return False
        self.link.accept(webhook)
        return True

    async def health(self, _: web.Request) -> web.Response:
        """Whether Redis is there, by the newest ping."""
        alive = self.link.alive or "LIE_HEALTHY" in self.settings.defects
        return web.json_response(
            {
                "redis": "ok" if alive else "down",
                "redisLatency": self.link.latency,
                "buffered": self.link.outbox.buffered,
            }
        )

    async def queue(self, request: web.Request) -> web.Response:
        """The queue's counts: the last known ones while Redis is away."""
        self._check_key(request)
        counts = self.link.counts
        return web.json_response(
            {
                "accepted": counts.accepted,
                "buffered": counts.buffered,
                "depth": counts.depth,
                "active": counts.active,
                "done": counts.done,
                "failed": counts.failed,
                "processingRate": counts.rate,
                "breaker": self.link.breaker.state,
            }
        )

    async def dead_letters(self, request: web.Request) -> web.Response:
        """The newest failed jobs."""
        self._check_key(request)
        try:
            return web.json_response({"jobs": await self.link.dead_letters()})
        except (RedisError, OSError):
            return web.json_response({"error": "Redis is away"}, status=503)

    async def metrics(self, _: web.Request) -> web.Response:
        """Prometheus metrics, those of the process among them."""
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def logs(self, request: web.Request) -> web.Response:
        """The newest lines of the log, of one level where that is asked for."""
        level = request.query.get("level")
        return web.json_response({"lines": [line for line in self.lines.kept if level in {None, line["level"]}]})

    def _check_key(self, request: web.Request) -> None:
        given, wanted = request.headers.get("X-API-Key", ""), self.settings.api_key
        # Without a key of our own, an absent one would be the right one.
        if not wanted or not hmac.compare_digest(given.encode(), wanted.encode()):
            raise web.HTTPUnauthorized(text="X-API-Key is missing or wrong\n")


async def main(settings: Settings) -> None:
    """Serve."""
    await serve(Api(settings).app(), settings.port)
