"""What is known of places by their number or from the plan: whose port it is, which address of a range answers."""

import ipaddress
from collections.abc import Collection, Mapping
from typing import Final

from gameday.model.plan import Plan, RedisProbe

REDIS: Final = 6379
"""Redis' own port."""

DATABASES: Final[Mapping[int, str]] = {3306: "MySQL", 5432: "PostgreSQL"}
"""Ports that are never connected to without their protocol, and whose they are."""


def harmed(port: int) -> str:
    """Why a port is not connected to without its protocol, or "".

    MySQL blocks an address after 100 handshakes that were not finished (max_connect_errors), PostgreSQL logs each.
    """
    if port not in DATABASES:
        return ""
    return (
        f"{port} is the port of {DATABASES[port]}, which cannot be dialled yet: connections that never speak its "
        "protocol fill its log, and MySQL then blocks the address that they come from"
    )


def answering(plan: Plan, cidr: str, ports: Collection[int]) -> str:
    """An address of a range that is known to answer: its only one, or a redis probe's; "" where none is known."""
    network = ipaddress.ip_network(cidr, strict=False)
    if network.num_addresses == 1:
        return str(network.network_address)
    for probe in plan.probes:
        if isinstance(probe.kind, RedisProbe) and probe.kind.host is not None and probe.kind.at in ports:
            address = _address(probe.kind.host)
            if address is not None and address in network:
                return str(address)
    return ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
