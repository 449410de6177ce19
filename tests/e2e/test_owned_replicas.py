"""Somebody else owns the replicas of what a rollback scales: KEDA, an HPA, GitOps, or a loop as here.

The rollback stops, names what it saw, starts nothing irreversible, and fights nobody for the number.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from e2e.namespaces import TeamNamespace, redis_failover
from gameday.api.lines import events_of
from gameday.cluster.resources import DEPLOYMENTS, JOBS
from gameday.errors import Conflict

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LOOK_EVERY = 0.02
"""Seconds between two looks of the owner."""


@contextlib.asynccontextmanager
async def owned(ns: TeamNamespace, replicas: int, after: float) -> AsyncIterator[list[float]]:
    """Have the workers' number owned: ``after`` seconds at 0 it is set; when it was, in Unix seconds."""
    times: list[float] = []

    async def own() -> None:
        while True:
            if await ns.replicas("worker") == 0:
                await asyncio.sleep(after)
                with contextlib.suppress(Conflict):
                    body = {"spec": {"replicas": replicas}}
                    times.append(time.time())
                    await ns.admin.patch(DEPLOYMENTS, ns.namespace, "worker", body, "scale")
            await asyncio.sleep(LOOK_EVERY)

    task = asyncio.create_task(own())
    try:
        yield times
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("after", [0.0, 3.0], ids=["before its pods are gone", "3 s after"])
@pytest.mark.parametrize("replicas", [3, 2], ids=["to the number from before", "to another"])
async def test_the_rollback_stops_and_leaves_the_number_to_its_owner(
    ns: TeamNamespace, after: float, replicas: int
) -> None:
    await ns.shop({"STUCK_WORKER": "1"})
    await ns.operator()
    gameday = redis_failover()
    async with owned(ns, replicas, after) as times:
        await ns.start(gameday)
        status = await ns.finishes(patience=400)
        stopped = next(line for line in events_of(status) if line["reason"] == "RollbackFailed")
        assert f"worker was set to 0 replicas by step stop workers and is at {replicas}" in stopped["message"]
        assert len(times) == 1, "the drill set the number again"
        assert datetime.fromisoformat(stopped["at"]).timestamp() <= times[0] + 2
        jobs, _ = await ns.admin.list(JOBS, ns.namespace, "gameday.dev/role=step")
        begun = [datetime.fromisoformat(job["metadata"]["creationTimestamp"]).timestamp() for job in jobs]
        assert all(at <= times[0] for at in begun), "an irreversible step began beside live workers"
        assert not (jobs and after == 0.0)
        assert (status["verdict"], status.get("recoveredBy")) == ("Failed", None)
        assert await ns.replicas("worker") == replicas
        await ns.nothing_is_left()
