"""The fuse of a scaling is a Job: a pod that is lost is replaced with the same deadline; a Job that is lost ends it."""

import time
from datetime import datetime

import pytest

from e2e.dialling import until
from e2e.namespaces import LABEL, TeamNamespace, redis_failover
from gameday.api.lines import events_of
from gameday.api.undo_entries import undo_of
from gameday.cluster.resources import JOBS, PODS, Object
from gameday.model.labels import AGENT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

FUSE = "first-fuse-stop-workers"


async def scaled(ns: TeamNamespace, within: str = "90s") -> None:
    """A drill in whose rollback the workers are at 0."""
    gameday = redis_failover()
    gameday["spec"]["rollback"]["within"] = within
    await ns.start(gameday)

    async def at_zero() -> bool:
        return await ns.replicas("worker") == 0

    await until(at_zero, "the workers are stopped", 240)


async def fuse_pods(ns: TeamNamespace) -> list[Object]:
    """The fuse's pods that are not going."""
    pods, _ = await ns.admin.list(PODS, ns.namespace, f"{LABEL},{AGENT}=fuse-stop-workers")
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


async def test_another_pod_fires_at_the_deadline_of_the_lost_one(ns: TeamNamespace) -> None:
    await ns.shop({"STUCK_WORKER": "1"})
    operator = await ns.operator()
    await scaled(ns, within="20s")
    await operator.kill()
    hold = next(h for h in undo_of(await ns.status()) if h["kind"] == "scale")
    deadline = datetime.fromisoformat(hold["fuse"]["deadline"]).timestamp()
    (lost,) = await fuse_pods(ns)
    await ns.admin.delete(PODS, ns.namespace, lost["metadata"]["name"], grace=0)

    async def back() -> bool:
        return await ns.replicas("worker") == 3

    await until(back, "another pod brings the workers back", deadline - time.time() + 20)
    assert deadline - 1 <= time.time() <= deadline + 5
    await ns.operator()
    # Where the kill came before the scaling was seen, its request may still arrive for a minute.
    status = await ns.finishes(patience=150)
    assert status["verdict"] in {"Failed", "Inconclusive"}
    await ns.nothing_is_left()


async def test_a_drill_goes_on_while_its_fuse_gets_another_pod(ns: TeamNamespace) -> None:
    await ns.shop({"STUCK_WORKER": "1"})
    await ns.operator()
    await scaled(ns)
    (lost,) = await fuse_pods(ns)
    await ns.admin.delete(PODS, ns.namespace, lost["metadata"]["name"], grace=0)
    status = await ns.finishes(patience=400)
    assert "FuseLost" not in {line["reason"] for line in events_of(status)}
    assert (status["verdict"], status.get("recoveredBy")) == ("Failed", "Rollback")
    await ns.nothing_is_left()


async def test_a_fuse_that_is_deleted_undoes_the_scaling_at_once(ns: TeamNamespace) -> None:
    await ns.shop({"STUCK_WORKER": "1"})
    await ns.operator()
    await scaled(ns)
    await ns.admin.delete(JOBS, ns.namespace, FUSE)
    status = await ns.finishes(patience=60)
    assert "FuseLost" in {line["reason"] for line in events_of(status)}
    assert await ns.replicas("worker") == 3
    await ns.nothing_is_left()
