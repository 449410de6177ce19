"""What a plan says of its cuts that no schema can check: targets that no label selects, far ends that cannot be cut.

What is refused here could only fail in a drill.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Final

from gameday.model.finding import Finding
from gameday.model.hosts import address_of, check_host
from gameday.model.labels import AGENT, DRILL, NEVER_WORN, ROLE
from gameday.model.places import answering, harmed, redis_probes
from gameday.model.plan import (
    Bystander,
    CidrTarget,
    HostTarget,
    NetworkPartition,
    Plan,
    Selector,
    ServiceRef,
)

_WORD: Final = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_VALUE: Final = re.compile(rf"({_WORD})?")
_KEY: Final = re.compile(rf"([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_WORD}")
"""Labels as Kubernetes has them (apimachinery, validation.IsQualifiedName and IsValidLabelValue)."""
IPV4: Final = 4
_WITH_VALUES: Final = {"In", "NotIn"}


def check_cuts(plan: Plan) -> Iterator[Finding]:
    """Everything that is wrong with the cuts of a plan."""
    for index, fault in enumerate(plan.outage.faults):
        path, partition = f"spec.outage.faults[{index}].networkPartition", fault.partition
        yield from _selector(f"{path}.podSelector", partition.pod_selector)
        match partition.to:
            case ServiceRef() as ref:
                yield from _service(f"{path}.to.service", ref, plan)
            case HostTarget(host, ports):
                yield from _host_target(f"{path}.to.host", host)
                yield from _ports(f"{path}.to.ports", (host,), ports, plan)
            case CidrTarget(cidrs, ports):
                yield from _cidrs(f"{path}.to.cidrs", cidrs, ports, plan)
                hosts = tuple(cidr.partition("/")[0] for cidr in cidrs)
                yield from _ports(f"{path}.to.ports", hosts, ports, plan)
        for number, stay in enumerate(partition.must_remain_reachable):
            yield from _stay(f"{path}.mustRemainReachable[{number}]", stay, partition)


def _selector(path: str, selector: Selector) -> Iterator[Finding]:
    yield from _key(f"{path}.matchLabels", selector.match_labels)
    for key, value in selector.match_labels.items():
        yield from _value(f"{path}.matchLabels", key, value)
    for index, (key, operator, values) in enumerate(selector.expressions):
        where = f"{path}.matchExpressions[{index}]"
        yield from _key(f"{where}.key", (key,))
        if operator in _WITH_VALUES and not values:
            yield Finding(f"{where}.values", f"{operator} needs values: name at least one")
        elif operator not in _WITH_VALUES and values:
            yield Finding(f"{where}.values", f"{operator} takes no values: remove them, or use In or NotIn")
        for value in values:
            yield from _value(f"{where}.values", key, value)


def _key(path: str, keys: Iterable[str]) -> Iterator[Finding]:
    for key in keys:
        if not _KEY.fullmatch(key):
            yield Finding(path, f"{key[:64]!r} is not a label's key: write it as the pods' labels have it")
        elif key in NEVER_WORN | {DRILL, ROLE, AGENT}:
            text = f"{key} belongs to a controller or to our own pods, and no witness may wear it"
            yield Finding(path, f"{text}: select the targets by labels of your own")


def _value(path: str, key: str, value: str) -> Iterator[Finding]:
    if not _VALUE.fullmatch(value):
        yield Finding(path, f"{value[:64]!r} is not a value that label {key[:64]} can have: correct it")


def _service(path: str, ref: ServiceRef, plan: Plan) -> Iterator[Finding]:
    redis = [to for _, to in redis_probes(plan)]
    spoken = {to.port for to in redis if to.service is not None and to.service.name == ref.name}
    if isinstance(ref.port, int) and ref.port not in spoken and (why := harmed(ref.port)):
        yield Finding(f"{path}.port", f"this cut cannot be proven: {why}; cut another port")


def _host_target(path: str, host: str) -> Iterator[Finding]:
    found = tuple(check_host(path, host))
    yield from found
    if (address := address_of(host)) is not None:
        yield from _cuttable(path, ipaddress.ip_network(address))
    elif not found:
        yield Finding(path, f"{host} is a name, and only addresses can be cut for now: give its addresses by to.cidrs")


def _cidrs(path: str, cidrs: tuple[str, ...], ports: tuple[int, ...], plan: Plan) -> Iterator[Finding]:
    for index, cidr in enumerate(cidrs):
        where = f"{path}[{index}]"
        try:
            network = ipaddress.ip_network(cidr)
        except ValueError as error:
            yield Finding(where, f"{error}: write an address range such as 203.0.113.7/32")
            continue
        wrong = tuple(_cuttable(where, network))
        yield from wrong
        if not wrong and not answering(plan, cidr, ports):
            yield Finding(
                where,
                f"no address in {cidr} is known to answer, so its cut could not be proven: name single addresses such "
                "as 203.0.113.7/32, or add a redis probe whose host is an address in it and whose port is cut",
            )


def _cuttable(path: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Iterator[Finding]:
    if network.version != IPV4:
        yield Finding(path, f"{network} is IPv6, and only IPv4 can be cut for now: give IPv4 addresses")
    elif network.is_loopback or network.is_multicast or network.is_unspecified:
        yield Finding(path, f"{network} is no other machine's, so no policy can cut it: give the far end's addresses")


def _ports(path: str, hosts: tuple[str, ...], ports: tuple[int, ...], plan: Plan) -> Iterator[Finding]:
    spoken = {redis.port for _, redis in redis_probes(plan) if redis.host in hosts}
    for index, port in enumerate(ports):
        if port not in spoken and (why := harmed(port)):
            yield Finding(f"{path}[{index}]", f"this cut cannot be proven: {why}; cut another port")


def _stay(path: str, stay: Bystander, partition: NetworkPartition) -> Iterator[Finding]:
    port = stay.port if stay.service is None else stay.service.port
    where = path if stay.service is None else f"{path}.service"
    if stay.host is not None:
        yield from check_host(f"{path}.host", stay.host)
        if _is_cut(stay.host, stay.port, partition):
            text = f"{stay.host}:{stay.port} is cut by this very fault, so the drill would be undone at once"
            yield Finding(f"{path}.host", f"{text}: remove it, or cut less")
    if stay.service is not None and not isinstance(port, int):
        yield Finding(f"{where}.port", "witnesses dial a bystander by its number: give the Service's port")
    elif isinstance(port, int) and (why := harmed(port)):
        yield Finding(f"{where}.port", f"{why}: name another bystander")


def _is_cut(host: str, port: int | None, partition: NetworkPartition) -> bool:
    address = address_of(host)
    match partition.to:
        case CidrTarget(cidrs, ports) if address is not None and port in ports:
            return any(address in network for network in _networks(cidrs))
        case HostTarget(cut, ports):
            return port in ports and cut == host
        case _:
            return False


def _networks(cidrs: tuple[str, ...]) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    for cidr in cidrs:
        try:
            yield ipaddress.ip_network(cidr)
        except ValueError:
            # It is a finding of its own.
            continue
