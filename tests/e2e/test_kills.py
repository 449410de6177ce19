"""The operator killed: the drill ends as it should, or the fuses end it; nothing is left either way."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator

import pytest

from e2e.dialling import until
from e2e.namespaces import LABEL, POLICIES, TeamNamespace, condition, redis_failover, small
from gameday.api.lines import expectations_of
from gameday.api.undo_entries import undo_of
from gameday.cluster.informer import Informer
from gameday.cluster.resources import LEASES

pytestmark = pytest.mark.e2e


@contextlib.asynccontextmanager
async def injections(ns: TeamNamespace) -> AsyncIterator[set[str]]:
    """The UIDs of all policies of the drill that were ever there."""
    found: set[str] = set()
    informers = [Informer(ns.admin, resource, ns.namespace, lambda: None, labels=LABEL) for resource in POLICIES]
    for informer in informers:
        informer._changed = lambda mirror=informer: found.update(p["metadata"]["uid"] for p in mirror.objects.values())  # type: ignore[misc]
    tasks = [asyncio.create_task(informer.run()) for informer in informers]
    try:
        yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


PHASES = ["Preflight", "SteadyState", "Outage", "Cut", "Recovery"]


@pytest.mark.parametrize("phase", [p if p == "Cut" else pytest.param(p, marks=pytest.mark.slow) for p in PHASES])
async def test_killed_in_a_phase_and_restarted_it_finishes_right(ns: TeamNamespace, phase: str) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    first = await ns.operator()
    async with injections(ns) as made:
        await ns.start(small(steadyState__duration="6s", outage__duration="15s"))
        if phase == "Cut":
            await ns.under_cut()
        else:
            await ns.in_phase(phase)
        await first.kill()
        await ns.operator()
        status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    assert len(made) == 1
    assert len(status["undo"]) == 1
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_killed_in_the_rollback_and_restarted_the_workers_come_back(ns: TeamNamespace) -> None:
    await ns.shop({"STUCK_WORKER": "1"})
    first = await ns.operator()
    await ns.start(redis_failover())
    await ns.in_phase("Rollback")

    async def scaled() -> bool:
        return await ns.replicas("worker") == 0

    await until(scaled, "the workers are stopped")
    await first.kill()
    await ns.operator()
    status = await ns.finishes(patience=400)
    assert (status["verdict"], status.get("recoveredBy")) == ("Failed", "Rollback")
    assert await ns.replicas("worker") == 3
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_killed_for_good_in_the_outage_the_fuse_reverts_the_cut_at_its_deadline(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    operator = await ns.operator()
    await ns.start(small(outage__duration="8s"))
    status = await ns.under_cut()
    await operator.kill()
    deadline = _seconds(undo_of(status)[0]["fuse"]["deadline"])

    async def reverted() -> bool:
        return not await ns.policies()

    await until(reverted, "the fuse reverts the cut", deadline - time.time() + 20)
    assert deadline - 1 <= time.time() <= deadline + 5
    assert (await ns.status())["phase"] == "Outage"

    await ns.operator()
    ended = await ns.finishes()
    assert ended["verdict"] == "Inconclusive"
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_killed_for_good_in_the_rollback_the_fuse_brings_the_workers_back(ns: TeamNamespace) -> None:
    await ns.shop({"STUCK_WORKER": "1"})
    operator = await ns.operator()
    gameday = redis_failover()
    gameday["spec"]["rollback"]["within"] = "20s"
    await ns.start(gameday)

    async def scaled() -> bool:
        return await ns.replicas("worker") == 0

    await until(scaled, "the workers are stopped", 240)
    await operator.kill()
    hold = next(h for h in undo_of(await ns.status()) if h["kind"] == "scale")
    deadline = _seconds(hold["fuse"]["deadline"])

    async def back() -> bool:
        return await ns.replicas("worker") == 3

    await until(back, "the fuse brings the workers back", deadline - time.time() + 20)
    assert time.time() <= deadline + 5
    await ns.operator()
    status = await ns.finishes()
    assert status["verdict"] in {"Failed", "Inconclusive"}
    assert await ns.replicas("worker") == 3
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_second_replica_takes_over_within_ten_seconds(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    first = await ns.operator(identity="one")
    await ns.start(small(outage__duration="25s"))
    (policy,) = undo_of(await ns.under_cut())
    second = await ns.operator(identity="two")
    await asyncio.sleep(3)
    assert "leading" not in second.says()
    await first.kill()
    began = time.monotonic()

    async def leads() -> bool:
        lease = await ns.admin.get(LEASES, ns.namespace, "gameday-operator")
        return lease is not None and lease["spec"]["holderIdentity"] == "two"

    await until(leads, "the second replica leads", 20)
    assert time.monotonic() - began <= 10
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    assert undo_of(status)[0]["object"] == policy["object"], "the cut is the first one's"
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_no_sample_is_lost_by_a_kill(ns: TeamNamespace) -> None:
    """An ``always`` over the whole outage is Unknown as soon as three intervals lack samples."""
    await ns.shop(parts=("api", "redis"), replicas=1)
    first = await ns.operator()
    always = [{"name": "answers", "always": "health.ok"}]
    await ns.start(small(outage__duration="25s", outage__expect=always))
    await ns.under_cut()
    await first.kill()
    await asyncio.sleep(8)
    await ns.operator()
    status = await ns.finishes()
    assert [(e["name"], e["state"]) for e in expectations_of(status) if e["stage"] == "Outage"] == [("answers", "Met")]
    assert status["verdict"] == "Passed", json.dumps(condition(status, "Passed"))
    await ns.nothing_is_left()


def _seconds(stamp: str) -> float:
    from gameday.api.record import moment

    return moment(stamp)
