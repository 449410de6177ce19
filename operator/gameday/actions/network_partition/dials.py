"""What witnesses and controls dial to prove a cut: every port that is cut, at every address that leads there.

A Redis that speaks TLS is spoken to as its dependency says, and so is one outside the cluster that wants a password:
such servers hang up on a stranger. Any other dial is an exchange of the port's protocol where that is known: by a redis
dependency of the same place, or because it is Redis' own port. Any other port is only connected to, but for those of
databases, which would suffer from that.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from gameday.actions.network_partition.action import NetworkPartition
from gameday.model.agent import SERVER, Dial
from gameday.model.places import REDIS, answering, harmed, redis_dependencies
from gameday.model.plan import HostTarget, Plan, ServiceRef, Target
from gameday.model.setup import CutPort
from gameday.preflight.cut_destination import (
    addresses_of,
    cut_destination,
    endpoint_addresses,
    path_of,
    ready_addresses,
    services_cut,
)
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.snapshot import NamespaceSnapshot

MOST_DIALS: Final = 8
"""Most addresses and ports that one witness dials."""

Place = tuple[str, int, CutPort]
"""An address, the port that is dialled there, and the cut port that this is."""
Known = Mapping[tuple[str, int], str]
"""Protocols by address and port, and, without an address, by the port of the pods behind the Service that is cut."""


def dials(snapshot: NamespaceSnapshot, plan: Plan, partition: NetworkPartition) -> tuple[Dial, ...]:
    """What each witness dials, and its control."""
    known = _known(snapshot, plan, partition)
    places = _places(snapshot, plan, partition)[:MOST_DIALS]
    return tuple(Dial(f"target:{one[0]}:{one[1]}", one[0], one[1], _protocol(known, one)) for one in places)


def check(snapshot: NamespaceSnapshot, plan: Plan, partition: NetworkPartition) -> Iterator[Finding]:
    """What keeps witnesses from dialling all that is cut."""
    ports = cut_destination(snapshot, partition.dependency).ports
    if not ports:
        return
    path = path_of(partition.dependency)
    known, places = _known(snapshot, plan, partition), _places(snapshot, plan, partition)
    tcp = [place[2] for place in places if _protocol(known, place) == "tcp"]
    bare = {number for port in tcp for number in (port.port, port.target)}
    for why in filter(None, map(harmed, sorted(bare))):
        yield Finding("CannotDial", path, f"this cut cannot be proven: {why}", "cut another port")
    yield from _other_protocols(path, ports)
    if isinstance(partition.to, ServiceRef) and not places and any(port.protocol == "TCP" for port in ports):
        text = "the Service has neither endpoints nor a cluster IP, so witnesses have no address to dial"
        yield Finding("NoEndpoints", path, text, "start the pods that the Service selects")
    if len(places) > MOST_DIALS:
        text = f"{len(places)} addresses and ports are cut, but witnesses dial only {MOST_DIALS} of them"
        yield Finding("NotAllDialled", path, text, "cut fewer ports to have every one proven", Severity.WARN)


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
        return _mixed(list(_of_service(snapshot, partition.to)))
    end = cut_destination(snapshot, partition.dependency)
    if isinstance(partition.to, HostTarget):
        return _mixed([([partition.to.host], [(port.port, port) for port in end.ports])])
    numbers = [port.port for port in end.ports]
    hosts = filter(None, (answering(plan, cidr, numbers) for cidr in end.cidrs))
    return _mixed([(list(hosts), [(port.port, port) for port in end.ports])])


Group = tuple[list[str], list[tuple[int, CutPort]]]
"""Addresses, and what is dialled at each."""


def _of_service(snapshot: NamespaceSnapshot, ref: ServiceRef) -> Iterator[Group]:
    """Each Service that leads to the cut dependency; the pods' addresses if the named Service has no address."""
    for service, ports in services_cut(snapshot, ref):
        tcp = [port for port in ports if port.protocol == "TCP"]
        if addresses := list(addresses_of(service)):
            yield addresses, [(port.port, port) for port in tcp]
        elif service is snapshot.service:
            behind = ready_addresses(snapshot.endpoints) or endpoint_addresses(snapshot.endpoints)
            yield list(behind), [(port.target, port) for port in tcp]


def _mixed(groups: list[Group]) -> tuple[Place, ...]:
    """Every address with each of its ports, in an order in which the first few hold every address and every port."""
    there = [(hosts, ports) for hosts, ports in groups if hosts and ports]
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
        if redis == mine and (redis.tls or (redis.host and redis.password is not None)):
            protocol = SERVER
        if redis.host:
            known[redis.host, redis.port] = protocol
        elif _same(redis.service, to, snapshot.namespace):
            known |= {("", port.target): protocol for port in own if port.port == redis.port}
    return known


def _same(said: ServiceRef | None, cut: Target, namespace: str) -> bool:
    if said is None or not isinstance(cut, ServiceRef):
        return False
    return said.within(namespace) == cut.within(namespace)


def _protocol(known: Known, place: Place) -> str:
    host, number, port = place
    guess = "redis" if REDIS in (port.port, port.target) else "tcp"
    return known.get((host, number)) or known.get(("", port.target)) or guess
