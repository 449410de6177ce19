"""Dependencies whose cut could only fail in a drill are findings of the plan, each at its field with what to do."""

import pytest

from gameday.actions.network_partition.action import NetworkPartition
from gameday.engine.validate.plan import check
from gameday.model.places import redis_at
from gameday.model.plan import (
    CidrTarget,
    Dependency,
    Destination,
    Expectation,
    Fault,
    HostTarget,
    Mode,
    Outage,
    Plan,
    Probe,
    Protocol,
    Recovery,
    Selector,
    ServiceRef,
    SteadyState,
    Target,
)
from gameday.probes.http.kind import HttpProbe
from unit.preflight.things import known

HEALTH = Probe("health", HttpProbe("http://api/healthz"))
UP = Expectation("up", Mode.EVENTUALLY, "health.ok")
API = Selector({"app": "api"})
REDIS = ServiceRef("redis")


def found(to: Target, redis: Destination | None = None, protocol: Protocol | None = None) -> list[str]:
    """The findings of a plan that cuts off from ``to``, and of which ``redis`` is another dependency."""
    cut = Dependency("it", to, protocol=protocol)
    other = (known("redis", redis),) if redis is not None else ()
    fault = Fault("f", NetworkPartition(API, cut))
    stages = SteadyState(5.0), Outage(9.0, (fault,)), Recovery(9.0, (UP,))
    return [str(finding) for finding in check(Plan("g", (HEALTH,), *stages, dependencies=(cut, *other)))]


def paths(findings: list[str]) -> list[str]:
    return [finding.partition(": ")[0].removeprefix("spec.dependencies[0].") for finding in findings]


GOOD: list[Target] = [
    REDIS,
    ServiceRef("redis", "data", 6379),
    HostTarget("203.0.113.7", (6379,)),
    HostTarget("203.0.113.7", (6379,), ("203.0.113.0/24",)),
    HostTarget("eu1-example.upstash.io", (6379,)),
    HostTarget("my.cache.amazonaws.com", (6379,), ("10.0.16.0/24", "10.0.17.0/24", "2001:db8::/64")),
    CidrTarget(("203.0.113.7/32", "10.0.16.9/32"), (6379, 16379)),
    HostTarget("2001:db8::7", (6379,)),
    HostTarget("2001:db8::7", (6379,), ("2001:db8::/64",)),
    CidrTarget(("203.0.113.7/32", "2001:db8::7/128"), (6379,)),
]


@pytest.mark.parametrize("to", GOOD, ids=str)
def test_a_destination_that_can_be_cut_and_dialled_is_none(to: Target) -> None:
    assert found(to) == []


