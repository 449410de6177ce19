"""The job replay-dlq: tries every dead letter once more."""

import logging

from bullmq import Queue

from shop.settings import Settings
from shop.store import KEYS, QUEUE, client

log = logging.getLogger("shop.replay_dlq")


async def main(settings: Settings) -> None:
    """Move the failed jobs back into the queue."""
    redis = client(settings, 5.0)
    try:
        dead = await redis.zcard(f"{KEYS}:failed")
        await Queue(QUEUE, {"connection": redis}).retryJobs({"state": "failed"})
    finally:
        await redis.aclose()
    log.info("%d dead letters are tried again", dead)
