"""Hosts as plans write them: DNS names and addresses, of both families.

An IPv4-mapped IPv6 address (``::ffff:203.0.113.7``) is the IPv4 address: what is sent there is an IPv4 packet, so a
policy that names the mapped form cuts nothing (RFC 4291, 2.5.5.2).
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest
from typing import Final

from gameday.model.finding import Finding

_LABEL: Final = r"[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*\.?")

_SERVICE: Final = re.compile(r"([^.]+\.[^.]+\.svc)\..+")
"""The name of a Service, and the cluster's domain."""


def check_host(path: str, host: str) -> Iterator[Finding]:
    """A finding for what is neither a DNS name nor an address."""
    if address_of(host) is None and not _HOST.fullmatch(host):
        yield Finding(path, f"{host[:64]!r} is not a host: write a DNS name or an address")


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_of(host: str) -> Address | None:
    """The address that a host is, or None for a name.

    One with a zone (``fe80::1%eth0``) is not valid: the zone is an interface of one machine.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return None if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None else address


def unmapped(address: Address) -> Address:
    """The IPv4 address that an IPv4-mapped one is; any other address as it is."""
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def canonical(text: str) -> str:
    """An address in the one form in which it is compared; what is no address stays as it is."""
    if ":" not in text:
        return text
    address = address_of(text)
    return str(unmapped(address)) if address is not None else text


def one_form(host: str) -> str:
    """A host in the one form in which plans are compared: a Service without the cluster's domain, addresses alike."""
    name = host.lower().rstrip(".")
    address = address_of(name)
    if address is not None:
        return str(unmapped(address))
    service = _SERVICE.fullmatch(name)
    return service[1] if service is not None else name


def is_of_cluster(host: str) -> bool:
    """Whether a name is one that the cluster's DNS makes, or a short one that a search list completes."""
    name = host.rstrip(".").lower()
    return "." not in name or name.endswith((".svc", ".cluster.local")) or ".svc." in name


def service_of(host: str) -> tuple[str, str] | None:
    """Name and namespace of the Service that a name of the cluster's DNS stands for; None for any other name."""
    name, _, rest = one_form(host).partition(".")
    namespace, _, word = rest.partition(".")
    return (name, namespace) if word == "svc" else None


def host_port(host: str, port: int) -> str:
    """A host with a port, for people: ``203.0.113.7:6379``, ``[2001:db8::7]:6379``."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def by_turns(hosts: Iterable[str]) -> list[str]:
    """The hosts, of both families by turns: the first few of them hold both."""
    parted: tuple[list[str], list[str]] = ([], [])
    for host in hosts:
        parted[":" in host].append(host)
    return [host for host in chain.from_iterable(zip_longest(*parted)) if host is not None]
