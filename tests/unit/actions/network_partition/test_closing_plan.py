"""Open connections are ended at the Redis that is cut and at no other, or the preflight says why they are not."""

from dataclasses import replace

import pytest

from gameday.actions.network_partition.action import NetworkPartition, OpenConnections, cuts_of
from gameday.actions.network_partition.closing_plan import MOST_SERVERS, closing_plan_of
from gameday.actions.preflight import check, warnings
from gameday.cluster.resources import Object
from gameday.model.places import redis_at
from gameday.model.plan import (
    CidrTarget,
    Dependency,
    Destination,
    HostTarget,
    Plan,
    Probe,
    Protocol,
    SecretKey,
    Selector,
    ServiceRef,
    Target,
)
from gameday.model.setup import ClosingPlan
from gameday.preflight.findings import Severity
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.preflight.things import a_snapshot, endpoints, partition, plan, service

PORTS: list[Object] = [{"name": "metrics", "port": 9121}, {"name": "redis", "port": 6379}]
NOT_PROBED: tuple[Probe, ...] = ()


def closing_of(there: NamespaceSnapshot, wanted: Plan) -> ClosingPlan | None:
    return closing_plan_of(there, cuts_of(wanted)[0][1])


def with_service(one: Object, *slices: Object) -> NamespaceSnapshot:
    there = a_snapshot()
    there.service, there.endpoints = one, slices or there.endpoints
    return there


def test_the_dependency_that_is_cut_lends_its_credentials_and_no_probe_is_needed() -> None:
    cut = partition(redis=redis_at(service=ServiceRef("redis"), password=SecretKey("redis", "password")))
    assert closing_of(a_snapshot(), plan(cut, probes=NOT_PROBED)) == ClosingPlan()
    assert check(a_snapshot(), plan(cut, probes=NOT_PROBED)) == ()


@pytest.mark.parametrize(
    ("redis", "closes"),
    [
        (redis_at(service=ServiceRef("redis")), True),
        (redis_at(service=ServiceRef("redis", port=6379)), True),
        (redis_at(service=ServiceRef("redis"), port=9121), True),
        (redis_at(service=ServiceRef("redis"), port=6380), False),
    ],
)
def test_the_port_that_redis_is_asked_at_must_be_cut(redis: Destination, closes: bool) -> None:
    there = with_service(service("redis", PORTS), endpoints("10.0.0.3", ports={"redis": 6379, "metrics": 9121}))
    wanted = plan(partition(redis=redis), probes=NOT_PROBED)
    assert (closing_of(there, wanted) is not None) is closes
    told = [one for one in warnings(there, wanted) if ".openConnections: " in one]
    assert [("Close connects to Redis at port 6380" in one, "its ports are: 9121, 6379" in one) for one in told] == (
        [] if closes else [(True, True)]
    )


def test_at_what_is_no_redis_no_connection_is_closed_and_the_drill_warns() -> None:
    wanted = plan(partition(ServiceRef("cache")), probes=NOT_PROBED)
    there = with_service(service("cache", [{"port": 6379}]))
    assert closing_of(there, wanted) is None
    (warning,) = warnings(there, wanted)
    assert warning.startswith("spec.outage.faults[partition].networkPartition.openConnections: ")
    assert "dependency redis is of type tcp" in warning
    assert "write it as redis with service and auth" in warning
    assert "on a network that does not end them itself the drill will be Inconclusive" in warning


DATABASE = HostTarget("203.0.113.7", (5432,))


@pytest.mark.parametrize(
    ("to", "protocol", "held"),
    [
        (DATABASE, Protocol.POSTGRES, False),
        (DATABASE, Protocol.TLS, False),
        (DATABASE, Protocol.NONE, False),
        (DATABASE, Protocol.HTTP, True),
        (CidrTarget(("203.0.113.7/32",), (4000,)), None, False),
        (ServiceRef("redis", port=9121), None, False),
        (ServiceRef("redis"), None, True),
        (ServiceRef("redis"), Protocol.NONE, False),
    ],
)
def test_where_nothing_could_show_that_connections_end_the_drill_warns_that_no_network_helps(
    to: Target, protocol: Protocol | None, held: bool
) -> None:
    there = with_service(service("redis", PORTS), endpoints("10.0.0.3", ports={"redis": 6379, "metrics": 9121}))
    cut = NetworkPartition(Selector({"app": "api"}), Dependency("it", to, protocol=protocol))
    (finding,) = (one for one in check(there, plan(cut, probes=NOT_PROBED)) if one.code == "CannotCloseConnections")
    assert finding.severity is Severity.WARN, "what it measures may be of use, as of a drill by hand without `seen`"
    on_some = "on a network that does not end them itself the drill will be Inconclusive (ConnectionsKept)"
    on_all = "witnesses hold none there, so on every network the drill will be Inconclusive (ConnectionsKept)"
    assert (on_some in finding.message, on_all in finding.message) == (held, not held)
    assert finding.remedy.endswith("set openConnections: Keep")
    kept = replace(cut, open_connections=OpenConnections.KEEP)
    assert "CannotCloseConnections" not in {one.code for one in check(there, plan(kept, probes=NOT_PROBED))}


