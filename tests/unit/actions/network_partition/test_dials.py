"""What is dialled to prove a cut: each port in its own protocol, at each address; and what cannot be dialled."""

from dataclasses import replace
from typing import Any

import pytest

from gameday.actions.network_partition.action import NetworkPartition, OpenConnections, cuts_of
from gameday.actions.network_partition.dials import MOST_DIALS, MOST_SERVERS, dials
from gameday.actions.preflight import check
from gameday.api.dependencies import Dependency as Yaml
from gameday.api.dependencies import dependency_of
from gameday.cluster.resources import Object
from gameday.model.agent import HANDSHAKE, HTTP, POSTGRES, SENTINEL, SERVER
from gameday.model.places import name_of, redis_at
from gameday.model.plan import (
    CidrTarget,
    Dependency,
    Destination,
    HostTarget,
    Plan,
    Protocol,
    SecretKey,
    Selector,
    Sentinel,
    ServiceRef,
    Target,
)
from gameday.preflight.findings import Severity
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.preflight.things import a_snapshot, endpoints, known, plan, service

Dialled = tuple[str, int, str]
EXPORTER: Object = {"name": "metrics", "port": 9121}
REDIS: Object = {"name": "redis", "port": 6379}
TLS = redis_at(service=ServiceRef("redis"), tls=True)


def seen(
    *ports: Object, slices: tuple[Object, ...] = (), others: tuple[Object, ...] = (), **spec: Any
) -> NamespaceSnapshot:
    """A namespace whose Service redis has these ports."""
    there = a_snapshot()
    there.service = service("redis", list(ports), spec.pop("ip", "10.96.0.7"), **spec)
    there.neighbours = there.things["services"] = (there.service, *others)
    named: dict[str, Any] = {port.get("name", ""): port.get("targetPort") or port["port"] for port in ports}
    there.endpoints = slices or (endpoints("10.0.0.3", ports=named),)
    return there


def kept(to: Target | None = None, *servers: Destination, protocol: Protocol | None = None) -> Plan:
    """A cut of something that does not say that it is a Redis, in a plan that has these Redis as well."""
    dependency = Dependency("it", to or ServiceRef("redis"), protocol=protocol)
    cut = NetworkPartition(Selector({"app": "api"}), dependency, OpenConnections.KEEP)
    others = tuple(known(f"redis-{n}", server) for n, server in enumerate(servers))
    return replace(plan(cut, probes=()), dependencies=(cut.dependency, *others))


def dialled(there: NamespaceSnapshot, wanted: Plan) -> list[Dialled]:
    return [(d.host, d.port, d.protocol) for d in dials(there, wanted, cuts_of(wanted)[0][1])]


def test_each_port_is_dialled_in_its_own_protocol_whichever_stands_first() -> None:
    there = seen(EXPORTER, REDIS)
    assert dialled(there, kept()) == [("10.96.0.7", 9121, "tcp"), ("10.96.0.7", 6379, "redis")]
    assert dialled(there, kept(ServiceRef("redis", port=9121))) == [("10.96.0.7", 9121, "tcp")]
    assert check(there, kept()) == ()


@pytest.mark.parametrize(
    ("server", "protocol"),
    [
        (redis_at(host="203.0.113.7"), "redis"),
        (redis_at(host="203.0.113.7", password=SecretKey("redis", "password")), SERVER),
        (redis_at(host="203.0.113.7", tls=True), SERVER),
        (redis_at(service=ServiceRef("redis")), "redis"),
        (redis_at(service=ServiceRef("redis"), password=SecretKey("redis", "password")), "redis"),
        (TLS, SERVER),
    ],
    ids=["outside", "outside with a password", "outside with TLS", "a Service", "with a password", "with TLS"],
)
def test_the_redis_that_is_cut_is_spoken_to_as_its_dependency_says(server: Destination, protocol: str) -> None:
    dependency = known("redis", server)
    cut = NetworkPartition(Selector({"app": "api"}), dependency, OpenConnections.KEEP)
    of_another = known("of-another", replace(server, tls=True, password=None))
    wanted = replace(plan(cut, probes=()), dependencies=(dependency, of_another))
    assert [found[2] for found in dialled(seen(REDIS, EXPORTER), wanted) if found[1] == 6379] == [protocol]


@pytest.mark.parametrize("to", [ServiceRef("redis"), ServiceRef("redis", "shop")], ids=["own", "said"])
@pytest.mark.parametrize("said", [ServiceRef("redis"), ServiceRef("redis", "shop")], ids=["own", "said"])
def test_a_redis_of_the_cut_service_says_the_protocol_however_its_namespace_is_written(
    to: ServiceRef, said: ServiceRef
) -> None:
    wanted = kept(to, redis_at(service=said, tls=True))
    assert dialled(seen(REDIS), wanted) == [("10.96.0.7", 6379, "tls")]


