"""Checks of a plan's dependencies that no schema can express: invalid hosts, destinations that cannot be cut.

Everything that is refused here would fail in a drill. An unused dependency is not a finding.
"""

import ipaddress
from collections.abc import Iterator
from typing import Final

from gameday.model.finding import Finding
from gameday.model.hosts import address_of, canonical, check_host, is_of_cluster
from gameday.model.places import answering, harmed, redis_dependencies, remedy_for
from gameday.model.plan import CidrTarget, Dependency, HostTarget, Plan, ServiceRef

MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
"""Where IPv6 writes down IPv4 addresses: no packet has one of these."""


def check_dependencies(plan: Plan) -> Iterator[Finding]:
    """Everything that is wrong with the dependencies of a plan."""
    cut = {away.name for fault in plan.outage.faults if (away := fault.action.takes_away) is not None}
    for index, dependency in enumerate(plan.dependencies):
        path = f"spec.dependencies[{index}]"
        hosts = tuple(_host(f"{path}.{dependency.path}", dependency))
        yield from hosts
        if dependency.name in cut and not hosts:
            yield from _destination(f"{path}.{dependency.kind}", dependency, plan)


def _host(path: str, dependency: Dependency) -> Iterator[Finding]:
    if isinstance(dependency.target, HostTarget):
        yield from check_host(path, dependency.target.host)


def _destination(path: str, dependency: Dependency, plan: Plan) -> Iterator[Finding]:
    match dependency.target:
        case ServiceRef() as ref:
            if dependency.protocol is None:
                yield from _service(f"{path}.service", ref, plan)
        case HostTarget(host, ports, cidrs):
            yield from _host_target(f"{path}.host", host)
            yield from _ranges(f"{path}.cidrs", host, cidrs)
            if dependency.redis is None and dependency.protocol is None:
                yield from _ports(f"{path}.ports", (host,), ports, plan)
        case CidrTarget(cidrs, ports):
            yield from _cidrs(f"{path}.cidrs", cidrs, ports, plan)
            if dependency.protocol is None:
                yield from _ports(f"{path}.ports", tuple(cidr.partition("/")[0] for cidr in cidrs), ports, plan)


def _service(path: str, ref: ServiceRef, plan: Plan) -> Iterator[Finding]:
    spoken = {r.port for r in redis_dependencies(plan) if r.service is not None and r.service.name == ref.name}
    if isinstance(ref.port, int) and ref.port not in spoken and (why := harmed(ref.port)):
        yield Finding(f"{path}.port", f"the protocol is missing: {why}; {remedy_for(ref.port)}")


def _host_target(path: str, host: str) -> Iterator[Finding]:
    if (address := address_of(host)) is not None:
        yield from _anothers(path, ipaddress.ip_network(address))
    elif is_of_cluster(host):
        yield Finding(path, f"{host} is a name of the cluster's own, whose addresses are pods: write it as service")


def _ranges(path: str, host: str, cidrs: tuple[str, ...]) -> Iterator[Finding]:
    """The ranges beside a host; an address must lie in one of them."""
    found: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    for index, cidr in enumerate(cidrs):
        try:
            found.append(ipaddress.ip_network(cidr))
        except ValueError as error:
            yield Finding(
                f"{path}[{index}]", f"{error}: write an address range such as 203.0.113.7/32 or 2001:db8::7/128"
            )
        else:
            yield from _anothers(f"{path}[{index}]", found[-1])
    address = address_of(host)
    if found and address is not None and not any(address in network for network in found):
        yield Finding(path, f"{host} is in none of these ranges: add its own, or take cidrs out")


def _cidrs(path: str, cidrs: tuple[str, ...], ports: tuple[int, ...], plan: Plan) -> Iterator[Finding]:
    for index, cidr in enumerate(cidrs):
        where = f"{path}[{index}]"
        try:
            network = ipaddress.ip_network(cidr)
        except ValueError as error:
            yield Finding(where, f"{error}: write an address range such as 203.0.113.7/32 or 2001:db8::7/128")
            continue
        wrong = tuple(_anothers(where, network))
        yield from wrong
        if not wrong and not answering(plan, cidr, ports):
            yield Finding(
                where,
                f"no address in {cidr} is known to answer, so its cut could not be proven: name single "
                "addresses such as 203.0.113.7/32, or add a redis dependency whose host is one of "
                "these addresses and whose port is cut",
            )


def _anothers(path: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Iterator[Finding]:
    six = isinstance(network, ipaddress.IPv6Network)
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(MAPPED):
        four = ipaddress.IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
        write = four.network_address if path.endswith(".host") else four
        yield Finding(path, f"{network} is how IPv6 writes IPv4, and no packet has such an address: write {write}")
    elif network.is_loopback or network.is_multicast or network.is_unspecified or (six and network.is_link_local):
        yield Finding(
            path,
            f"{network} is not an address of another machine, so no policy can cut it: give the dependency's addresses",
        )


def _ports(path: str, hosts: tuple[str, ...], ports: tuple[int, ...], plan: Plan) -> Iterator[Finding]:
    known = set(map(canonical, hosts))
    spoken = {redis.port for redis in redis_dependencies(plan) if canonical(redis.host) in known}
    for index, port in enumerate(ports):
        if port not in spoken and (why := harmed(port)):
            yield Finding(f"{path}[{index}]", f"the protocol is missing: {why}; {remedy_for(port)}")
