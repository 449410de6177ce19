"""A Service that selects no pods is refused with what to write in its place, and that is then accepted."""

from dataclasses import replace
from typing import Any

import pytest

from gameday.actions.network_partition.action import NetworkPartition
from gameday.actions.preflight import check
from gameday.api.dependencies import Dependency as Yaml
from gameday.api.dependencies import dependency_of
from gameday.cluster.resources import Object
from gameday.engine.validate.dependencies import check_dependencies
from gameday.model.plan import Plan, Selector
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.preflight.things import a_snapshot, endpoints, plan, service

REDIS: Object = {"port": 6379}
OUTSIDE = "eu1.redis.example.com"


def cutting(**kind: Any) -> Plan:
    """A plan that cuts a dependency off, as its YAML says."""
    dependency = dependency_of(0, Yaml.model_validate({"name": "it", **kind}))
    cut = NetworkPartition(Selector({"app": "api"}), dependency)
    return replace(plan(cut, probes=()), dependencies=(dependency,))


def there(kept: Object, *slices: Object) -> NamespaceSnapshot:
    seen = a_snapshot()
    seen.service, seen.endpoints = kept, slices
    seen.neighbours = seen.things["services"] = (kept,)
    return seen


def another_name(external: str, *ports: Object) -> NamespaceSnapshot:
    """A Service of type ExternalName, as the API server keeps it: without an address, and mostly without ports."""
    spec: Object = {"type": "ExternalName", "externalName": external} | ({"ports": list(ports)} if ports else {})
    return there({"metadata": {"name": "redis", "namespace": "shop"}, "spec": spec})


def without_selector(*slices: Object, ports: tuple[Object, ...] = (REDIS,), ip: str = "10.96.0.7") -> NamespaceSnapshot:
    return there(service("redis", list(ports), ip, selector=None), *slices)


def refusals(seen: NamespaceSnapshot, wanted: Plan) -> list[Finding]:
    return [finding for finding in check(seen, wanted) if finding.severity is Severity.REFUSE]


BEHIND = endpoints("203.0.113.7", "203.0.113.8")
AT_7000 = endpoints("203.0.113.7", ports={"": 7000})
OF_POD: Object = {
    "endpoints": [{"addresses": ["10.0.0.3"], "targetRef": {"kind": "Pod", "name": "db-0"}}],
    "ports": [{"name": "", "port": 6379}],
}