@pytest.mark.parametrize(
    ("to", "path", "told"),
    [
        (HostTarget("redis", (6379,)), "tcp.host", "is a name of the cluster's own"),
        (HostTarget("redis.data.svc", (6379,)), "tcp.host", "write it as service"),
        (HostTarget("redis.data.svc.cluster.local.", (6379,)), "tcp.host", "write it as service"),
        (HostTarget("redis.data.svc.corp.example", (6379,)), "tcp.host", "write it as service"),
        (HostTarget("redis.example.com", (6379,), ("10.0.16.0/33",)), "tcp.cidrs[0]", "write an address range"),
        (HostTarget("redis.example.com", (6379,), ("10.0.16.1/24",)), "tcp.cidrs[0]", "has host bits set"),
        (
            HostTarget("redis.example.com", (6379,), ("127.0.0.0/8",)),
            "tcp.cidrs[0]",
            "is not an address of another machine",
        ),
        (HostTarget("10.0.17.1", (6379,), ("10.0.16.0/24",)), "tcp.cidrs", "10.0.17.1 is in none of these"),
        (HostTarget("redis.example.com", (5432,)), "tcp.ports[0]", "5432 is the port of PostgreSQL"),
        (HostTarget("::ffff:203.0.113.7", (6379,)), "tcp.host", "no packet has such an address: write 203.0.113.7"),
        (HostTarget("fe80::7", (6379,)), "tcp.host", "is not an address of another machine"),
        (HostTarget("fe80::7%eth0", (6379,)), "tcp.host", "write a DNS name or an address"),
        (HostTarget("[2001:db8::7]", (6379,)), "tcp.host", "write a DNS name or an address"),
        (HostTarget("::1", (6379,)), "tcp.host", "is not an address of another machine"),
        (HostTarget("2001:db8:1::7", (6379,), ("2001:db8::/64",)), "tcp.cidrs", "2001:db8:1::7 is in none of these"),
        (HostTarget("2001:db8::7", (5432,)), "tcp.ports[0]", "5432 is the port of PostgreSQL"),
        (HostTarget("127.0.0.1", (6379,)), "tcp.host", "is not an address of another machine"),
        (HostTarget("0.0.0.0", (6379,)), "tcp.host", "is not an address of another machine"),
        (HostTarget("203.0.113.7", (6379, 3306)), "tcp.ports[1]", "3306 is the port of MySQL"),
        (CidrTarget(("2001:db8::/48",), (6379,)), "tcp.cidrs[0]", "no address in 2001:db8::/48 is known to answer"),
        (CidrTarget(("203.0.113.7/32", "::/0"), (6379,)), "tcp.cidrs[1]", "no address in ::/0 is known to answer"),
        (CidrTarget(("::ffff:203.0.113.0/120",), (6379,)), "tcp.cidrs[0]", "write 203.0.113.0/24"),
        (CidrTarget(("ff02::1/128",), (6379,)), "tcp.cidrs[0]", "is not an address of another machine"),
        (CidrTarget(("2001:db8::1/64",), (6379,)), "tcp.cidrs[0]", "has host bits set"),
        (CidrTarget(("127.0.0.0/8",), (6379,)), "tcp.cidrs[0]", "is not an address of another machine"),
        (CidrTarget(("224.0.0.1/32",), (6379,)), "tcp.cidrs[0]", "is not an address of another machine"),
        (CidrTarget(("10.0.16.0/24",), (6379,)), "tcp.cidrs[0]", "no address in 10.0.16.0/24 is known to answer"),
        (CidrTarget(("10.0.16.7/32", "0.0.0.0/0"), (6379,)), "tcp.cidrs[1]", "name single addresses"),
        (CidrTarget(("203.0.113.7/32",), (5432,)), "tcp.ports[0]", "5432 is the port of PostgreSQL"),
        (ServiceRef("db", port=5432), "tcp.service.port", "write protocol: postgres, or protocol: none"),
        (ServiceRef("db", port=3306), "tcp.service.port", "MySQL then blocks their address"),
    ],
    ids=str,
)
def test_a_destination_that_no_drill_could_cut_or_prove_is_a_finding(to: Target, path: str, told: str) -> None:
    findings = found(to)
    assert paths(findings) == [path]
    assert told in findings[0]


def test_a_range_needs_a_redis_whose_host_and_port_are_in_it() -> None:
    ranges = CidrTarget(("10.0.16.0/24", "10.0.17.0/24"), (6379,))
    assert paths(found(ranges, redis=redis_at(host="10.0.16.7"))) == ["tcp.cidrs[1]"]
    one = CidrTarget(("10.0.16.0/24",), (6379,))
    assert found(one, redis=redis_at(host="10.0.16.7")) == []
    assert paths(found(one, redis=redis_at(host="10.0.16.7", port=6380))) == ["tcp.cidrs[0]"]
    assert paths(found(one, redis=redis_at(host="10.0.18.7"))) == ["tcp.cidrs[0]"]
    assert paths(found(one, redis=redis_at(host="my.cache.amazonaws.com"))) == ["tcp.cidrs[0]"]
    six = CidrTarget(("2001:db8::/64",), (6379,))
    assert found(six, redis=redis_at(host="2001:DB8::7")) == []
    assert paths(found(six, redis=redis_at(host="2001:db8:1::7"))) == ["tcp.cidrs[0]"]


def test_a_redis_on_the_port_of_a_database_is_dialled_as_the_redis_that_it_is() -> None:
    assert found(HostTarget("203.0.113.7", (3306,)), redis=redis_at(host="203.0.113.7", port=3306)) == []
    for written in ("2001:db8::7", "2001:DB8:0::7"):
        assert found(HostTarget("2001:db8::7", (3306,)), redis=redis_at(host=written, port=3306)) == []
    assert found(ServiceRef("odd", port=5432), redis=redis_at(service=ServiceRef("odd", port=5432))) == []


@pytest.mark.parametrize("protocol", list(Protocol))
def test_a_database_whose_protocol_is_said_is_none(protocol: Protocol) -> None:
    for to in (
        ServiceRef("db", port=3306),
        HostTarget("db.example.com", (5432,)),
        CidrTarget(("10.0.0.7/32",), (3306,)),
    ):
        assert found(to, protocol=protocol) == []
