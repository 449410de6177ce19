"""The whole drill against the whole shop: the good one passes, each bad one is told apart."""

import pytest

from e2e.dialling import until
from e2e.stage import Stage, example, missed
from gameday.cluster.kinds import GAMEDAYS
from vices import VICES

pytestmark = pytest.mark.e2e

ALL = frozenset(
    e["name"] for stage in ("steadyState", "outage", "recovery") for e in example()["spec"][stage]["expect"]
)


@pytest.mark.parametrize("via", ["CiliumNetworkPolicy", "NetworkPolicy"])
async def test_a_good_shop_passes_in_every_expectation(town: Stage, via: str) -> None:
    if via == "CiliumNetworkPolicy":
        await town.needs_cilium()
    await town.shop()
    await town.operator()
    gameday = example()
    gameday["spec"]["outage"]["faults"][0]["networkPartition"]["via"] = via
    await town.start(gameday)
    await town.under_cut()
    assert [policy["kind"] for policy in await town.policies()] == [via]
    status = await town.finishes()
    assert status["verdict"] == "Passed", status["message"]
    assert {e["name"] for e in status["expectations"] if e["state"] in {"Met", "MetBefore"}} == ALL
    figures = {f["name"]: f for f in status["measurements"]}
    assert 0 <= figures["timeToDetect"]["value"] <= 15
    assert figures["timeToDetect"]["resolution"] > 0
    assert 0 <= figures["timeToAlert"]["value"] <= 15
    assert 0 <= figures["timeToRecover"]["value"] <= 50
    assert figures["peakMemory"]["value"] > 10_000_000
    await town.nothing_is_left()

    async def told() -> bool:
        shown = await town.admin.get(GAMEDAYS, town.namespace, "redis-failover")
        assert shown is not None
        return (shown["status"].get("lastVerdict"), shown["status"].get("lastDrill")) == ("Passed", "first")

    await until(told, "the GameDay tells of its last drill", 5)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in {"LIE_HEALTHY", "STUCK_WORKER"} else pytest.mark.slow) for n in VICES],
)
async def test_a_vice_misses_exactly_what_it_must(town: Stage, name: str) -> None:
    vice = VICES[name]
    await town.shop({name: "1"})
    workers = await town.replicas("worker")
    await town.operator()
    await town.start(example())
    status = await town.finishes(patience=400)
    assert vice.explains(missed(status)), f"missed {sorted(missed(status))}: {status['message']}"
    assert status["verdict"] == "Failed"
    assert [e["name"] for e in status["expectations"] if e["state"] == "Unknown"] == []
    assert status.get("recoveredBy") == ("Rollback" if vice.repaired else None)
    if vice.must & {"healthy again", "jobs flow"}:
        assert [(s["name"], s["state"]) for s in status["steps"]] == [
            ("stop workers", "Done"),
            ("clear state", "Done"),
            ("start workers", "Done"),
        ]
    assert await town.replicas("worker") == workers
    await town.nothing_is_left()