ROWS: list[tuple[str, NamespaceSnapshot, dict[str, Any], str, dict[str, Any] | None]] = [
    (
        "a name outside",
        another_name(OUTSIDE),
        {"redis": {"service": {"name": "redis"}}},
        f"write redis.host: {OUTSIDE} in place of redis.service",
        {"redis": {"host": OUTSIDE}},
    ),
    (
        "a name outside, and a port",
        another_name(f"{OUTSIDE}."),
        {"redis": {"service": {"name": "redis", "port": 6380}}},
        f"write redis.host: {OUTSIDE} and redis.port: 6380 in place of redis.service",
        {"redis": {"host": OUTSIDE, "port": 6380}},
    ),
    (
        "tcp: a name outside, and a port",
        another_name(OUTSIDE),
        {"tcp": {"service": {"name": "redis", "port": 5432}, "protocol": "postgres"}},
        f"write tcp.host: {OUTSIDE} and tcp.ports: [5432] in place of tcp.service",
        {"tcp": {"host": OUTSIDE, "ports": [5432], "protocol": "postgres"}},
    ),
    (
        "tcp: a name outside, and the Service's ports",
        another_name(OUTSIDE, {"name": "a", "port": 443}, {"name": "b", "port": 8443}),
        {"tcp": {"service": {"name": "redis"}}},
        f"write tcp.host: {OUTSIDE} and tcp.ports: [443, 8443] in place of tcp.service",
        {"tcp": {"host": OUTSIDE, "ports": [443, 8443]}},
    ),
    (
        "tcp: a name outside without any port",
        another_name(OUTSIDE),
        {"tcp": {"service": {"name": "redis"}}},
        f"write tcp.host: {OUTSIDE} and tcp.ports in place of tcp.service",
        None,
    ),
    (
        "a Service of another namespace",
        another_name("redis-master.data.svc.cluster.local"),
        {"redis": {"service": {"name": "redis"}}},
        "write redis.service: {name: redis-master, namespace: data} in its place",
        None,
    ),
    (
        "tcp: a Service of another namespace, and a port",
        another_name("db.data.svc"),
        {"tcp": {"service": {"name": "redis", "port": 8080}}},
        "write tcp.service: {name: db, namespace: data, port: 8080} in its place",
        None,
    ),
    (
        "a pod",
        another_name("redis-0.redis.data.svc.cluster.local"),
        {"redis": {"service": {"name": "redis"}}},
        "name the Service of the pods that redis-0.redis.data.svc.cluster.local leads to in redis.service",
        None,
    ),
    (
        "addresses behind a cluster IP",
        without_selector(BEHIND),
        {"redis": {"service": {"name": "redis"}}},
        "write redis.host: 10.96.0.7 and redis.cidrs: [10.96.0.7/32, 203.0.113.7/32, 203.0.113.8/32] in place of "
        "redis.service",
        {"redis": {"host": "10.96.0.7", "cidrs": ["10.96.0.7/32", "203.0.113.7/32", "203.0.113.8/32"]}},
    ),
    (
        "an address behind a headless Service",
        without_selector(AT_7000, ports=({"port": 7000},), ip=""),
        {"redis": {"service": {"name": "redis", "port": 7000}}},
        "write redis.host: 203.0.113.7 and redis.port: 7000 in place of redis.service",
        {"redis": {"host": "203.0.113.7", "port": 7000}},
    ),
    (
        "an address that listens at another port",
        without_selector(AT_7000),
        {"redis": {"service": {"name": "redis"}}},
        "name it as a tcp dependency: tcp.cidrs: [10.96.0.7/32, 203.0.113.7/32] and tcp.ports: [6379, 7000] in place "
        "of redis.service",
        {"tcp": {"cidrs": ["10.96.0.7/32", "203.0.113.7/32"], "ports": [6379, 7000]}},
    ),
    (
        "tcp: addresses",
        without_selector(endpoints("2001:db8::7", ports={"": 443}), ports=({"port": 443},)),
        {"tcp": {"service": {"name": "redis"}}},
        "write tcp.cidrs: [10.96.0.7/32, 2001:db8::7/128] and tcp.ports: [443] in place of tcp.service",
        {"tcp": {"cidrs": ["10.96.0.7/32", "2001:db8::7/128"], "ports": [443]}},
    ),
    (
        "no address yet",
        without_selector(),
        {"redis": {"service": {"name": "redis"}}},
        "write redis.host with its address in place of redis.service",
        None,
    ),
    (
        "tcp: no address yet",
        without_selector(ports=({"port": 443},), ip=""),
        {"tcp": {"service": {"name": "redis"}}},
        "write tcp.host with its address and tcp.ports: [443] in place of tcp.service",
        None,
    ),
    (
        "pods that somebody else has written there",
        without_selector(OF_POD),
        {"redis": {"service": {"name": "redis"}}},
        "make a Service with a selector for db-0, redis-1, and name it in redis.service",
        None,
    ),
]


@pytest.mark.parametrize(("seen", "written", "remedy", "_"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_it_is_refused_with_what_to_write_in_its_place(
    seen: NamespaceSnapshot, written: dict[str, Any], remedy: str, _: object
) -> None:
    (finding,) = refusals(seen, cutting(**written))
    assert finding.code in {"ExternalName", "NoSelector"}
    assert finding.path == f"spec.dependencies[it].{next(iter(written))}.service"
    assert finding.remedy == remedy


@pytest.mark.parametrize(
    ("seen", "rewritten"), [(row[1], row[4]) for row in ROWS if row[4]], ids=[row[0] for row in ROWS if row[4]]
)
def test_what_is_to_be_written_is_accepted(seen: NamespaceSnapshot, rewritten: dict[str, Any]) -> None:
    wanted = cutting(**rewritten)
    assert list(check_dependencies(wanted)) == []
    seen.service, seen.endpoints = None, ()
    assert refusals(seen, wanted) == []


def test_a_long_list_of_addresses_is_cut_short() -> None:
    seen = without_selector(endpoints(*(f"203.0.113.{n}" for n in range(9))))
    (finding,) = refusals(seen, cutting(redis={"service": {"name": "redis"}}))
    assert "203.0.113.3/32 and 5 more]" in finding.remedy


def test_nothing_else_is_said_about_it() -> None:
    """Its ports, endpoints and open connections are those of whatever is written in its place."""
    assert len(check(another_name(OUTSIDE), cutting(redis={"service": {"name": "redis", "port": 6380}}))) == 1
    assert len(check(another_name(OUTSIDE, REDIS), cutting(redis={"service": {"name": "redis"}}))) == 1
    assert len(check(without_selector(ip=""), cutting(redis={"service": {"name": "redis"}}))) == 1
