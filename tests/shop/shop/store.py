"""Redis as the shop uses it: a BullMQ queue named jobs, and what each replica of the api publishes beside it.

BullMQ keeps its keys under ``bull:jobs:`` and changes them in Lua scripts, so one MULTI that reads them sees no job
twice and none nowhere. Jobs are never removed: every number that was given out is done, failed, waiting or active.
"""

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any, Final

from bullmq import Queue
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from shop.outbox import Outbox, Webhook
from shop.settings import Settings

QUEUE: Final = "jobs"
KEYS: Final = f"bull:{QUEUE}"
REPLICAS: Final = "shop:replicas"
RATE_WINDOW: Final = 10.0
"""Seconds over which the processing rate is taken."""
SILENT_AFTER: Final = 10.0
"""Seconds after which a replica that publishes nothing holds nothing any more: what it had not written is lost."""


def client(settings: Settings, timeout: float) -> "Redis":
    """A client that fails after ``timeout`` seconds and tries nothing again by itself: its users know what to do."""
    return Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        password=settings.redis_password,
        socket_timeout=timeout,
        socket_connect_timeout=min(timeout, 1.0),
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """The queue at one moment; ``rate`` is in jobs a second, ``at`` in Unix seconds."""

    accepted: int = 0
    buffered: int = 0
    depth: int = 0
    active: int = 0
    done: int = 0
    failed: int = 0
    rate: float = 0.0
    at: float = 0.0


class Store:
    """The api's view of Redis."""

    def __init__(self, settings: Settings) -> None:
        # One name a process: a container that starts anew must not hide what the one before it had not written.
        self._replica = f"{settings.pod}/{secrets.token_hex(4)}"
        self._redis = client(settings, 1.0)
        self._queue = Queue(QUEUE, {"connection": self._redis})

    async def ping(self) -> float:
        """Seconds that Redis takes to answer."""
        began = time.perf_counter()
        await self._redis.ping()
        return time.perf_counter() - began

    async def add(self, name: str, webhook: Webhook) -> None:
        """Write one job. When the answer is lost it may be there twice: at least once is what we promise."""
        await self._queue.add(name, webhook)

    async def counts(self, outbox: Outbox) -> Counts:
        """Publish this replica's outbox and read all counts, in one MULTI."""
        now = time.time()
        pipe = self._redis.pipeline(transaction=True)
        pipe.hset(REPLICAS, self._replica, _published(outbox, now))
        pipe.get(f"{KEYS}:id")
        for part in ("wait", "active", "paused"):
            pipe.llen(f"{KEYS}:{part}")
        for part in ("delayed", "prioritized", "completed", "failed"):
            pipe.zcard(f"{KEYS}:{part}")
        pipe.zcount(f"{KEYS}:completed", (now - RATE_WINDOW) * 1000, "+inf")
        pipe.hgetall(REPLICAS)
        answer: list[Any] = await pipe.execute()
        _, ids, wait, active, paused, delayed, prioritized, done, failed, recent, replicas = answer
        told = [json.loads(text) for text in replicas.values()]
        return Counts(
            accepted=int(ids or 0) + sum(one["unwritten"] for one in told),
            buffered=sum(one["buffered"] for one in told if now - one["at"] < SILENT_AFTER),
            depth=wait + paused + delayed + prioritized,
            active=active,
            done=done,
            failed=failed,
            rate=recent / RATE_WINDOW,
            at=now,
        )

    async def leave(self, outbox: Outbox) -> None:
        """Publish the last of this replica: that it held nothing, by its absence, or what is lost with it."""
        if outbox.unwritten:
            await self._redis.hset(REPLICAS, self._replica, _published(outbox, time.time()))
        else:
            await self._redis.hdel(REPLICAS, self._replica)

    async def dead_letters(self) -> list[dict[str, Any]]:
        """The newest hundred failed jobs."""
        jobs = await self._queue.getFailed(0, 99)
        return [{"id": job.id, "name": job.name, "reason": job.failedReason} for job in jobs if job is not None]

    async def close(self) -> None:
        """Hang up."""
        await self._redis.aclose()


def _published(outbox: Outbox, now: float) -> str:
    return json.dumps({"unwritten": outbox.unwritten, "buffered": outbox.buffered, "at": now})
