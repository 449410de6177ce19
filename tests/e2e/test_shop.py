"""The whole drill against the whole shop: the good one passes, each bad one is told apart."""

import pytest

from defects import DEFECTS
from e2e.dialling import until
from e2e.namespaces import TeamNamespace, kubectl, missed, redis_failover, small
from e2e.policies import KUBERNETES, each_kind
from gameday.api.lines import expectations_of, figures_of, steps_of
from gameday.cluster.resources import GAMEDAYS

pytestmark = pytest.mark.e2e

ALL = frozenset(
    e["name"] for stage in ("steadyState", "outage", "recovery") for e in redis_failover()["spec"][stage]["expect"]
)


@each_kind(KUBERNETES)
async def test_a_good_shop_passes_in_every_expectation(ns: TeamNamespace, via: str) -> None:
    if via == "CiliumNetworkPolicy":
        await ns.needs_cilium()
    await ns.shop()
    await ns.operator()
    gameday = redis_failover()
    gameday["spec"]["outage"]["faults"][0]["networkPartition"]["via"] = via
    await ns.start(gameday)
    await ns.under_cut()
    assert [policy["kind"] for policy in await ns.policies()] == [via]
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    assert {e["name"] for e in expectations_of(status) if e["state"] in {"Met", "AlwaysTrue"}} == ALL
    figures = {f["name"]: f for f in figures_of(status)}
    assert 0 <= figures["timeToDetect"]["value"] <= 15
    assert figures["timeToDetect"]["resolution"] > 0
    assert 0 <= figures["timeToAlert"]["value"] <= 15
    assert 0 <= figures["timeToRecover"]["value"] <= 50
    assert figures["peakMemory"]["value"] > 10_000_000
    await ns.nothing_is_left()

    async def told() -> bool:
        shown = await ns.admin.get(GAMEDAYS, ns.namespace, "redis-failover")
        assert shown is not None
        return (shown["status"].get("lastVerdict"), shown["status"].get("lastDrill")) == ("Passed", "first")

    await until(told, "the GameDay tells of its last drill", 5)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n == "LIE_HEALTHY" else pytest.mark.slow) for n in DEFECTS],
)
async def test_a_defect_misses_exactly_what_it_must(ns: TeamNamespace, name: str) -> None:
    defect = DEFECTS[name]
    await ns.shop({name: "1"})
    workers = await ns.replicas("worker")
    await ns.operator()
    await ns.start(redis_failover())
    status = await ns.finishes(patience=400)
    assert defect.explains(missed(status)), f"missed {sorted(missed(status))}: {status['message']}"
    assert status["verdict"] == "Failed"
    assert [e["name"] for e in expectations_of(status) if e["state"] == "Unknown"] == []
    assert status.get("recoveredBy") == ("Rollback" if defect.repaired else None)
    if defect.must & {"healthy again", "jobs flow"}:
        assert [(s["name"], s["state"]) for s in steps_of(status)] == [
            ("stop workers", "Done"),
            ("clear state", "Done"),
            ("start workers", "Done"),
        ]
    assert await ns.replicas("worker") == workers
    await ns.nothing_is_left()


POST = """
import json, urllib.request
for n in range(5):
    body = json.dumps({"id": n, "fail": "once"}).encode()
    urllib.request.urlopen(urllib.request.Request("http://api/webhooks/test", body))
"""


@pytest.mark.slow
async def test_dead_letters_are_replayed_by_a_rollback_and_every_job_is_done(ns: TeamNamespace) -> None:
    await ns.shop()
    kubectl("-n", ns.namespace, "exec", "deploy/payments", "--", "python3", "-c", POST)
    gameday = small()
    spec = gameday["spec"]
    spec["probes"].append(next(p for p in redis_failover()["spec"]["probes"] if p["name"] == "queue"))
    letters = {"name": "no dead letters", "eventually": "queue.body.failed == 0", "within": "5s", "for": "3s"}
    spec["recovery"]["expect"].append(letters)
    spec["rollback"] = {
        "ifMissed": ["no dead letters"],
        "within": "40s",
        "steps": [{"name": "replay", "job": {"fromCronJob": "replay-dlq"}, "irreversible": True}],
    }
    spec["measurements"] = [{"name": "done", "stage": "Recovery", "path": "queue.body.done", "aggregate": "last"}]
    await ns.operator()
    await ns.start(gameday)
    status = await ns.finishes()
    assert missed(status) == {"no dead letters"}
    assert (status["verdict"], status.get("recoveredBy")) == ("Failed", "Rollback"), status["message"]
    assert [(s["name"], s["state"]) for s in steps_of(status)] == [("replay", "Done")]
    assert next(f["value"] for f in figures_of(status) if f["name"] == "done") == 5
    await ns.nothing_is_left()
