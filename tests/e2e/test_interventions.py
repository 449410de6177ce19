"""What people and mishaps do to a running drill: it is noticed, all is put back, and the verdict says so."""

import json
import time

import pytest

from e2e.stage import Stage, happens, missed, small
from gameday.api.lines import events_of
from gameday.cluster.kinds import (
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


async def begun(town: Stage, **changes: object) -> None:
    """A small drill under its cut."""
    await town.shop(parts=("api", "redis"), replicas=1)
    await town.operator()
    await town.start(small(**{"outage__duration": "60s"} | changes))
    await town.under_cut()


async def test_deleting_the_drill_lifts_the_cut_and_then_it_is_gone(town: Stage) -> None:
    await begun(town)
    await town.admin.delete(DRILLS, town.namespace, "first")

    async def gone() -> bool:
        return await town.admin.get(DRILLS, town.namespace, "first") is None

    await happens(gone, "the drill is gone", 30)
    assert await town.policies() == []
    await town.nothing_is_left()


@pytest.mark.slow
async def test_an_abort_ends_the_drill_and_cannot_be_taken_back(town: Stage) -> None:
    await begun(town)
    await town.admin.patch(DRILLS, town.namespace, "first", {"spec": {"abort": True}})
    status = await town.finishes(patience=30)
    assert (status["verdict"], status["reason"]) == ("Aborted", "Aborted")
    await town.nothing_is_left()


@pytest.mark.slow
async def test_deleting_the_gameday_aborts_its_drill(town: Stage) -> None:
    await begun(town)
    await town.admin.delete(GAMEDAYS, town.namespace, "small")
    status = await town.finishes(patience=30)
    assert (status["verdict"], status["reason"]) == ("Aborted", "GameDayDeleted")
    await town.nothing_is_left()


async def test_somebody_elses_policy_of_the_name_is_left_alone(town: Stage) -> None:
    await town.needs_cilium()
    await town.shop(parts=("api", "redis"), replicas=1)
    spec = {"endpointSelector": {"matchLabels": {"app": "nobody"}}, "egressDeny": [{"toEntities": ["world"]}]}
    kind = CILIUM_NETWORK_POLICIES
    theirs = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": "first-partition"}, "spec": spec}
    before = await town.admin.create(kind, town.namespace, theirs)
    await town.operator()
    await town.start(small())
    status = await town.finishes(patience=90)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "InjectionFailed"), status["message"]
    assert "exists and does not belong to this drill: delete it, or give the Drill another name" in status["message"]
    after = await town.admin.get(kind, town.namespace, "first-partition")
    assert after is not None
    assert (after["metadata"]["uid"], after["spec"]) == (before["metadata"]["uid"], before["spec"])
    await town.nothing_is_left()


async def test_a_policy_removed_by_hand_is_noticed_within_two_seconds(town: Stage) -> None:
    await begun(town)
    kind, name = await town.cut()
    await town.admin.delete(kind, town.namespace, name)

    async def noticed() -> bool:
        return any(line["reason"] == "CutRemoved" for line in events_of(await town.status()))

    assert await happens(noticed, "the removal is noticed", 10) <= 2
    status = await town.finishes(patience=30)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "CutRemoved")
    await town.nothing_is_left()


@pytest.mark.slow
async def test_a_policy_changed_by_hand_is_noticed_within_two_seconds(town: Stage) -> None:
    await begun(town)
    kind, name = await town.cut()
    selector = "endpointSelector" if kind is CILIUM_NETWORK_POLICIES else "podSelector"
    change = {"spec": {selector: {"matchLabels": {"app": "somebody-else"}, "matchExpressions": None}}}
    await town.admin.patch(kind, town.namespace, name, change)

    async def noticed() -> bool:
        reasons = {line["reason"] for line in events_of(await town.status())}
        return bool(reasons & {"CutChanged", "Leak"})

    assert await happens(noticed, "the change is noticed", 10) <= 2
    status = await town.finishes(patience=30)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "CutChanged")
    await town.nothing_is_left()


@pytest.mark.slow
async def test_a_redis_that_comes_during_the_outage_is_cut_as_well(town: Stage) -> None:
    await begun(town, outage__faults__0__networkPartition__via="NetworkPolicy", outage__duration="20s")
    kind, name = await town.cut()
    before = await town.admin.get(kind, town.namespace, name)
    town.scale("redis", 2)

    async def grown() -> bool:
        now = await town.admin.get(kind, town.namespace, name)
        return now is not None and now["spec"] != (before or {})["spec"]

    await happens(grown, "the policy covers the new Redis", 20)
    addresses = await town.admin.list(ENDPOINT_SLICES, town.namespace, "kubernetes.io/service-name=redis")
    now = json.dumps((await town.admin.get(kind, town.namespace, name) or {})["spec"])
    behind = [address for one in addresses[0] for end in one["endpoints"] for address in end["addresses"]]
    assert len(behind) == 2
    assert all(address in now for address in behind)
    status = await town.finishes()
    assert status["verdict"] == "Passed", status["message"]
    await town.nothing_is_left()


