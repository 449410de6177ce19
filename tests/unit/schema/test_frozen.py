"""A plan that was frozen before there were dependencies is the same plan: the same cut, probes and credentials."""

import copy
from typing import Any

import pytest

from gameday.actions.network_partition.action import cuts_of
from gameday.api.parse import plan_of
from gameday.model.places import redis_at
from gameday.model.plan import CidrTarget, Destination, HostTarget, Plan, SecretKey, ServiceRef, Target
from gameday.probes.redis.kind import RedisProbe
from gameday.schema.renamed import modern

AUTH = {"passwordFrom": {"secretKeyRef": {"name": "redis", "key": "password"}}}
PASSWORD = SecretKey("redis", "password")
DEFAULTS = {"port": 6379, "tls": False}
"""What a frozen plan says of each Redis."""


def frozen(to: dict[str, Any], *redis: dict[str, Any]) -> dict[str, Any]:
    """A plan as it stands in the status of a drill of an earlier operator."""
    probes = [
        {"name": f"r{n}", "interval": "1s", "timeout": "2s", "redis": DEFAULTS | one} for n, one in enumerate(redis)
    ]
    cut = {"podSelector": {"matchLabels": {"app": "api"}, "matchExpressions": []}, "to": {"ports": [], **to}}
    return {
        "description": "",
        "probes": [{"name": "health", "http": {"url": "http://api/", "method": "GET", "headers": []}}, *probes],
        "steadyState": {"duration": "3s", "expect": []},
        "outage": {"duration": "8s", "faults": [{"name": "partition", "networkPartition": cut}], "expect": []},
        "recovery": {"within": "20s", "expect": [{"name": "again", "eventually": "health.ok", "guardrail": False}]},
        "measurements": [],
    }


def read(plan: dict[str, Any]) -> Plan:
    return plan_of("x", modern(plan, "shop"))


def cut(plan: Plan) -> tuple[Target, Destination | None]:
    ((_, partition),) = cuts_of(plan)
    return partition.to, partition.dependency.redis


def asked(plan: Plan) -> list[Destination]:
    return [probe.settings.server for probe in plan.probes if isinstance(probe.settings, RedisProbe)]


def test_the_redis_of_the_probe_that_closed_connections_is_what_is_cut() -> None:
    plan = read(frozen({"service": {"name": "redis"}}, {"service": {"name": "redis"}, "auth": AUTH}))
    server = redis_at(ServiceRef("redis"), password=PASSWORD)
    assert cut(plan) == (ServiceRef("redis"), server)
    assert asked(plan) == [server]
    assert [one.name for one in plan.dependencies] == ["dependency-0"]


def test_a_probe_keeps_its_queue_and_its_tls() -> None:
    queue = {"kind": "bullmq", "name": "jobs", "prefix": "bull"}
    plan = read(frozen({"service": {"name": "redis"}}, {"host": "r.example.com", "tls": True, "queue": queue}))
    assert asked(plan) == [redis_at(host="r.example.com", tls=True)]
    (probe,) = [probe.settings for probe in plan.probes if isinstance(probe.settings, RedisProbe)]
    assert probe.queue is not None
    assert (probe.queue.kind, probe.queue.name) == ("bullmq", "jobs")
    assert cut(plan) == (ServiceRef("redis"), None)
    assert [one.name for one in plan.dependencies] == ["dependency-0", "dependency-1"]


@pytest.mark.parametrize(
    ("to", "redis", "expected"),
    [
        ({"name": "redis"}, {"name": "redis", "namespace": "shop"}, True),
        ({"name": "redis", "namespace": "shop"}, {"name": "redis"}, True),
        ({"name": "redis", "port": 6379}, {"name": "redis"}, True),
        ({"name": "redis", "port": 6379}, {"name": "redis", "port": 6379}, True),
        ({"name": "redis", "port": 9121}, {"name": "redis"}, False),
        ({"name": "redis", "namespace": "data"}, {"name": "redis"}, False),
        ({"name": "redis"}, {"name": "cache"}, False),
    ],
)
def test_only_a_probe_of_the_very_service_and_port_that_is_cut_lends_its_credentials(
    to: dict[str, Any], redis: dict[str, Any], expected: bool
) -> None:
    target, server = cut(read(frozen({"service": to}, {"service": redis, "auth": AUTH})))
    assert target == ServiceRef(to["name"], to.get("namespace"), to.get("port"))
    assert (server is not None) is expected
    if server is not None:
        assert (server.password, server.port) == (PASSWORD, 6379)


def test_one_with_credentials_comes_first() -> None:
    redis = {"service": {"name": "redis"}}
    plan = read(frozen({"service": {"name": "redis"}}, redis, redis | {"auth": AUTH}))
    assert cut(plan)[1] == redis_at(ServiceRef("redis"), password=PASSWORD)
    assert [server.password for server in asked(plan)] == [None, PASSWORD]


def test_every_port_stays_cut_where_the_probe_named_one() -> None:
    plan = read(frozen({"service": {"name": "redis"}}, {"service": {"name": "redis", "port": 7000}}))
    target, server = cut(plan)
    assert target == ServiceRef("redis")
    assert server is not None
    assert server.port == 7000
    assert [one.port for one in asked(plan)] == [7000]


def test_addresses_stay_what_they_are() -> None:
    assert cut(read(frozen({"host": "10.0.0.1", "ports": [6379]}))) == (HostTarget("10.0.0.1", (6379,)), None)
    ranges = read(frozen({"cidrs": ["10.0.0.0/24"], "ports": [6379, 6380]}, {"host": "10.0.0.7"}))
    assert cut(ranges) == (CidrTarget(("10.0.0.0/24",), (6379, 6380)), None)


def test_a_frozen_plan_of_today_stays_as_it_is() -> None:
    today = modern(frozen({"service": {"name": "redis"}}, {"service": {"name": "redis"}}), "shop")
    assert modern(copy.deepcopy(today), "shop") == today


def test_a_fault_of_a_kind_that_earlier_operators_did_not_have_stays_as_it_is() -> None:
    plan = modern(frozen({"service": {"name": "redis"}}), "shop")
    other = {"name": "hold", "noEvictions": {"matchLabels": {"app": "api"}}}
    plan["outage"]["faults"].append(other)
    assert modern(copy.deepcopy(plan), "shop") == plan
