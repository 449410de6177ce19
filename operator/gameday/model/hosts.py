"""Hosts as plans write them: DNS names and addresses."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from gameday.model.finding import Finding

_LABEL: Final = r"[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*\.?")


def check_host(path: str, host: str) -> Iterator[Finding]:
    """A finding for what is neither a DNS name nor an address."""
    if address_of(host) is None and not _HOST.fullmatch(host):
        yield Finding(path, f"{host[:64]!r} is not a host: write a DNS name or an address")


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is, or None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