@pytest.mark.slow
async def test_taking_the_account_away_undoes_the_drill(town: Stage) -> None:
    await begun(town)
    kept = await town.admin.get(SERVICE_ACCOUNTS, town.namespace, "gameday")
    assert kept is not None
    await town.admin.patch(
        SERVICE_ACCOUNTS, town.namespace, "gameday", {"metadata": {"labels": {"gameday.dev/opt-in": None}}}
    )
    status = await town.finishes(patience=30)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "OptInRevoked")
    await town.nothing_is_left()


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "during", "after"])
async def test_a_redis_that_dies_is_never_taken_for_our_cut(town: Stage, when: str) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    await town.operator()
    await town.start(small(steadyState__duration="6s", outage__duration="30s", recovery__within="30s"))
    if when == "before":
        await town.reaches(lambda s: any(e["reason"] == "AgentsReady" for e in events_of(s)), "agents measure")
    elif when == "during":
        await town.under_cut()
    else:
        await town.in_phase("Recovery")
    town.scale("redis", 0)
    status = await town.finishes()
    assert status["verdict"] == "Inconclusive", status["message"]
    assert status["reason"] in ({"DependencyDown", "NotSteady"} if when == "before" else {"DependencyDown"})
    if when == "before":
        assert status["undo"] == []
    else:
        assert missed(status) == frozenset()
    await town.nothing_is_left()


@pytest.mark.slow
async def test_a_cut_without_effect_is_undone_and_the_way_through_is_named(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    await town.operator()
    await town.start(small(outage__faults__0__networkPartition__via="NetworkPolicy", steadyState__duration="8s"))
    await town.reaches(lambda s: any(e["reason"] == "AgentsReady" for e in events_of(s)), "agents measure")
    town.apply(ALLOW_ALL)
    status = await town.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "NoEffect")
    assert "allow-all-egress" in status["message"]
    await town.nothing_is_left()


@pytest.mark.slow
async def test_a_leak_in_the_outage_lifts_the_cut(town: Stage) -> None:
    await begun(town, outage__faults__0__networkPartition__via="NetworkPolicy")
    town.apply(ALLOW_ALL)
    status = await town.finishes(patience=40)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "Leak")
    await town.nothing_is_left()


@pytest.mark.slow
async def test_a_bystander_that_is_hit_lifts_the_cut(town: Stage) -> None:
    await town.needs_cilium()  # there a NetworkPolicy takes the API server as well
    await town.shop(parts=("api", "redis"), replicas=1)
    await town.operator()
    partition = small()["spec"]["outage"]["faults"][0]["networkPartition"]
    partition |= {"via": "NetworkPolicy", "mustRemainReachable": [{"name": "kubernetes", "apiServer": True}]}
    await town.start(small(outage__faults__0__networkPartition=partition))
    status = await town.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "CollateralCut")
    assert "kubernetes" in status["message"]
    await town.nothing_is_left()


@pytest.mark.slow
async def test_a_guardrail_lifts_the_cut_and_fails_the_drill(town: Stage) -> None:
    # Longer than it takes to see that open connections are gone: before, nobody knows what the targets used.
    guarded = [{"name": "stays up", "always": "health.body.redis == 'ok'", "guardrail": True, "tolerates": "6s"}]
    await town.shop(parts=("api", "redis"), replicas=1)
    await town.operator()
    await town.start(small(outage__duration="60s", outage__expect=guarded))
    await town.in_phase("Outage")
    began = time.monotonic()
    status = await town.finishes(patience=40)
    assert time.monotonic() - began < 30
    assert status["verdict"] == "Failed"
    assert missed(status) == {"stays up"}
    await town.nothing_is_left()


@pytest.mark.slow
async def test_one_drill_a_namespace_the_second_waits_and_is_told_why_when_its_time_is_over(town: Stage) -> None:
    await begun(town)
    drill = {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "metadata": {"name": "second"}}
    late = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4))
    town.apply(drill | {"spec": {"gameDay": "small", "startBefore": late}})
    status = await town.finishes("second", patience=20)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "Busy")
    assert "first" in status["message"]
    assert (await town.status())["phase"] == "Outage"
    await town.admin.patch(DRILLS, town.namespace, "first", {"spec": {"abort": True}})
    await town.finishes(patience=30)
    await town.nothing_is_left()


@pytest.mark.slow
async def test_the_lock_of_a_drill_that_was_removed_by_force_goes_to_the_next_one(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    operator = await town.operator()
    await town.start(small(outage__duration="60s"))
    await town.under_cut()
    await operator.kill()
    await town.admin.patch(DRILLS, town.namespace, "first", {"metadata": {"finalizers": None}})
    await town.admin.delete(DRILLS, town.namespace, "first")

    async def lifted() -> bool:
        return not await town.policies()

    assert await happens(lifted, "the cut goes with its Drill", 20) <= 5
    left = await town.admin.get(LEASES, town.namespace, "gameday")
    assert left is not None
    assert left["spec"]["holderIdentity"].endswith("/first")
    await town.operator()
    await town.start(small(), "second")
    status = await town.finishes("second")
    assert len(status["undo"]) == 1, "it held the namespace, and cut"
    await town.nothing_is_left()


@pytest.mark.slow
async def test_a_killed_agent_makes_the_drill_inconclusive(town: Stage) -> None:
    await begun(town)
    await town.admin.delete(PODS, town.namespace, "first-witness-0", grace=0)
    status = await town.finishes(patience=40)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "AgentLost")
    await town.nothing_is_left()
