"""What witnesses and controls dial to prove a cut: every port that is cut, at every address that leads there.

A Redis that speaks TLS is spoken to as its dependency says, and so is one outside the cluster that wants a password:
such servers hang up on a stranger. Any other dial is an exchange of the port's protocol where that is known: a tcp
dependency says it, a redis dependency is of the same place, or it is Redis' own port. Any other port is only connected
to, but for those of databases, which would suffer from that: there the plan must say so.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from gameday.actions.network_partition.action import NetworkPartition
from gameday.model.agent import HANDSHAKE, HTTP, POSTGRES, SENTINEL, SERVER, Dial
from gameday.model.hosts import by_turns, canonical, host_port
from gameday.model.places import DATABASES, REDIS, answering, harmed, name_of, redis_dependencies, remedy_for
from gameday.model.plan import Dependency, HostTarget, Plan, Protocol, ServiceRef, Target
from gameday.model.setup import CutPort
from gameday.preflight.cut_destination import (
    addresses_of,
    cut_destination,
    endpoint_addresses,
    path_of,
    ready_addresses,
    selects_pods,
    services_cut,
)
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.snapshot import NamespaceSnapshot

MOST_DIALS: Final = 8
"""Most addresses and ports that one witness dials."""
MOST_SERVERS: Final = 32
"""Most of them where each server of a Redis has to be dialled: 16 pods with two ports."""

SPOKEN: Final[Mapping[Protocol, str]] = {
    Protocol.NONE: "tcp",
    Protocol.TLS: HANDSHAKE,
    Protocol.HTTP: HTTP,
    Protocol.POSTGRES: POSTGRES,
}
"""How a port is dialled whose protocol a tcp dependency says."""

Place = tuple[str, int, CutPort]
"""An address, the port that is dialled there, and the cut port that this is."""
Known = Mapping[tuple[str, int], str]
"""Protocols by address and port, and, without an address, by the port of the pods behind the Service that is cut."""


def dials(snapshot: NamespaceSnapshot, plan: Plan, partition: NetworkPartition) -> tuple[Dial, ...]:
    """What each witness dials, and its control."""
    known, said = _known(snapshot, plan, partition), partition.dependency.protocol
    places = _places(snapshot, plan, partition)[: _most(partition)]
    name = _server_name(partition.dependency, snapshot.namespace)
    return tuple(
        Dial(f"target:{host_port(one[0], one[1])}", one[0], one[1], _protocol(said, known, one), name) for one in places
    )


def check(snapshot: NamespaceSnapshot, plan: Plan, partition: NetworkPartition) -> Iterator[Finding]:
    """What keeps witnesses from dialling all that is cut."""
    ports = cut_destination(snapshot, partition.dependency).ports
    without_pods = snapshot.service is not None and not selects_pods(snapshot.service)
    if not ports or (isinstance(partition.to, ServiceRef) and without_pods):
        return
    path = path_of(partition.dependency)
    said, places = partition.dependency.protocol, _places(snapshot, plan, partition)
    yield from _databases(path, said, _bare(snapshot, plan, partition))
    yield from _several(path, said, partition.to, ports)
    yield from _other_protocols(path, ports)
    if isinstance(partition.to, ServiceRef) and not places and any(port.protocol == "TCP" for port in ports):
        text = "the Service has neither endpoints nor a cluster IP, so witnesses have no address to dial"
        yield Finding("NoEndpoints", path, text, "start the pods that the Service selects")
    yield from _sentinels(path, partition, ports)
    if len(places) > _most(partition):
        text = f"{len(places)} addresses and ports are cut, but witnesses dial only {_most(partition)} of them"
        redis = partition.dependency.redis
        severity = Severity.REFUSE if redis is not None and redis.has_peers else Severity.WARN
        yield Finding("NotAllDialled", path, text, "cut fewer ports to have every one proven", severity)


def _most(partition: NetworkPartition) -> int:
    redis = partition.dependency.redis
    return MOST_SERVERS if redis is not None and redis.has_peers else MOST_DIALS


def _sentinels(path: str, partition: NetworkPartition, ports: Iterable[CutPort]) -> Iterator[Finding]:
    """A Redis that Sentinels watch is cut at both: its Service must lead to both."""
    redis = partition.dependency.redis
    if redis is None or redis.sentinel is None:
        return
    there = {port.port for port in ports if port.protocol == "TCP"}
    if missing := {redis.port, redis.sentinel.port} - there:
        text = f"the Service has no port {' and no port '.join(map(str, sorted(missing)))}"
        remedy = "name a Service that selects every server and Sentinel, or correct redis.port and sentinel.port"
        yield Finding("NoPort", path, text, remedy)


def _bare(snapshot: NamespaceSnapshot, plan: Plan, partition: NetworkPartition) -> Iterator[int]:
    """The ports that are only connected to, by all numbers that they have."""
    known, said = _known(snapshot, plan, partition), partition.dependency.protocol
    places = (place for place in _places(snapshot, plan, partition) if _protocol(said, known, place) == "tcp")
    yield from sorted({number for _, _, port in places for number in (port.port, port.target)})


def _databases(path: str, said: Protocol | None, bare: Iterable[int]) -> Iterator[Finding]:
    for port in bare:
        if why := harmed(port):
            if said is None:
                yield Finding("CannotDial", path, f"the protocol is missing: {why}", remedy_for(port))
            else:
                yield Finding("BareConnects", path, f"protocol is none, but {why}", _HARMLESS[port], Severity.WARN)


_HARMLESS: Final[Mapping[int, str]] = {
    port: "raise max_connect_errors at the server, or set skip_name_resolve there, before the drill"
    if whose == "MySQL"
    else "write protocol: postgres"
    for port, whose in DATABASES.items()
}
"""What keeps such connections from doing harm."""


def _several(path: str, said: Protocol | None, to: Target, ports: Iterable[CutPort]) -> Iterator[Finding]:
    """A protocol is that of one port of a Service; an exporter beside it speaks another."""
    numbers = sorted({port.port for port in ports if port.protocol == "TCP"})
    if said not in {None, Protocol.NONE} and isinstance(to, ServiceRef) and to.port is None and len(numbers) > 1:
        listed = ", ".join(map(str, numbers))
        text = f"Service {to.name} has the ports {listed}, and protocol says what a single one speaks"
        yield Finding("SeveralPorts", f"{path}.port", text, "name the port that is to be cut")


def _server_name(dependency: Dependency, namespace: str) -> str:
    """What the server is called in its own protocol, where it is dialled by an address."""
    if dependency.protocol in {None, Protocol.NONE}:
        return ""
    if isinstance(dependency.target, ServiceRef):
        where, name = dependency.target.within(namespace)
        return f"{name}.{where}.svc"
    return name_of(dependency.target)


def _other_protocols(path: str, ports: Iterable[CutPort]) -> Iterator[Finding]:
    others = sorted({f"{port.port}/{port.protocol}" for port in ports if port.protocol != "TCP"})
    if others and all(port.protocol != "TCP" for port in ports):
        text = f"witnesses dial TCP only, so a cut of {', '.join(others)} cannot be proven"
        yield Finding("NotTcp", f"{path}.port", text, "cut a TCP port")
    elif others:
        text = f"{', '.join(others)} is cut as well, but witnesses dial TCP only, so this part of the cut is not proven"
        yield Finding("NotAllDialled", path, text, "name only the TCP port in port", Severity.WARN)


def _places(snapshot: NamespaceSnapshot, plan: Plan, partition: NetworkPartition) -> tuple[Place, ...]:
    if isinstance(partition.to, ServiceRef):
        redis = partition.dependency.redis
        each = redis is not None and redis.has_peers
        return _mixed(list(_of_service(snapshot, partition.to, each=each)))
    end = cut_destination(snapshot, partition.dependency)
    if isinstance(partition.to, HostTarget):
        return _mixed([([canonical(partition.to.host)], [(port.port, port) for port in end.ports])])
    numbers = [port.port for port in end.ports]
    hosts = filter(None, (answering(plan, cidr, numbers) for cidr in end.cidrs))
    return _mixed([(list(hosts), [(port.port, port) for port in end.ports])])


Group = tuple[list[str], list[tuple[int, CutPort]]]
"""Addresses, and what is dialled at each."""


def _of_service(snapshot: NamespaceSnapshot, ref: ServiceRef, *, each: bool) -> Iterator[Group]:
    """Each Service that leads to the cut dependency; the pods' addresses if the named Service has no address.

    ``each`` asks for them in any case, since clients reach every server by its own.
    """
    for service, ports in services_cut(snapshot, ref):
        tcp = [port for port in ports if port.protocol == "TCP"]
        addresses = list(addresses_of(service))
        if addresses:
            yield addresses, [(port.port, port) for port in tcp]
        if service is snapshot.service and (each or not addresses):
            behind = ready_addresses(snapshot.endpoints) or endpoint_addresses(snapshot.endpoints)
            yield list(behind), [(port.target, port) for port in tcp]


def _mixed(groups: list[Group]) -> tuple[Place, ...]:
    """Every address with each of its ports; the first few hold every address, both families and every port."""
    there = [(by_turns(hosts), ports) for hosts, ports in groups if hosts and ports]
    places: list[Place] = [
        (hosts[turn % len(hosts)], *ports[turn % len(ports)])
        for hosts, ports in there
        for turn in range(max(len(hosts), len(ports)))
    ]
    places += [(host, *port) for hosts, ports in there for host in hosts for port in ports]
    # A named port may mean another number in each pod: one dial all the same.
    first: dict[tuple[str, int], Place] = {}
    for place in places:
        first.setdefault(place[:2], place)
    return tuple(first.values())


def _known(snapshot: NamespaceSnapshot, plan: Plan, partition: NetworkPartition) -> Known:
    """What redis dependencies say of protocols; where they differ the plain one counts: its dial notices TLS."""
    to = partition.to
    own = next((ports for _, ports in services_cut(snapshot, to)), ()) if isinstance(to, ServiceRef) else ()
    known: dict[tuple[str, int], str] = {}
    mine = partition.dependency.redis
    # What is said of another dependency comes first: of the same place the one that is cut counts.
    others = sorted((one for one in redis_dependencies(plan) if one != mine), key=lambda redis: not redis.tls)
    for redis in (*others, *((mine,) if mine is not None else ())):
        protocol = "tls" if redis.tls else "redis"
        if redis == mine and (redis.tls or redis.has_peers or (redis.host and redis.password is not None)):
            protocol = SERVER
        if redis.host:
            known[canonical(redis.host), redis.port] = protocol
            if redis == mine and redis.sentinel is not None:
                known[canonical(redis.host), redis.sentinel.port] = SENTINEL
        elif _same(redis.service, to, snapshot.namespace):
            known |= {("", port.target): protocol for port in own if port.port == redis.port}
            if redis == mine and redis.sentinel is not None:
                known |= {("", port.target): SENTINEL for port in own if port.port == redis.sentinel.port}
    return known


def _same(said: ServiceRef | None, cut: Target, namespace: str) -> bool:
    if said is None or not isinstance(cut, ServiceRef):
        return False
    return said.within(namespace) == cut.within(namespace)


def _protocol(said: Protocol | None, known: Known, place: Place) -> str:
    if said is not None:
        return SPOKEN[said]
    host, number, port = place
    guess = "redis" if REDIS in (port.port, port.target) else "tcp"
    return known.get((host, number)) or known.get(("", port.target)) or guess
