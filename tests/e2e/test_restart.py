"""A rollback that restarts the workers of the shop: one after another, under a budget, whoever dies."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from e2e.dialling import until
from e2e.namespaces import TeamNamespace, redis_failover
from gameday.api.lines import steps_of
from gameday.cluster.informer import Informer
from gameday.cluster.resources import BUDGETS, PODS, Object
from gameday.preflight.impact import ready

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WORKERS = 3
STEP = {"name": "restart workers", "restart": {"deployment": "worker"}, "irreversible": True}


@dataclass
class Workers:
    """The workers' pods, watched: all that there ever were, and the fewest that were ready at once."""

    ever: set[str] = field(default_factory=set)
    fewest: int = WORKERS
    now: set[str] = field(default_factory=set)

    async def are_there(self) -> bool:
        return len(self.now) == WORKERS

    def look(self, pods: dict[str, Object]) -> None:
        self.now = {p["metadata"]["uid"] for p in pods.values() if "deletionTimestamp" not in p["metadata"]}
        self.ever |= self.now
        usable = [pod for pod in pods.values() if ready(pod) and "deletionTimestamp" not in pod["metadata"]]
        self.fewest = min(self.fewest, len(usable))


@contextlib.asynccontextmanager
async def watched(ns: TeamNamespace) -> AsyncIterator[Workers]:
    found = Workers()
    informer = Informer(ns.admin, PODS, ns.namespace, lambda: None, labels="app=worker,!gameday.dev/drill")
    informer._changed = lambda: found.look(informer.objects)
    task = asyncio.create_task(informer.run())
    try:
        await until(found.are_there, "the workers are seen")
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def restarting() -> Object:
    gameday = redis_failover()
    gameday["spec"]["rollback"]["steps"] = [STEP]
    gameday["spec"]["rollback"]["within"] = "3m"
    return gameday


async def budget(ns: TeamNamespace, **spec: object) -> None:
    """A PodDisruptionBudget of the workers, once its controller has counted them."""
    body = {"selector": {"matchLabels": {"app": "worker"}}, "unhealthyPodEvictionPolicy": "AlwaysAllow"} | spec
    made = {"apiVersion": BUDGETS.api_version, "kind": BUDGETS.kind, "metadata": {"name": "worker"}, "spec": body}
    await ns.admin.create(BUDGETS, ns.namespace, made)

    async def counted() -> bool:
        there = await ns.admin.get(BUDGETS, ns.namespace, "worker")
        return there is not None and there.get("status", {}).get("expectedPods") == WORKERS

    await until(counted, "the budget has counted the workers")


async def test_stuck_workers_are_restarted_one_after_another(ns: TeamNamespace) -> None:
    await ns.shop({"STUCK_WORKER": "1"})
    await budget(ns, maxUnavailable=1)
    await ns.operator()
    async with watched(ns) as workers:
        before = set(workers.now)
        await ns.start(restarting())
        status = await ns.finishes(patience=400)
        assert (status["verdict"], status.get("recoveredBy")) == ("Failed", "Rollback"), status["message"]
        (step,) = steps_of(status)
        assert (step["state"], step["message"]) == (
            "Done",
            "3 pods of worker were evicted, and replacements are ready",
        )
        assert len(workers.ever) == 2 * WORKERS
        assert not workers.now & before
        assert workers.fewest >= WORKERS - 1
    await ns.nothing_is_left()


async def test_an_operator_that_is_killed_evicts_no_replacement(ns: TeamNamespace) -> None:
    await ns.shop({"STUCK_WORKER": "1"})
    first = await ns.operator()
    async with watched(ns) as workers:
        before = set(workers.now)
        await ns.start(restarting())

        async def one_is_gone() -> bool:
            return len(before - workers.now) == 1

        await until(one_is_gone, "the first worker is evicted", 240)
        await first.kill()
        await ns.operator()
        status = await ns.finishes(patience=400)
        assert (status["verdict"], status.get("recoveredBy")) == ("Failed", "Rollback"), status["message"]
        assert len(workers.ever) == 2 * WORKERS, "each of the first three was replaced once"
        assert not workers.now & before
    await ns.nothing_is_left()


async def test_a_budget_that_allows_none_refuses_the_drill(ns: TeamNamespace) -> None:
    await ns.shop()
    await budget(ns, minAvailable="100%")
    await ns.operator()
    await ns.start(restarting())
    status = await ns.finishes(patience=120)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "PodDisruptionBudget worker lets no pod of Deployment worker be evicted" in status["message"]
    await ns.nothing_is_left()
