"""What is read of a namespace: what every plan's preflight judges, and what the kinds of its actions ask for."""

import pytest

from gameday.cluster.client import Cluster
from gameday.cluster.resources import CRON_JOBS, DEPLOYMENTS, SCALED_OBJECTS, Resource
from gameday.preflight.snapshot import ESSENTIAL, NamespaceSnapshot, take_snapshot
from unit.api_server import ApiServer
from unit.preflight.things import plan

KEDA: dict[str, list[str] | None] = {"v1alpha1": ["scaledobjects", "scaledjobs"]}


@pytest.fixture(autouse=True)
def others(api_server: ApiServer) -> None:
    api_server.groups = {"keda.sh": KEDA}
    for resource in (CRON_JOBS, DEPLOYMENTS, SCALED_OBJECTS):
        api_server.put(resource.plural, "shop", {"metadata": {"name": resource.plural}})


async def seen(cluster: Cluster, *reads: Resource) -> NamespaceSnapshot:
    return await take_snapshot(cluster, cluster, "shop", plan(), reads)


async def test_what_actions_ask_for_is_read_once(cluster: Cluster) -> None:
    snapshot = await seen(cluster, DEPLOYMENTS, CRON_JOBS, DEPLOYMENTS)
    assert {resource.plural for resource in ESSENTIAL} <= set(snapshot.things)
    assert [len(snapshot.of(resource)) for resource in (DEPLOYMENTS, CRON_JOBS, SCALED_OBJECTS)] == [1, 1, 0]


async def test_what_is_not_asked_for_needs_no_right(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.forbidden = {"list cronjobs", "list scaledobjects"}
    assert not (await seen(cluster, DEPLOYMENTS)).missing
    assert set((await seen(cluster, DEPLOYMENTS, CRON_JOBS, SCALED_OBJECTS)).missing) == {"cronjobs", "scaledobjects"}


@pytest.mark.parametrize("served", [True, False])
async def test_what_a_cluster_may_lack_is_read_where_it_is_served(
    api_server: ApiServer, cluster: Cluster, served: bool
) -> None:
    if not served:
        api_server.groups, api_server.unserved = {}, {"scaledobjects"}
    snapshot = await seen(cluster, SCALED_OBJECTS)
    assert (len(snapshot.of(SCALED_OBJECTS)), dict(snapshot.missing)) == (int(served), {})


@pytest.mark.parametrize("endpoints", [True, False])
@pytest.mark.parametrize("policies", [True, False])
async def test_cilium_is_seen_without_its_policies_as_well(
    api_server: ApiServer, cluster: Cluster, policies: bool, endpoints: bool
) -> None:
    """GKE's Dataplane V2 keeps them back."""
    api_server.groups = {"cilium.io": {"v2": ["ciliumendpoints"] if endpoints else []}}
    api_server.unserved = set() if policies else {"ciliumnetworkpolicies"}
    snapshot = await seen(cluster)
    assert snapshot.on_cilium is (policies or endpoints)
    assert snapshot.at("partition").on_cilium is (policies or endpoints)


async def test_the_endpoints_of_every_service_beside_the_one_that_is_cut_are_read(
    api_server: ApiServer, cluster: Cluster
) -> None:
    for name in ("redis", "redis-read"):
        api_server.put("services", "shop", {"metadata": {"name": name}, "spec": {}})
    for name, of in (("redis-1", "redis"), ("read-1", "redis-read"), ("read-2", "redis-read")):
        labels = {"kubernetes.io/service-name": of}
        api_server.put("endpointslices", "shop", {"metadata": {"name": name, "labels": labels}, "endpoints": []})
    api_server.put("endpointslices", "data", {"metadata": {"name": "other", "labels": {}}, "endpoints": []})
    there = (await seen(cluster)).at("partition")
    found = {of: sorted(one["metadata"]["name"] for one in slices) for of, slices in there.slices.items()}
    assert found == {"redis": ["redis-1"], "redis-read": ["read-1", "read-2"]}
    assert there.endpoints == there.slices["redis"]
