"""Checks of a cut that no schema can express: targets that no label selects, bystanders that are cut.

Everything that is refused here would fail in a drill.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Final

from gameday.actions.network_partition.action import NetworkPartition
from gameday.model.finding import Finding
from gameday.model.hosts import address_of, canonical, check_host, host_port, unmapped
from gameday.model.labels import AGENT, DRILL, LABEL_KEY, LABEL_VALUE, RESERVED_LABELS, ROLE
from gameday.model.places import harmed
from gameday.model.plan import Bystander, CidrTarget, HostTarget, Selector

_WITH_VALUES: Final = {"In", "NotIn"}


DNS: Final = "dns"
"""The bystander that every drill watches."""


def check(partition: NetworkPartition) -> Iterator[Finding]:
    """Everything that is wrong with a cut; paths are below ``networkPartition``."""
    yield from _selector("podSelector", partition.pod_selector)
    for number, stay in enumerate(partition.must_remain_reachable):
        yield from _stay(f"mustRemainReachable[{number}]", stay, partition)
    yield from _names(partition)


def _names(partition: NetworkPartition) -> Iterator[Finding]:
    """Bystanders with the same name in findings."""
    seen: dict[str, str] = {}
    for number, stay in enumerate(partition.must_remain_reachable):
        path = f"mustRemainReachable[{number}].name"
        if stay.name in seen:
            text = f"the name {stay.name!r} is already used at {seen[stay.name]}: choose another name"
            yield Finding(path, text)
        seen.setdefault(stay.name, path)
        if stay.name == DNS:
            yield Finding(
                path, "this name is reserved for the cluster's DNS, which every drill watches: choose another name"
            )


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
        if not LABEL_KEY.fullmatch(key):
            yield Finding(path, f"{key[:64]!r} is not a valid label key: write it as it stands in the pods' labels")
        elif key in RESERVED_LABELS | {DRILL, ROLE, AGENT}:
            text = f"{key} is set by a controller or by drills, so witnesses cannot have it"
            yield Finding(path, f"{text}: select the targets by your own labels")


def _value(path: str, key: str, value: str) -> Iterator[Finding]:
    if not LABEL_VALUE.fullmatch(value):
        yield Finding(path, f"{value[:64]!r} is not a valid value of label {key[:64]}: correct it")


def _stay(path: str, stay: Bystander, partition: NetworkPartition) -> Iterator[Finding]:
    port = stay.port if stay.service is None else stay.service.port
    where = path if stay.service is None else f"{path}.service"
    if stay.host is not None:
        yield from check_host(f"{path}.host", stay.host)
        if _is_cut(stay.host, stay.port, partition):
            text = f"{host_port(stay.host, stay.port or 0)} is cut by this fault, so the drill would end at once"
            yield Finding(f"{path}.host", f"{text}: remove it, or cut less")
    if stay.service is not None and not isinstance(port, int):
        yield Finding(f"{where}.port", "the port is missing, and witnesses need its number: give the Service's port")
    elif isinstance(port, int) and (why := harmed(port)):
        yield Finding(f"{where}.port", f"{why}: name another Service or host")


def _is_cut(host: str, port: int | None, partition: NetworkPartition) -> bool:
    written = address_of(host)
    address = unmapped(written) if written is not None else None
    match partition.to:
        case CidrTarget(cidrs, ports) if address is not None and port in ports:
            return any(address in network for network in _networks(cidrs))
        case HostTarget(cut, ports, cidrs) if port in ports:
            inside = address is not None and any(address in network for network in _networks(cidrs))
            return inside or canonical(cut) == canonical(host)
        case _:
            return False


def _networks(cidrs: tuple[str, ...]) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    for cidr in cidrs:
        try:
            yield ipaddress.ip_network(cidr)
        except ValueError:
            # It is a finding of its own.
            continue
