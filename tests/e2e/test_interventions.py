"""What people and mishaps do to a running drill: it is noticed, all is put back, and the verdict says so."""

import json
import time

import pytest

from e2e.namespaces import TeamNamespace, happens, missed, small
from gameday.api.lines import events_of
from gameday.cluster.resources import (
    CILIUM_NETWORK_POLICIES,
    DRILLS,
    ENDPOINT_SLICES,
    GAMEDAYS,
    LEASES,
    PODS,
    SERVICE_ACCOUNTS,
)

pytestmark = pytest.mark.e2e

ALLOW_ALL = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "allow-all-egress"},
    "spec": {"podSelector": {"matchLabels": {"app": "api"}}, "policyTypes": ["Egress"], "egress": [{}]},
}


async def begun(ns: TeamNamespace, **changes: object) -> None:
    """A small drill under its cut."""
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    await ns.start(small(**{"outage__duration": "60s"} | changes))
    await ns.under_cut()


async def test_deleting_the_drill_reverts_the_cut_and_then_it_is_gone(ns: TeamNamespace) -> None:
    await begun(ns)
    await ns.admin.delete(DRILLS, ns.namespace, "first")

    async def gone() -> bool:
        return await ns.admin.get(DRILLS, ns.namespace, "first") is None

    await happens(gone, "the drill is gone", 30)
    assert await ns.policies() == []
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_an_abort_ends_the_drill_and_cannot_be_taken_back(ns: TeamNamespace) -> None:
    await begun(ns)
    await ns.admin.patch(DRILLS, ns.namespace, "first", {"spec": {"abort": True}})
    status = await ns.finishes(patience=30)
    assert (status["verdict"], status["reason"]) == ("Aborted", "Aborted")
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_deleting_the_gameday_aborts_its_drill(ns: TeamNamespace) -> None:
    await begun(ns)
    await ns.admin.delete(GAMEDAYS, ns.namespace, "small")
    status = await ns.finishes(patience=30)
    assert (status["verdict"], status["reason"]) == ("Aborted", "GameDayDeleted")
    await ns.nothing_is_left()


async def test_somebody_elses_policy_of_the_name_is_left_alone(ns: TeamNamespace) -> None:
    await ns.needs_cilium()
    await ns.shop(parts=("api", "redis"), replicas=1)
    spec = {"endpointSelector": {"matchLabels": {"app": "nobody"}}, "egressDeny": [{"toEntities": ["world"]}]}
    resource = CILIUM_NETWORK_POLICIES
    theirs = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": "first-partition"},
        "spec": spec,
    }
    before = await ns.admin.create(resource, ns.namespace, theirs)
    await ns.operator()
    await ns.start(small())
    status = await ns.finishes(patience=90)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "InjectionFailed"), status["message"]
    assert "exists and does not belong to this drill: delete it, or give the Drill another name" in status["message"]
    after = await ns.admin.get(resource, ns.namespace, "first-partition")
    assert after is not None
    assert (after["metadata"]["uid"], after["spec"]) == (before["metadata"]["uid"], before["spec"])
    await ns.nothing_is_left()


