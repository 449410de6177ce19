"""The policies that decide who may reach what is cut, as far as the preflight sees them."""

from typing import Any

import pytest

from gameday.actions.network_partition.gates import gates
from gameday.actions.network_partition.partition import Partition
from gameday.actions.network_partition.targets import pairs
from gameday.cluster.client import Cluster
from gameday.cluster.resources import CILIUM_NETWORK_POLICIES, Object, Resource
from gameday.errors import Forbidden
from gameday.model.labels import STAND_IN
from gameday.model.plan import CidrTarget, ServiceRef
from gameday.preflight.snapshot import NamespaceSnapshot, take_snapshot
from unit.api_server import ApiServer
from unit.preflight.things import a_snapshot, isolating_policy, partition, plan, pod, service

REDIS = {"app": "redis"}


def cilium(name: str, **spec: object) -> Object:
    return {"metadata": {"name": name}, "spec": {"endpointSelector": {"matchLabels": {"k8s:app": "redis"}}, **spec}}


def test_policies_of_both_kinds_that_hold_the_dependencys_pods_are_named() -> None:
    there = a_snapshot(
        networkpolicies=(
            isolating_policy("redis-only", REDIS, policyTypes=["Ingress"]),
            isolating_policy("old", REDIS),
            isolating_policy("out", REDIS, policyTypes=["Egress"]),
            isolating_policy("api", {"app": "api"}),
        ),
        ciliumnetworkpolicies=(cilium("c", ingress=[{}]), cilium("out", egress=[{}])),
    )
    assert gates(there, partition()) == (
        "CiliumNetworkPolicy shop/c",
        "NetworkPolicy shop/old",
        "NetworkPolicy shop/redis-only",
    )


def elsewhere() -> NamespaceSnapshot:
    there = a_snapshot()
    there.service = service("redis", [{"port": 6379}], namespace="data")
    there.service_policies = (
        isolating_policy("redis-only", REDIS),
        {"metadata": {"name": "all"}, "spec": {"podSelector": {}}},
        isolating_policy("more", REDIS | {"tier": "db"}),
        {"metadata": {"name": "perhaps"}, "spec": {"podSelector": {"matchExpressions": [
            {"key": "tier", "operator": "DoesNotExist"}]}}},
        cilium("c", ingress=[{}]),
        cilium("out", egress=[{}]),
        {"metadata": {"name": "many"}, "specs": [{"endpointSelector": {}, "ingress": [{}]}]},
    )  # fmt: skip
    return there


def test_of_another_namespace_only_what_surely_selects_its_pods_is_named() -> None:
    assert gates(elsewhere(), partition(ServiceRef("redis", "data"))) == (
        "CiliumNetworkPolicy data/c",
        "CiliumNetworkPolicy data/many",
        "NetworkPolicy data/all",
        "NetworkPolicy data/redis-only",
    )
    hidden = elsewhere()
    hidden.service_unread = "list ciliumnetworkpolicies: forbidden"
    assert gates(hidden, partition(ServiceRef("redis", "data")))[-1].startswith(
        "and policies that cannot be read: list cilium"
    )


@pytest.mark.parametrize("forbidden", [False, True])
async def test_cilium_policies_of_another_namespace_are_read_where_that_is_granted(
    forbidden: bool, api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What admits the targets there may go by a label, and a witness without it would be turned away."""
    peers = {"fromEndpoints": [{"matchLabels": {"k8s:team": "shop"}}]}
    api_server.put("ciliumnetworkpolicies", "data", cilium("clients", ingress=[peers]))
    api_server.put("services", "data", service("redis", [{"port": 6379}], namespace="data"))
    api_server.put("pods", "shop", pod("api-1"))
    ask = cluster.list

    async def refuse(resource: Resource, namespace: str | None = None, **more: Any) -> Any:
        if resource is CILIUM_NETWORK_POLICIES and namespace == "data" and forbidden:
            raise Forbidden("list ciliumnetworkpolicies: forbidden")
        return await ask(resource, namespace, **more)

    monkeypatch.setattr(cluster, "list", refuse)
    cut = partition(ServiceRef("redis", "data"))
    there = (await take_snapshot(cluster, cluster, "shop", plan(cut), Partition.reads)).at("partition")
    (pair,) = pairs(there, cut.pod_selector)
    assert pair.labels == ({"app": "api"} if forbidden else {"app": STAND_IN, "team": "shop"})
    told = ("and policies that cannot be read: list ciliumnetworkpolicies: forbidden",)
    assert gates(there, cut) == (told if forbidden else ("CiliumNetworkPolicy data/clients",))


@pytest.mark.parametrize("there", [a_snapshot(), elsewhere()])
def test_of_addresses_nothing_is_known(there: NamespaceSnapshot) -> None:
    assert gates(there, partition(CidrTarget(("203.0.113.7/32",), (6379,)))) == ()