def test_a_redis_that_is_asked_at_no_port_that_is_cut_is_not_held_either() -> None:
    there = with_service(service("redis", PORTS[:1]), endpoints("10.0.0.3", ports={"metrics": 9121}))
    (finding,) = (one for one in check(there, plan()) if one.code == "CannotCloseConnections")
    assert "on every network the drill will be Inconclusive" in finding.message


def test_closing_connections_needs_a_service() -> None:
    far, host = redis_at(host="203.0.113.7"), HostTarget("203.0.113.7", (6379,))
    wanted = plan(partition(host, redis=far))
    assert closing_of(a_snapshot(), wanted) is None
    (warning,) = warnings(a_snapshot(), wanted)
    assert "redis.host of dependency redis may lead to many servers" in warning
    assert "the drill will be Inconclusive" in warning
    assert warnings(a_snapshot(), plan(partition(host, redis=far, open_connections=OpenConnections.KEEP))) == ()


def test_each_server_that_is_ready_is_asked_where_there_are_several() -> None:
    unready = endpoints("10.0.0.5")
    unready["endpoints"][0]["conditions"] = {"ready": False}
    redis = service("redis", [{"port": 6379, "targetPort": 7000}])
    there = with_service(redis, endpoints("10.0.0.4", "10.0.0.3", ports={"": 7000}), unready)
    assert closing_of(there, plan()) == ClosingPlan((("10.0.0.3", 7000), ("10.0.0.4", 7000)))


def behind(address: str, pod: str) -> Object:
    one: Object = endpoints(address)
    one["endpoints"][0]["targetRef"] = {"kind": "Pod", "namespace": "shop", "name": pod}
    return one


@pytest.mark.parametrize(
    ("addresses", "asked"),
    [
        (["10.96.0.7", "fd00:96::7"], ("10.0.0.3", "10.0.0.4", "fd00:10::5")),
        (["fd00:96::7", "10.96.0.7"], ("10.0.0.4", "fd00:10::3", "fd00:10::5")),
        (["None"], ("10.0.0.3", "10.0.0.4", "fd00:10::5")),
    ],
    ids=["IPv4 first", "IPv6 first", "headless"],
)
def test_a_server_of_both_families_is_asked_once_at_its_address_of_the_services_first_family(
    addresses: list[str], asked: tuple[str, ...]
) -> None:
    redis = service("redis", [{"port": 6379}])
    redis["spec"]["clusterIPs"] = addresses
    slices = [behind("10.0.0.3", "redis-0"), behind("10.0.0.4", "redis-1")]
    slices += [behind("fd00:10::3", "redis-0"), behind("fd00:10::5", "redis-2")]
    assert closing_of(with_service(redis, *slices), plan()) == ClosingPlan(tuple((one, 6379) for one in asked))
    # One server is asked by the Service's name, however many addresses it has.
    assert closing_of(with_service(redis, *slices[::2]), plan()) == ClosingPlan()


def test_a_service_of_very_many_servers_gets_no_closing_plan_and_says_so() -> None:
    there = replace(a_snapshot(), endpoints=(endpoints(*(f"10.0.0.{n}" for n in range(1, MOST_SERVERS + 2))),))
    assert closing_of(there, plan()) is None
    assert f"Service redis has {MOST_SERVERS + 1} servers" in warnings(there, plan())[0]


def test_connections_that_are_to_be_kept_are_kept_without_a_word() -> None:
    kept = plan(partition(open_connections=OpenConnections.KEEP))
    assert closing_of(a_snapshot(), kept) is None
    assert check(a_snapshot(), kept) == ()
