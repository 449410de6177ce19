"""The api's link to Redis: who pings it, writes the outbox to it, and knows whether it is there."""

import asyncio
import contextlib
import logging
import math
import statistics
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from redis.exceptions import RedisError

from shop.breaker import RESTS, Breaker
from shop.outbox import Outbox, Webhook
from shop.settings import Settings
from shop.store import RATE_WINDOW, Counts, Store

PING_EVERY: Final = 0.5
RETRY_AFTER: Final = 0.2
PINGS: Final = 5
"""Pings whose median is the latency that is told: one that met a busy processor says nothing of Redis."""

log = logging.getLogger("shop.link")


class Link:
    """Keeps ``alive``, ``latency`` (seconds) and ``counts`` up to date, and the outbox empty."""

    def __init__(self, settings: Settings, lost: Callable[[], Awaitable[None]]) -> None:
        self.outbox = Outbox()
        defects = settings.defects
        # Who never tries again never gets to half-open.
        rests = math.inf if "NEVER_RECONNECT" in defects else RESTS
        self.breaker = Breaker(time.monotonic, works="NO_BREAKER" not in defects, rests=rests)
        self.alive = False
        self._settings = settings
        self._store = Store(settings)
        self._lost = lost
        self._latencies: deque[float] = deque(maxlen=PINGS)
        self._counts = Counts()
        self._was_alive = False
        self._filled = asyncio.Event()
        self._ending = asyncio.Event()

    @property
    def latency(self) -> float:
        """Seconds that Redis takes to answer: the time it was waited for in vain while it is away."""
        return statistics.median(self._latencies) if self._latencies else 1.0

    @property
    def counts(self) -> Counts:
        """The counts last read, with this replica's own outbox as it is now."""
        known = self._counts
        if self.alive:
            return known
        rate = known.rate if time.time() - known.at < RATE_WINDOW else 0.0
        return replace(known, buffered=self.outbox.buffered, rate=rate, accepted=self._accepted_now(known))

    def _accepted_now(self, known: Counts) -> int:
        in_redis = known.depth + known.active + known.done + known.failed
        return in_redis + self.outbox.unwritten

    def accept(self, webhook: Webhook) -> None:
        """Take a webhook in."""
        self.outbox.accept(webhook)
        self._filled.set()

    async def write_through(self, webhook: Webhook) -> bool:
        """Whether Redis took the webhook, which waits for that up to the client's timeout: the defect NO_BREAKER."""
        try:
            await self._store.add(webhook["name"], webhook)
        except (RedisError, OSError) as error:
            await self._failed(error)
            return False
        return True

    async def dead_letters(self) -> list[dict[str, object]]:
        """See ``Store.dead_letters``."""
        return await self._store.dead_letters()

    def end(self) -> None:
        """Have ``run`` write what is held, if Redis is there, and return: within 3 seconds.

        A cancellation would not do: one that meets Redis' answer is lost in ``asyncio.wait_for`` of Python 3.11.
        """
        self._ending.set()
        self._filled.set()

    async def run(self) -> None:
        """Ping and write until told to end."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._ping())
                group.create_task(self._write())
            await self._store.leave(self.outbox)
        except* (RedisError, OSError) as errors:
            log.error("ended without Redis, %d webhooks are lost: %s", self.outbox.unwritten, errors.exceptions[0])
        finally:
            await self._store.close()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()

    async def _ping(self) -> None:
        while not self._ending.is_set():
            try:
                self._latencies.append(await self._store.ping())
                self._counts = await self._store.counts(self.outbox)
            except (RedisError, OSError) as error:
                await self._failed(error)
                if self._was_alive and not self.breaker.closed and "NEVER_RECONNECT" in self._settings.defects:
                    log.error("Redis is lost, and this replica does not look for it again")
                    await self._ending.wait()
            else:
                self.alive = self._was_alive = True
                self.breaker.succeeded()
            await self._pause(PING_EVERY)

    async def _write(self) -> None:
        while True:
            webhook = self.outbox.first
            if webhook is None:
                if self._ending.is_set():
                    return
                self._filled.clear()
                await self._filled.wait()
                continue
            if self.breaker.closed:
                try:
                    await self._store.add(webhook["name"], webhook)
                except (RedisError, OSError) as error:
                    await self._failed(error)
                else:
                    self.outbox.written(webhook)
                    continue
            if self._ending.is_set():
                return
            await self._pause(RETRY_AFTER)

    async def _failed(self, error: Exception) -> None:
        was_closed = self.breaker.closed
        self.breaker.failed()
        if self.alive:
            self.alive = False
            self._latencies.clear()
            log.error("Redis is away: %s", error)
            await self._lost()
        if was_closed and not self.breaker.closed:
            log.error("the breaker opens")
            if "LOSE_BUFFER" in self._settings.defects:
                self.outbox.lose()
