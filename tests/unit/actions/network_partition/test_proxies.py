"""What the preflight can know of proxies that hide the targets' open connections."""

from dataclasses import replace
from typing import Any

import pytest

from gameday.actions.network_partition.action import OpenConnections
from gameday.actions.preflight import refusals, warnings
from gameday.cluster.resources import PODS, Object
from gameday.model.plan import Plan, ServiceRef
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.preflight.things import a_snapshot, partition, plan, pod, service

HAPROXY: Object = {"name": "proxy", "image": "docker.io/library/haproxy:3.2"}
REDIS: Object = {"name": "redis", "image": "redis:8"}
APP: Object = {"name": "app", "image": "shop/api:1"}
SIDECAR: Object = {"name": "istio-proxy", "image": "istio/proxyv2:1.30"}


def with_pods(api: dict[str, Any], redis: dict[str, Any]) -> NamespaceSnapshot:
    there = a_snapshot()
    there.things[PODS.plural] = (pod("api-1", **api), pod("redis-1", {"app": "redis"}, ip="10.0.0.3", **redis))
    return there


def found(there: NamespaceSnapshot, wanted: Plan) -> list[str]:
    assert refusals(there, wanted) == ()
    return [one for one in warnings(there, wanted) if ("ConnectionsKept" in one and "proxy" in one) or "sidecar" in one]


@pytest.mark.parametrize(
    ("redis", "told"),
    [
        ({"containers": [REDIS]}, ""),
        ({"containers": [HAPROXY]}, "proxy in pod redis-1"),
        ({"containers": [REDIS, SIDECAR]}, "istio-proxy in pod redis-1"),
        ({"containers": [REDIS], "initContainers": [SIDECAR | {"restartPolicy": "Always"}]}, "istio-proxy in pod"),
        ({"containers": [REDIS], "initContainers": [SIDECAR]}, ""),
        ({"containers": [REDIS | {"image": "ghcr.io/x/envoy@sha256:0"}]}, "redis in pod redis-1"),
    ],
)
def test_a_proxy_before_redis_is_told_where_it_shows(redis: dict[str, Any], told: str) -> None:
    there = with_pods({"containers": [APP]}, redis)
    lines = found(there, plan())
    assert len(lines) == bool(told)
    assert all(told in line and line.startswith("spec.outage.faults[partition].networkPartition.to") for line in lines)
    assert found(there, plan(partition(open_connections=OpenConnections.KEEP))) == []


@pytest.mark.parametrize(("known", "told"), [(True, 0), (False, 1)])
def test_targets_behind_a_sidecar_need_a_redis(known: bool, told: int) -> None:
    there = with_pods({"containers": [APP, SIDECAR]}, {"containers": [REDIS]})
    cut = partition()
    lines = found(
        there, plan(cut if known else replace(cut, dependency=replace(cut.dependency, redis=None)), probes=())
    )
    assert len([line for line in lines if "podSelector" in line]) == told


def test_a_target_that_runs_a_proxy_of_its_own_is_not_taken_for_meshed() -> None:
    there = with_pods({"containers": [HAPROXY]}, {"containers": [REDIS]})
    assert found(there, plan(probes=())) == []


def test_of_another_namespace_nothing_is_known() -> None:
    there = with_pods({"containers": [APP]}, {"containers": [HAPROXY]})
    there.service = service("redis", [{"port": 6379}], namespace="data")
    assert found(there, plan(partition(ServiceRef("redis", "data")), probes=())) == []
