"""The addresses that witnesses and controls dial: the cut dependency, and the bystanders that must remain reachable."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from gameday.model.agent import Dial
from gameday.model.setup import Cut, Setup

BYSTANDER: Final = "bystander"
A_SECOND: Final = 20.0
"""Most dials a second at one server, of all agents together."""


def dials(setup: Setup, cut: Cut) -> tuple[Dial, ...]:
    """All dials of one witness of a cut; its control makes the same ones."""
    return (*cut.dials, *_bystanders(setup, cut))


def slowest_interval(setup: Setup, cut: Cut) -> float:
    """Seconds between two dials of an address such that no server gets too many, however many cuts take it away.

    A Service's addresses lead to the same pods, so they count as one server, at worst the pod that is dialled most. So
    do an address of each family.
    """
    at = Counter("" if dial.host in cut.destination.services else dial.host for dial in cut.dials)
    busiest = at.pop("", 0)
    for six in (False, True):
        busiest += max((number for host, number in at.items() if (":" in host) is six), default=0)
    dialling = sum(len(one.pairs) for one in setup.cuts if one.destination == cut.destination)
    return 2 * dialling * max(busiest, 1) / A_SECOND


def _bystanders(setup: Setup, cut: Cut) -> Iterator[Dial]:
    if setup.dns:
        yield Dial(f"{BYSTANDER}:dns", setup.dns, 53, "dns")
    for name, host, port in cut.bystanders:
        yield Dial(f"{BYSTANDER}:{name}", host, port, "tcp")