@pytest.mark.parametrize(
    ("redis", "port", "protocol"),
    [
        (redis_at(service=ServiceRef("redis", port=7000)), 7000, "redis"),
        (redis_at(service=ServiceRef("redis", port=7000), tls=True), 7000, "tls"),
        (redis_at(service=ServiceRef("redis", port=7001), tls=True), 7000, "tcp"),
        (redis_at(service=ServiceRef("another", port=7000), tls=True), 7000, "tcp"),
        (redis_at(service=ServiceRef("redis", "data", port=7000), tls=True), 7000, "tcp"),
        (redis_at(service=ServiceRef("another"), tls=True), 6379, "redis"),
    ],
)
def test_only_a_redis_of_that_very_service_and_port_says_the_protocol(
    redis: Destination, port: int, protocol: str
) -> None:
    assert dialled(seen({"port": port}), kept(None, redis)) == [("10.96.0.7", port, protocol)]


def test_a_port_that_leads_to_redis_own_is_redis() -> None:
    assert dialled(seen({"port": 7000, "targetPort": 6379}), kept()) == [("10.96.0.7", 7000, "redis")]


def test_every_address_of_the_service_and_of_others_to_the_same_pods_is_dialled_at_its_own_ports() -> None:
    main = {"app": "redis", "role": "main"}
    other = service("redis-main", [{"port": 7000, "targetPort": 6379}], "10.96.0.8", selector=main)
    there = seen(REDIS, others=(other,), externalIPs=["203.0.113.5"])
    assert dialled(there, kept(None, TLS)) == [
        ("10.96.0.7", 6379, "tls"),
        ("203.0.113.5", 6379, "tls"),
        ("10.96.0.8", 7000, "tls"),
    ]


def test_a_port_whose_name_means_another_number_in_each_pod_is_dialled_once() -> None:
    there = seen(REDIS)
    there.service = service("redis", [REDIS | {"targetPort": "redis"}])
    there.endpoints = tuple(endpoints(f"10.0.0.{n}", ports={"redis": 7000 + n}) for n in (3, 4))
    assert dialled(there, kept()) == [("10.96.0.7", 6379, "redis")]


def test_pods_behind_a_headless_service_are_dialled_where_they_listen_if_they_are_ready() -> None:
    unready = endpoints("10.0.0.5", ports={"redis": 7000})
    unready["endpoints"][0]["conditions"] = {"ready": False}
    port = REDIS | {"targetPort": 7000}
    there = seen(port, slices=(endpoints("10.0.0.3", "10.0.0.4", ports={"redis": 7000}), unready), ip="")
    assert dialled(there, kept()) == [("10.0.0.3", 7000, "redis"), ("10.0.0.4", 7000, "redis")]
    there.endpoints = (unready,)
    assert dialled(there, kept()) == [("10.0.0.5", 7000, "redis")], "one that is not ready may still be"
    there.endpoints = ()
    (finding,) = check(there, kept())
    assert (finding.code, finding.severity) == ("NoEndpoints", Severity.REFUSE)


@pytest.mark.parametrize(
    ("to", "servers", "expected"),
    [
        (
            CidrTarget(("203.0.113.7/32", "203.0.113.8/32"), (6379,)),
            (),
            [("203.0.113.7", 6379, "redis"), ("203.0.113.8", 6379, "redis")],
        ),
        (
            HostTarget("203.0.113.7", (6379, 9121)),
            (redis_at(host="203.0.113.7", tls=True),),
            [("203.0.113.7", 6379, "tls"), ("203.0.113.7", 9121, "tcp")],
        ),
        (
            CidrTarget(("203.0.113.0/24",), (6380,)),
            (redis_at(host="203.0.113.7", port=6380),),
            [("203.0.113.7", 6380, "redis")],
        ),
        (CidrTarget(("203.0.113.0/24",), (6380,)), (redis_at(host="203.0.113.7"),), []),
    ],
    ids=["addresses", "TLS by a redis of the host", "a range with a redis in it", "a redis of another port"],
)
def test_what_is_dialled_outside_the_cluster(
    to: Target, servers: tuple[Destination, ...], expected: list[Dialled]
) -> None:
    assert dialled(a_snapshot(), kept(to, *servers)) == expected


