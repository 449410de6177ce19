"""Addresses and networks, in the one form that policies and our comparisons use."""

import ipaddress
from collections.abc import Iterable

from gameday.model.hosts import canonical

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

EVERYTHING: tuple[Network, ...] = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Each address or CIDR once, without host bits (which policies refuse), in a fixed order: IPv4 before IPv6.

    An IPv4-mapped address is the IPv4 address, which policies can name (``model.hosts``).
    """
    found = {ipaddress.ip_network(canonical(text), strict=False) for text in texts}
    return tuple(sorted(found, key=lambda n: (n.version, int(n.network_address), n.prefixlen)))


def version_of(address: str) -> int:
    """The IP version of an address: 4 or 6."""
    return ipaddress.ip_address(canonical(address)).version


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
