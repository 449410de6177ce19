"""The whole drill against the whole shop: the good one passes, each bad one is told apart."""

import pytest

from e2e.dialling import until
from e2e.stage import Stage, example, kubectl, missed, small
from gameday.api.lines import expectations_of, figures_of, steps_of
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
    assert {e["name"] for e in expectations_of(status) if e["state"] in {"Met", "AlwaysTrue"}} == ALL
    figures = {f["name"]: f for f in figures_of(status)}
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
    assert [e["name"] for e in expectations_of(status) if e["state"] == "Unknown"] == []
    assert status.get("recoveredBy") == ("Rollback" if vice.repaired else None)
    if vice.must & {"healthy again", "jobs flow"}:
        assert [(s["name"], s["state"]) for s in steps_of(status)] == [
            ("stop workers", "Done"),
            ("clear state", "Done"),
            ("start workers", "Done"),
        ]
    assert await town.replicas("worker") == workers
    await town.nothing_is_left()


POST = """
import json, urllib.request
for n in range(5):
    body = json.dumps({"id": n, "fail": "once"}).encode()
    urllib.request.urlopen(urllib.request.Request("http://api/webhooks/test", body))
"""


@pytest.mark.slow
async def test_dead_letters_are_replayed_by_a_rollback_and_every_job_is_done(town: Stage) -> None:
    await town.shop()
    kubectl("-n", town.namespace, "exec", "deploy/payments", "--", "python3", "-c", POST)
    gameday = small()
    spec = gameday["spec"]
    spec["probes"].append(next(p for p in example()["spec"]["probes"] if p["name"] == "queue"))
    letters = {"name": "no dead letters", "eventually": "queue.body.failed == 0", "within": "5s", "for": "3s"}
    spec["recovery"]["expect"].append(letters)
    spec["rollback"] = {
        "ifMissed": ["no dead letters"],
        "within": "40s",
        "steps": [{"name": "replay", "job": {"fromCronJob": "replay-dlq"}, "irreversible": True}],
    }
    spec["measurements"] = [{"name": "done", "stage": "Recovery", "path": "queue.body.done", "aggregate": "last"}]
    await town.operator()
    await town.start(gameday)
    status = await town.finishes()
    assert missed(status) == {"no dead letters"}
    assert (status["verdict"], status.get("recoveredBy")) == ("Failed", "Rollback"), status["message"]
    assert [(s["name"], s["state"]) for s in steps_of(status)] == [("replay", "Done")]
    assert next(f["value"] for f in figures_of(status) if f["name"] == "done") == 5
    await town.nothing_is_left()
