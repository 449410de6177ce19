"""The policies that decide who may reach what is cut, as far as the preflight sees them."""

import pytest

from gameday.cluster.kinds import Object
from gameday.faults.gates import gates
from gameday.faults.sight import Sight
from gameday.model.plan import CidrTarget, ServiceRef
from unit.faults.things import isolating_policy, partition, service, sight

REDIS = {"app": "redis"}


def cilium(name: str, **spec: object) -> Object:
    return {"metadata": {"name": name}, "spec": {"endpointSelector": {"matchLabels": {"k8s:app": "redis"}}, **spec}}


def test_policies_of_both_kinds_that_hold_the_dependencys_pods_are_named() -> None:
    there = sight(
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


def elsewhere() -> Sight:
    there = sight()
    there.service = service("redis", [{"port": 6379}], namespace="data")
    there.service_policies = (
        isolating_policy("redis-only", REDIS),
        {"metadata": {"name": "all"}, "spec": {"podSelector": {}}},
        isolating_policy("more", REDIS | {"tier": "db"}),
        {"metadata": {"name": "perhaps"}, "spec": {"podSelector": {"matchExpressions": [
            {"key": "tier", "operator": "DoesNotExist"}]}}},
    )  # fmt: skip
    return there


def test_of_another_namespace_only_what_surely_selects_its_pods_is_named() -> None:
    assert gates(elsewhere(), partition(ServiceRef("redis", "data"))) == (
        "NetworkPolicy data/all",
        "NetworkPolicy data/redis-only",
    )


@pytest.mark.parametrize("there", [sight(), elsewhere()])
def test_of_addresses_nothing_is_known(there: Sight) -> None:
    assert gates(there, partition(CidrTarget(("203.0.113.7/32",), (6379,)))) == ()
