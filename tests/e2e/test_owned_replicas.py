"""Somebody else owns the replicas of what a rollback scales: KEDA, an HPA, GitOps, or a loop as here.

The rollback stops, names what it saw, starts nothing irreversible, and fights nobody for the number.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Iterable
from datetime import datetime

import pytest

from e2e.namespaces import TeamNamespace, redis_failover
from gameday.api.lines import events_of
from gameday.cluster.resources import DEPLOYMENTS, JOBS, Object
from gameday.errors import Conflict

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LOOK_EVERY = 0.02
"""Seconds between two looks of the owner."""
ON_ITS_WAY = 1.0
"""Seconds after the owner's change in which a Job may still begin: the operator has to hear of the change, and the
controller of Jobs starts what was released before. A startTime is cut off to whole seconds, so what begins two seconds
after the change is seen for sure.
"""


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


def begun(jobs: Iterable[Object]) -> dict[str, float]:
    """When each Job began, in Unix seconds: it may have been created, suspended, long before.

    One without a startTime may begin at any time, also while it is suspended: a request to start it may be on its way.
    """
    times = {job["metadata"]["name"]: job.get("status", {}).get("startTime") for job in jobs}
    return {name: datetime.fromisoformat(at).timestamp() if at else math.inf for name, at in times.items()}


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
        jobs, _ = await ns.admin.list(JOBS, ns.namespace, "gameday.dev/role=step")
        late = {name: at - times[0] for name, at in begun(jobs).items() if at >= times[0] + ON_ITS_WAY}
        assert not late, "an irreversible step began beside live workers, so many seconds after they were set"
        assert not (jobs and after == 0.0)
        stopped = next(line for line in events_of(status) if line["reason"] == "RollbackFailed")
        assert f"worker was set to 0 replicas by step stop workers and is at {replicas}" in stopped["message"]
        assert len(times) == 1, "the drill set the number again"
        assert datetime.fromisoformat(stopped["at"]).timestamp() <= times[0] + 2
        assert (status["verdict"], status.get("recoveredBy")) == ("Failed", None)
        assert await ns.replicas("worker") == replicas
        await ns.nothing_is_left()