@pytest.mark.parametrize(
    ("spec", "ports", "expected"),
    [
        ({"cluster": {}}, (6379,), [(6379, SERVER)]),
        ({"sentinel": {"masterName": "m"}}, (6379, 26379), [(6379, SERVER), (26379, SENTINEL)]),
    ],
    ids=["Cluster", "Sentinel"],
)
@pytest.mark.parametrize("host", ["sessions.example.com", "203.0.113.7"])
def test_a_redis_whose_host_leads_to_its_servers_is_dialled_at_each_port_that_is_cut(
    host: str, spec: dict[str, Any], ports: tuple[int, ...], expected: list[tuple[int, str]]
) -> None:
    found = Yaml.model_validate({"name": "it", "redis": {"host": host} | spec})
    dependency = dependency_of(0, found)
    assert dependency.target == HostTarget(host, ports, servers=True)
    assert name_of(dependency.target) == host
    cut = NetworkPartition(Selector({"app": "api"}), dependency, OpenConnections.KEEP)
    wanted = replace(plan(cut, probes=()), dependencies=(dependency,))
    assert dialled(a_snapshot(), wanted) == [(host, port, protocol) for port, protocol in expected]
    assert check(a_snapshot(), wanted) == ()


def test_the_first_few_of_very_many_hold_every_address_and_every_port() -> None:
    addresses = [f"203.0.113.{n}/32" for n in range(4)]
    wanted = kept(CidrTarget(tuple(addresses), (6379, 6380, 6381)))
    found = dialled(a_snapshot(), wanted)
    assert len(found) == MOST_DIALS
    assert {host for host, _, _ in found} == {address.removesuffix("/32") for address in addresses}
    assert {port for _, port, _ in found} == {6379, 6380, 6381}
    (finding,) = check(a_snapshot(), wanted)
    assert (finding.code, finding.severity) == ("NotAllDialled", Severity.WARN)
    assert f"12 addresses and ports are cut, but witnesses dial only {MOST_DIALS} of them" in finding.message


def test_the_first_few_of_very_many_hold_both_families() -> None:
    there = seen(REDIS, ip="")
    there.endpoints = (endpoints(*(f"10.0.0.{n}" for n in range(1, 13)), *(f"fd00:10::{n}" for n in range(1, 13))),)
    asked = [host for host, _, _ in dialled(there, kept())]
    assert len(asked) == MOST_DIALS
    assert sum(":" in host for host in asked) == MOST_DIALS / 2


def test_a_service_of_both_families_is_dialled_in_both_and_named_as_people_write_it() -> None:
    there = seen(REDIS)
    assert there.service is not None
    there.service["spec"]["clusterIPs"] = ["10.96.0.7", "fd00:96::7"]
    found = dials(there, kept(), cuts_of(kept())[0][1])
    assert [(one.name, one.host) for one in found] == [
        ("target:10.96.0.7:6379", "10.96.0.7"),
        ("target:[fd00:96::7]:6379", "fd00:96::7"),
    ]


@pytest.mark.parametrize("written", ["2001:db8::7", "2001:DB8:0:0::7"])
def test_a_redis_is_the_same_however_its_address_is_written(written: str) -> None:
    server = redis_at(host=written, port=7000)
    for cut in (HostTarget("2001:db8::7", (7000,)), CidrTarget(("2001:db8::7/128",), (7000,))):
        assert dialled(seen(REDIS), kept(cut, server)) == [("2001:db8::7", 7000, "redis")]


@pytest.mark.parametrize(("port", "whose"), [(3306, "MySQL"), (5432, "PostgreSQL")])
def test_a_database_is_never_connected_to_without_its_protocol(port: int, whose: str) -> None:
    for there in (seen(REDIS, {"name": "db", "port": port}), seen({"name": "db", "port": 80, "targetPort": port})):
        (finding,) = check(there, kept())
        assert (finding.code, finding.severity) == ("CannotDial", Severity.REFUSE)
        assert f"the protocol is missing: {port} is the port of {whose}" in finding.message
    assert check(seen(REDIS, {"name": "db", "port": port}), kept(ServiceRef("redis", port=6379))) == ()
    redis = redis_at(service=ServiceRef("redis", port=port))
    assert check(seen({"name": "odd", "port": port}), kept(None, redis)) == (), "a Redis speaks there"


@pytest.mark.parametrize(
    ("protocol", "how"),
    [(Protocol.NONE, "tcp"), (Protocol.TLS, HANDSHAKE), (Protocol.HTTP, HTTP), (Protocol.POSTGRES, POSTGRES)],
)
def test_a_port_is_dialled_in_the_protocol_that_its_dependency_says(protocol: Protocol, how: str) -> None:
    there = seen({"port": 5433, "targetPort": 6379})
    assert dialled(there, kept(protocol=protocol)) == [("10.96.0.7", 5433, how)]
    assert dialled(a_snapshot(), kept(HostTarget("db.example.com", (443,)), protocol=protocol)) == [
        ("db.example.com", 443, how)
    ]


@pytest.mark.parametrize(
    ("to", "name"),
    [
        (ServiceRef("redis", "data"), "redis.data.svc"),
        (ServiceRef("redis"), "redis.shop.svc"),
        (HostTarget("db.example.com", (443,)), "db.example.com"),
        (HostTarget("203.0.113.7", (443,)), ""),
        (CidrTarget(("203.0.113.7/32",), (443,)), ""),
    ],
    ids=str,
)
def test_a_server_is_called_by_its_name_where_it_is_dialled_by_address(to: Target, name: str) -> None:
    wanted = kept(to, protocol=Protocol.TLS)
    (found,) = dials(seen({"port": 443}), wanted, cuts_of(wanted)[0][1])
    assert found.server_name == name


