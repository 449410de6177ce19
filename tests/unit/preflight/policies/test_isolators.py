"""Which policies are read, by whom, and what cannot be read, at an API server."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from gameday.cluster.client import Cluster
from gameday.cluster.resources import (
    ADMIN_POLICIES,
    AWS_CLUSTER_POLICIES,
    AWS_POLICIES,
    CALICO_GLOBAL_POLICIES,
    CALICO_POLICIES,
    CALICO_V3_GLOBAL_POLICIES,
    CALICO_V3_POLICIES,
    CILIUM_CLUSTERWIDE_POLICIES,
    CLUSTER_POLICIES,
    FQDN_POLICIES,
    Resource,
)
from gameday.errors import ClusterUnreachable
from gameday.model.limits import NAMED
from gameday.model.plan import Bystander, CidrTarget, ServiceRef, Target
from gameday.preflight.policies.isolators import ISOLATORS, Isolators, read
from gameday.preflight.snapshot import take_snapshot
from unit.api_server import ApiServer
from unit.preflight.things import partition, plan

CALICO: dict[str, list[str] | None] = {"v1": ["networkpolicies", "globalnetworkpolicies", "ippools"]}
V3: dict[str, list[str] | None] = {"v3": ["networkpolicies", "globalnetworkpolicies"]}
CLOSED = {"metadata": {"name": "closed"}, "spec": {}}


async def seen_by(cluster: Cluster, account: Cluster | None = None, assumed: Collection[str] = ()) -> Isolators:
    served, named = await cluster.served(ISOLATORS), await cluster.kinds_ending(NAMED)
    return await read(account or cluster, cluster, "shop", served, named, assumed)


async def test_a_cluster_without_such_kinds_is_asked_for_no_group(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.groups = {"apps": {"v1": ["deployments"]}, "cilium.io": {"v1": ["ciliumendpoints"]}}
    seen = await seen_by(cluster)
    assert (seen.served, seen.found, seen.unread) == (frozenset(), {}, {})
    assert cluster.requests == {("get", "apis"): 2}


async def test_only_kinds_that_are_served_are_read(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.groups = {"cilium.io": {"v2": ["ciliumclusterwidenetworkpolicies"]}}
    api_server.groups["policy.networking.k8s.io"] = {"v1alpha1": ["adminnetworkpolicies"], "v1beta9": ["others"]}
    api_server.put("adminnetworkpolicies", "", CLOSED)
    seen = await seen_by(cluster)
    assert set(seen.found) == {CILIUM_CLUSTERWIDE_POLICIES, ADMIN_POLICIES}
    assert [one["metadata"]["name"] for one in seen.found[ADMIN_POLICIES]] == ["closed"]


async def test_a_namespace_is_read_as_its_account_and_the_cluster_as_the_operator(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.groups = {"crd.projectcalico.org": CALICO}
    account = cluster.as_account("shop")
    account.requests = type(cluster.requests)()
    await seen_by(cluster, account)
    assert account.requests == {("list", "networkpolicies"): 1}
    assert cluster.requests == {("get", "apis"): 3, ("list", "globalnetworkpolicies"): 1}


async def test_what_is_served_and_forbidden_is_unread(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.groups = {"crd.projectcalico.org": CALICO}
    api_server.forbidden = {"list globalnetworkpolicies"}
    seen = await seen_by(cluster)
    assert set(seen.found) == {CALICO_POLICIES}
    assert "cannot list" in seen.unread[CALICO_GLOBAL_POLICIES]
    assert not (await seen_by(cluster, assumed=[CALICO_GLOBAL_POLICIES.full_name])).unread


async def test_calicos_api_server_need_not_answer_where_its_store_did(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.groups = {"crd.projectcalico.org": CALICO, "projectcalico.org": {"v3": None}}
    seen = await seen_by(cluster)
    assert {CALICO_V3_POLICIES, CALICO_V3_GLOBAL_POLICIES} <= seen.served
    assert not seen.unread


async def test_without_calicos_store_its_api_server_must_answer(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.groups = {"projectcalico.org": V3}
    api_server.forbidden = {"list globalnetworkpolicies"}
    seen = await seen_by(cluster)
    assert set(seen.unread) == {CALICO_V3_GLOBAL_POLICIES}


async def test_an_api_server_that_is_down_is_asked_again(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.down = True
    with pytest.raises(ClusterUnreachable):
        await seen_by(cluster)


ZONES = Resource("example.com", "v1", "zonenetworkpolicies", "zonenetworkpolicies")
"""A kind of policies that no reader knows."""


@pytest.mark.parametrize("namespaced", [True, False])
async def test_a_kind_that_nobody_knows_is_unread_where_there_is_one(
    api_server: ApiServer, cluster: Cluster, namespaced: bool
) -> None:
    api_server.groups = {ZONES.group: {ZONES.version: [ZONES.plural]}}
    api_server.of_cluster = set() if namespaced else {ZONES.plural}
    seen = await seen_by(cluster)
    assert (seen.served, seen.found, seen.unread) == (frozenset({ZONES}), {}, {})
    api_server.put(ZONES.plural, "shop" if namespaced else "", CLOSED)
    seen = await seen_by(cluster)
    assert "zonenetworkpolicies/closed" in seen.unread[ZONES]
    assert not (await seen_by(cluster, assumed=[ZONES.full_name])).unread


@pytest.mark.parametrize("namespaced", [True, False])
async def test_a_kind_that_nobody_knows_and_that_may_not_be_listed_is_unread(
    api_server: ApiServer, cluster: Cluster, namespaced: bool
) -> None:
    api_server.groups = {ZONES.group: {ZONES.version: [ZONES.plural]}}
    api_server.of_cluster = set() if namespaced else {ZONES.plural}
    api_server.forbidden = {f"list {ZONES.plural}"}
    account = cluster.as_account("shop")
    account.requests = type(cluster.requests)()
    seen = await seen_by(cluster, account)
    assert "cannot list" in seen.unread[ZONES]
    assert account.requests == ({("list", ZONES.plural): 1} if namespaced else {})
    assert not (await seen_by(cluster, assumed=[ZONES.full_name])).unread


async def test_policies_of_another_namespace_are_no_concern(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.groups = {ZONES.group: {ZONES.version: [ZONES.plural]}}
    api_server.put(ZONES.plural, "pay", CLOSED)
    assert not (await seen_by(cluster)).unread


async def test_a_version_that_nobody_knows_counts_where_no_other_is_served(
    api_server: ApiServer, cluster: Cluster
) -> None:
    versions: dict[str, list[str] | None] = {"v1": [CLUSTER_POLICIES.plural], "v1beta1": [CLUSTER_POLICIES.plural]}
    api_server.groups = {CLUSTER_POLICIES.group: versions}
    api_server.of_cluster = {CLUSTER_POLICIES.plural}
    api_server.put(CLUSTER_POLICIES.plural, "", CLOSED)
    (unread,) = (await seen_by(cluster)).unread
    assert (unread.full_name, unread.version) == (CLUSTER_POLICIES.full_name, "v1")
    versions[CLUSTER_POLICIES.version] = [CLUSTER_POLICIES.plural]
    seen = await seen_by(cluster)
    assert (seen.served, seen.unread) == (frozenset({CLUSTER_POLICIES}), {})
    assert len(seen.found[CLUSTER_POLICIES]) == 1


@pytest.mark.parametrize(
    ("group", "plural"),
    [
        ("networking.k8s.io", "networkpolicies"),
        ("crd.projectcalico.org", "stagedglobalnetworkpolicies"),
        ("projectcalico.org", "stagedkubernetesnetworkpolicies"),
        ("crd.projectcalico.org", "globalnetworksets"),
        ("controlplane.antrea.io", "networkpolicies"),
        ("k8s.cni.cncf.io", "multi-networkpolicies"),
        ("management.cattle.io", "projectnetworkpolicies"),
        ("security.istio.io", "authorizationpolicies"),
        ("gateway.envoyproxy.io", "securitypolicies"),
        ("policy", "podsecuritypolicies"),
        ("example.com", "networkpolicysets"),
    ],
)
async def test_what_only_sounds_like_it_isolates_nobody(
    api_server: ApiServer, cluster: Cluster, group: str, plural: str
) -> None:
    api_server.groups = {group: {"v1": [plural]}}
    api_server.forbidden = {f"list {plural}"}
    seen = await seen_by(cluster)
    assert (seen.served, seen.unread) == (frozenset(), {})


async def test_kinds_of_aws_and_of_gke_are_read(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.groups = {
        "networking.k8s.aws": {"v1alpha1": ["applicationnetworkpolicies", "clusternetworkpolicies", "policyendpoints"]},
        "networking.gke.io": {"v1alpha1": ["fqdnnetworkpolicies"], "v1": ["gkenetworkparamsets"]},
    }
    account = cluster.as_account("shop")
    account.requests = type(cluster.requests)()
    seen = await seen_by(cluster, account)
    assert set(seen.found) == {AWS_POLICIES, AWS_CLUSTER_POLICIES, FQDN_POLICIES}
    assert account.requests == {("list", "applicationnetworkpolicies"): 1, ("list", "fqdnnetworkpolicies"): 1}


async def test_an_api_server_that_cannot_list_all_kinds_at_once_is_said_to_be_unread(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.aggregates = False
    seen = await take_snapshot(cluster, cluster, "shop", plan(), ())
    assert set(seen.missing) == {"the list of API groups"}


async def test_the_preflight_sees_them_and_its_own_namespace(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.groups = {"crd.projectcalico.org": CALICO}
    api_server.put("globalnetworkpolicies", "", CLOSED)
    api_server.put("namespaces", "", {"metadata": {"name": "shop", "labels": {"tenant": "green"}}})
    seen = await take_snapshot(cluster, cluster, "shop", plan(), ())
    assert seen.policies(CALICO_GLOBAL_POLICIES)
    assert seen.namespace_labels == {"tenant": "green"}
    assert not [what for what in seen.missing if "groups" in what]
    api_server.groups[ZONES.group] = {ZONES.version: [ZONES.plural]}
    api_server.put(ZONES.plural, "shop", CLOSED)
    assert [one for one, _ in (await take_snapshot(cluster, cluster, "shop", plan(), ())).unread()] == [ZONES]
    api_server.forbidden = {"get namespaces"}
    assert (await take_snapshot(cluster, cluster, "shop", plan(), ())).namespace_labels is None


@pytest.mark.parametrize(
    ("to", "stays", "cilium", "elsewhere"),
    [
        (ServiceRef("redis"), (), True, False),
        (ServiceRef("redis", "shop"), (Bystander("self", ServiceRef("payments", "shop")),), True, False),
        # Of the cut Service's namespace Kubernetes' own policies are read, and Cilium's where that is granted.
        (ServiceRef("redis", "data"), (), False, False),
        (ServiceRef("redis", "data"), (), True, False),
        (ServiceRef("redis"), (Bystander("pay", ServiceRef("payments", "pay")),), False, True),
        (CidrTarget(("203.0.113.0/24",), (6379,)), (Bystander("web", host="example.com", port=443),), True, False),
    ],
)
async def test_what_is_asked_elsewhere_is_known_not_to_be_read(
    api_server: ApiServer, cluster: Cluster, to: Target, stays: tuple[Bystander, ...], cilium: bool, elsewhere: bool
) -> None:
    if cilium:
        api_server.groups = {"cilium.io": {"v2": ["ciliumnetworkpolicies"]}}
    cut = replace(partition(to), must_remain_reachable=stays)
    assert (await take_snapshot(cluster, cluster, "shop", plan(cut), ())).at(
        "partition"
    ).policies_elsewhere is elsewhere
