"""What witnesses and controls say of the addresses of a host that is cut: a name, or servers that name others.

A line of type ``addresses`` is one look-up. ``ok``: the name has the addresses in ``values.addresses``, all of both
families. Not ok: ``error`` is ``DNS`` where nobody answered or the name is not known, begins with ``SERVERS`` where its
servers did not say who they are, and is else why its set cannot be cut.
A good dial of a name says in ``values.at`` which address answered.
"""

import ipaddress
from typing import Final

HOST: Final = "host"
ADDRESSES: Final = "addresses"
AT: Final = "at"
DNS: Final = "dns"
OTHER_PORT: Final = "is one of its servers, and that port is not cut"
"""How the error of a look ends that found a server which would stay open."""

LOOK_EVERY: Final = 5.0
"""Seconds between two look-ups of a name."""
MOST_ADDRESSES: Final = 16
"""Most addresses of a name that are cut: each is dialled by every witness and control."""


def uncuttable(address: str) -> str:
    """Why no policy can cut an address off, or "": it is not one of another machine."""
    one = ipaddress.ip_address(address)
    if one.is_loopback or one.is_unspecified or one.is_multicast or one.is_link_local:
        return f"its address {address} (loopback, link-local, multicast or unspecified) leads to no other machine"
    return ""