def test_a_protocol_is_that_of_one_port_of_a_service() -> None:
    there = seen({"name": "metrics", "port": 9187}, {"name": "db", "port": 5432})
    (finding,) = check(there, kept(protocol=Protocol.POSTGRES))
    assert (finding.code, finding.severity) == ("SeveralPorts", Severity.REFUSE)
    assert finding.path == "spec.dependencies[it].tcp.service.port"
    assert "has the ports 5432, 9187" in finding.message
    assert check(there, kept(ServiceRef("redis", port=5432), protocol=Protocol.POSTGRES)) == ()


PODS = (endpoints("10.0.0.3", "10.0.0.4", ports={"redis": 7000, "sentinel": 26379}),)
CLUSTER = redis_at(service=ServiceRef("redis"), cluster=True)
WATCHED = redis_at(service=ServiceRef("redis"), sentinel=Sentinel("mymaster"))


def cutting(server: Destination) -> Plan:
    """A cut of a Redis of several servers."""
    dependency = known("redis", server)
    cut = NetworkPartition(Selector({"app": "api"}), dependency, OpenConnections.KEEP)
    return replace(plan(cut, probes=()), dependencies=(dependency,))


@pytest.mark.parametrize("ip", ["10.96.0.7", ""], ids=["behind an address", "headless"])
def test_each_node_of_a_cluster_is_dialled_and_asked(ip: str) -> None:
    there = seen(REDIS | {"targetPort": 7000}, slices=PODS, ip=ip)
    by_service = [("10.96.0.7", 6379, SERVER)] if ip else []
    assert dialled(there, cutting(CLUSTER)) == [
        *by_service,
        ("10.0.0.3", 7000, SERVER),
        ("10.0.0.4", 7000, SERVER),
    ]
    assert check(there, cutting(CLUSTER)) == ()


def test_each_server_and_each_sentinel_is_dialled_in_its_own_way() -> None:
    there = seen(REDIS | {"targetPort": 7000}, {"name": "sentinel", "port": 26379}, slices=PODS, ip="")
    assert set(dialled(there, cutting(WATCHED))) == {
        (host, *way) for host in ("10.0.0.3", "10.0.0.4") for way in ((7000, SERVER), (26379, SENTINEL))
    }
    assert check(there, cutting(WATCHED)) == ()


def test_a_service_that_does_not_lead_to_the_sentinels_is_refused() -> None:
    (finding,) = check(seen(REDIS, slices=PODS, ip=""), cutting(WATCHED))
    assert (finding.code, finding.severity) == ("NoPort", Severity.REFUSE)
    assert "the Service has no port 26379" in finding.message


def test_a_redis_of_more_servers_than_can_be_dialled_is_refused() -> None:
    many = (endpoints(*(f"10.0.0.{n}" for n in range(1, MOST_SERVERS + 2)), ports={"redis": 6379}),)
    (finding,) = (
        one for one in check(seen(REDIS, slices=many, ip=""), cutting(CLUSTER)) if one.code == "NotAllDialled"
    )
    assert finding.severity is Severity.REFUSE
    (single,) = (one for one in check(seen(REDIS, slices=many, ip=""), kept()) if one.code == "NotAllDialled")
    assert single.severity is Severity.WARN


@pytest.mark.parametrize(
    ("port", "remedy"), [(3306, "raise max_connect_errors at the server"), (5432, "write protocol: postgres")]
)
def test_bare_connects_to_a_database_are_warned_of(port: int, remedy: str) -> None:
    (finding,) = check(seen({"port": port}), kept(protocol=Protocol.NONE))
    assert (finding.code, finding.severity) == ("BareConnects", Severity.WARN)
    assert remedy in finding.remedy
    assert check(seen({"port": port}), kept(protocol=Protocol.POSTGRES)) == ()


def test_only_tcp_can_be_proven() -> None:
    dns: Object = {"name": "dns", "port": 53, "protocol": "UDP"}
    (refused,) = check(seen(REDIS, dns), kept(ServiceRef("redis", port=53)))
    assert (refused.code, refused.severity) == ("NotTcp", Severity.REFUSE)
    assert refused.path == "spec.dependencies[it].tcp.service.port"
    (warned,) = check(seen(REDIS, dns), kept())
    assert (warned.code, warned.severity) == ("NotAllDialled", Severity.WARN)
    assert "53/UDP" in warned.message
    assert dialled(seen(REDIS, dns), kept()) == [("10.96.0.7", 6379, "redis")]
