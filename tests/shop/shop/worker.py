"""The worker: takes jobs from the queue, one at a time."""

import asyncio
import logging
import signal
from typing import Any, Final

from bullmq import Job, Worker
from redis.exceptions import RedisError

from shop.settings import Settings
from shop.store import QUEUE, client

WORK_SECONDS: Final = 0.05
ANSWER_WITHIN: Final = 4.0
"""Seconds after which a silent connection is given up: longer than the blocking read of ``drainDelay``."""
AGAIN_AFTER: Final = 0.5
OPTIONS: Final = {
    "autorun": False,
    "drainDelay": 2,
    "runRetryDelay": 500,
    "lockDuration": 10_000,
    "stalledInterval": 5_000,
    # A job that was under way when Redis went is done again, however often that happens.
    "maxStalledCount": 1_000,
}

log = logging.getLogger("shop.worker")


class JobFailed(Exception):
    """The job is one that cannot be done."""


async def work(job: Job, _token: str) -> str:
    """Do one job. A body of ``{"fail": true}`` always fails, ``{"fail": "once"}`` at the first attempt."""
    await asyncio.sleep(WORK_SECONDS)
    body = job.data.get("body")
    fails = body.get("fail") if isinstance(body, dict) else None
    if fails is True or (fails == "once" and job.attemptsMade == 0):
        raise JobFailed(f"job {job.id} cannot be done")
    return "done"


async def main(settings: Settings) -> None:
    """Work until told to end."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    working = asyncio.create_task(run(settings))
    await asyncio.wait({working, asyncio.create_task(ending.wait())}, return_when=asyncio.FIRST_COMPLETED)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def run(settings: Settings) -> None:
    """Work for ever: a BullMQ worker that gave up is replaced."""
    while True:
        redis = client(settings, ANSWER_WITHIN)
        worker = Worker(QUEUE, work, {"connection": redis, **OPTIONS})
        worker.on("error", _tell)
        guard = asyncio.create_task(_stuck(settings, worker))
        try:
            await worker.run()
        except (RedisError, OSError) as error:
            log.error("Redis is away: %s", error)
        finally:
            guard.cancel()
            await worker.close(force=True)
            await redis.aclose()
        await asyncio.sleep(AGAIN_AFTER)


def _tell(error: Any, *_: Any) -> None:
    log.error("worker: %s", error)


async def _stuck(settings: Settings, worker: Worker) -> None:
    """The vice STUCK_WORKER: once its connection was lost, this process never takes a job again."""
    if "STUCK_WORKER" not in settings.vices:
        return
    redis = client(settings, 1.0)
    seen = False
    try:
        while True:
            try:
                await redis.ping()
                seen = True
            except (RedisError, OSError):
                if seen:
                    log.error("the connection is lost: this worker stops, and says nothing of it")
                    await worker.pause(do_not_wait_active=True)
                    return
            await asyncio.sleep(AGAIN_AFTER)
    finally:
        await redis.aclose()