async def test_a_policy_removed_by_hand_is_noticed_within_two_seconds(ns: TeamNamespace) -> None:
    await begun(ns)
    resource, name = await ns.cut()
    await ns.admin.delete(resource, ns.namespace, name)

    async def noticed() -> bool:
        return any(line["reason"] == "CutRemoved" for line in events_of(await ns.status()))

    assert await happens(noticed, "the removal is noticed", 10) <= 2
    status = await ns.finishes(patience=30)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "CutRemoved")
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_policy_changed_by_hand_is_noticed_within_two_seconds(ns: TeamNamespace) -> None:
    await begun(ns)
    resource, name = await ns.cut()
    selector = "endpointSelector" if resource is CILIUM_NETWORK_POLICIES else "podSelector"
    change = {"spec": {selector: {"matchLabels": {"app": "somebody-else"}, "matchExpressions": None}}}
    await ns.admin.patch(resource, ns.namespace, name, change)

    async def noticed() -> bool:
        reasons = {line["reason"] for line in events_of(await ns.status())}
        return bool(reasons & {"CutChanged", "Leak"})

    assert await happens(noticed, "the change is noticed", 10) <= 2
    status = await ns.finishes(patience=30)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "CutChanged")
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_redis_that_comes_during_the_outage_is_cut_as_well(ns: TeamNamespace) -> None:
    await begun(ns, outage__faults__0__networkPartition__via="NetworkPolicy", outage__duration="20s")
    resource, name = await ns.cut()
    before = await ns.admin.get(resource, ns.namespace, name)
    ns.scale("redis", 2)

    async def grown() -> bool:
        now = await ns.admin.get(resource, ns.namespace, name)
        return now is not None and now["spec"] != (before or {})["spec"]

    await happens(grown, "the policy covers the new Redis", 20)
    addresses = await ns.admin.list(ENDPOINT_SLICES, ns.namespace, "kubernetes.io/service-name=redis")
    now = json.dumps((await ns.admin.get(resource, ns.namespace, name) or {})["spec"])
    behind = [address for one in addresses[0] for end in one["endpoints"] for address in end["addresses"]]
    assert len(behind) == 2
    assert all(address in now for address in behind)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_taking_the_account_away_undoes_the_drill(ns: TeamNamespace) -> None:
    await begun(ns)
    kept = await ns.admin.get(SERVICE_ACCOUNTS, ns.namespace, "gameday")
    assert kept is not None
    await ns.admin.patch(
        SERVICE_ACCOUNTS, ns.namespace, "gameday", {"metadata": {"labels": {"gameday.dev/opt-in": None}}}
    )
    status = await ns.finishes(patience=30)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "OptInRevoked")
    await ns.nothing_is_left()


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "during", "after"])
async def test_a_redis_that_dies_is_never_taken_for_our_cut(ns: TeamNamespace, when: str) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    await ns.start(small(steadyState__duration="6s", outage__duration="30s", recovery__within="30s"))
    if when == "before":
        await ns.reaches(lambda s: any(e["reason"] == "AgentsReady" for e in events_of(s)), "agents measure")
    elif when == "during":
        await ns.under_cut()
    else:
        await ns.in_phase("Recovery")
    ns.scale("redis", 0)
    status = await ns.finishes()
    assert status["verdict"] == "Inconclusive", status["message"]
    assert status["reason"] in ({"DependencyDown", "NotSteady"} if when == "before" else {"DependencyDown"})
    if when == "before":
        assert status["undo"] == []
    else:
        assert missed(status) == frozenset()
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_cut_without_effect_is_undone_and_the_way_through_is_named(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    await ns.start(small(outage__faults__0__networkPartition__via="NetworkPolicy", steadyState__duration="8s"))
    await ns.reaches(lambda s: any(e["reason"] == "AgentsReady" for e in events_of(s)), "agents measure")
    ns.apply(ALLOW_ALL)
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "NoEffect")
    assert "allow-all-egress" in status["message"]
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_leak_in_the_outage_reverts_the_cut(ns: TeamNamespace) -> None:
    await begun(ns, outage__faults__0__networkPartition__via="NetworkPolicy")
    ns.apply(ALLOW_ALL)
    status = await ns.finishes(patience=40)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "Leak")
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_bystander_that_is_hit_reverts_the_cut(ns: TeamNamespace) -> None:
    await ns.needs_cilium()  # there a NetworkPolicy takes the API server as well
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    partition = small()["spec"]["outage"]["faults"][0]["networkPartition"]
    partition |= {"via": "NetworkPolicy", "mustRemainReachable": [{"name": "kubernetes", "apiServer": True}]}
    await ns.start(small(outage__faults__0__networkPartition=partition))
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "CollateralCut")
    assert "kubernetes" in status["message"]
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_guardrail_reverts_the_cut_and_fails_the_drill(ns: TeamNamespace) -> None:
    # Longer than it takes to see that open connections are gone: before, nobody knows what the targets used.
    guarded = [{"name": "stays up", "always": "health.body.redis == 'ok'", "guardrail": True, "tolerates": "6s"}]
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    await ns.start(small(outage__duration="60s", outage__expect=guarded))
    await ns.in_phase("Outage")
    began = time.monotonic()
    status = await ns.finishes(patience=40)
    assert time.monotonic() - began < 30
    assert status["verdict"] == "Failed"
    assert missed(status) == {"stays up"}
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_one_drill_a_namespace_the_second_waits_and_is_told_why_when_its_time_is_over(ns: TeamNamespace) -> None:
    await begun(ns)
    drill = {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "metadata": {"name": "second"}}
    late = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4))
    ns.apply(drill | {"spec": {"gameDay": "small", "startBefore": late}})
    status = await ns.finishes("second", patience=20)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "Busy")
    assert "first" in status["message"]
    assert (await ns.status())["phase"] == "Outage"
    await ns.admin.patch(DRILLS, ns.namespace, "first", {"spec": {"abort": True}})
    await ns.finishes(patience=30)
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_the_lock_of_a_drill_that_was_removed_by_force_goes_to_the_next_one(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    operator = await ns.operator()
    await ns.start(small(outage__duration="60s"))
    await ns.under_cut()
    await operator.kill()
    await ns.admin.patch(DRILLS, ns.namespace, "first", {"metadata": {"finalizers": None}})
    await ns.admin.delete(DRILLS, ns.namespace, "first")

    async def reverted() -> bool:
        return not await ns.policies()

    assert await happens(reverted, "the cut goes with its Drill", 20) <= 5
    left = await ns.admin.get(LEASES, ns.namespace, "gameday")
    assert left is not None
    assert left["spec"]["holderIdentity"].endswith("/first")
    await ns.operator()
    await ns.start(small(), "second")
    status = await ns.finishes("second")
    assert len(status["undo"]) == 1, "it held the namespace, and cut"
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_killed_agent_makes_the_drill_inconclusive(ns: TeamNamespace) -> None:
    await begun(ns)
    await ns.admin.delete(PODS, ns.namespace, "first-witness-0", grace=0)
    status = await ns.finishes(patience=40)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "AgentLost")
    await ns.nothing_is_left()
