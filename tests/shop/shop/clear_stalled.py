"""The job clear-stalled: puts back into the queue what dead workers held."""

import asyncio
import logging

from bullmq import Queue

from shop.settings import Settings
from shop.store import KEYS, QUEUE, client

MOST_STALLS = 1_000
PATIENCE = 20.0
"""Seconds: longer than a worker's lock lasts."""

log = logging.getLogger("shop.clear_stalled")


async def main(settings: Settings) -> None:
    """Move jobs whose lock is over back, until none is left or the rest are at work."""
    redis = client(settings, 5.0)
    queue = Queue(QUEUE, {"connection": redis})
    moved = 0
    try:
        async with asyncio.timeout(PATIENCE):
            while await redis.llen(f"{KEYS}:active"):
                # The first look marks, the second moves: BullMQ never takes a job at its first sight.
                moved += len(await queue.backend.moveStalledJobsToWait(MOST_STALLS, 1))
                await asyncio.sleep(0.5)
    except TimeoutError:
        log.info("some jobs are still at work")
    finally:
        await redis.aclose()
    log.info("%d stalled jobs put back", moved)
