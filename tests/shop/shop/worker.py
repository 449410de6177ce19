"""The worker: takes jobs from the queue, one at a time.

BullMQ tries for ever after connection errors, and no wait of it outlasts the timeout of the client that it is handed:
so it finds Redis again by itself, and nothing here watches it.
"""

import asyncio
import contextlib
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
ENDS_WITHIN: Final = 1.0
"""Seconds that the job under way is given when the worker is told to end."""
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
    await run(settings, ending)


async def run(settings: Settings, ending: asyncio.Event) -> None:
    """Work until ``ending`` is set: a BullMQ worker that gave up is replaced, unless it is ``stuck``."""
    stuck = asyncio.Event()
    while not (ending.is_set() or stuck.is_set()):
        redis = client(settings, ANSWER_WITHIN)
        worker = Worker(QUEUE, work, {"connection": redis, **OPTIONS})
        worker.on("error", _tell)
        beside = [asyncio.create_task(_end(worker, ending)), asyncio.create_task(_stick(settings, worker, stuck))]
        # A task of its own: when BullMQ is forced to close, its run ends as if somebody had cancelled us.
        working = asyncio.create_task(worker.run())
        try:
            await asyncio.wait({working})
            if not working.cancelled():
                working.result()
        except (RedisError, OSError) as error:
            log.error("Redis is away: %s", error)
        finally:
            for task in beside:
                task.cancel()
            await worker.close(force=True)
            await redis.aclose()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_AFTER):
                await ending.wait()
    await ending.wait()


async def _end(worker: Worker, ending: asyncio.Event) -> None:
    await ending.wait()
    closing = asyncio.create_task(worker.close())
    # While Redis is away the job cannot be finished; another worker does it again once its lock is over.
    if not (await asyncio.wait({closing}, timeout=ENDS_WITHIN))[0]:
        await worker.close(force=True)


def _tell(error: Any, *_: Any) -> None:
    log.error("worker: %s", error)


async def _stick(settings: Settings, worker: Worker, stuck: asyncio.Event) -> None:
    """The defect STUCK_WORKER: once its connection was lost, this process never takes a job again."""
    if "STUCK_WORKER" not in settings.defects:
        return
    redis = client(settings, 1.0)
    seen = False
    try:
        while not stuck.is_set():
            try:
                await redis.ping()
                seen = True
            except (RedisError, OSError):
                if seen:
                    log.error("the connection is lost: this worker stops, and says nothing of it")
                    stuck.set()
                    await worker.close(force=True)
            await asyncio.sleep(AGAIN_AFTER)
    finally:
        await redis.aclose()
