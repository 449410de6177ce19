"""What witnesses and controls dial: what is cut, and the bystanders that must stay reachable."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from gameday.model.agent import Dial
from gameday.model.plan import NetworkPartition, Plan
from gameday.model.setup import Setup

BYSTANDER: Final = "bystander"
A_SECOND: Final = 20.0
"""Most dials a second at one server, of all agents together."""


def dials(plan: Plan, setup: Setup, namespace: str) -> tuple[Dial, ...]:
    """All dials of one witness; its control makes the same ones."""
    ((_, partition),) = plan.partitions()
    return (*setup.dials, *_bystanders(partition, setup, namespace))


def gentle(setup: Setup) -> float:
    """Seconds between two dials of an address such that no server gets too many.

    A Service's addresses lead to the same pods, so they count as one server, at worst the pod that is dialled most.
    """
    at = Counter("" if dial.host in setup.far_end.services else dial.host for dial in setup.dials)
    busiest = at.pop("", 0) + max(at.values(), default=0)
    return 2 * len(setup.pairs) * max(busiest, 1) / A_SECOND


def _bystanders(partition: NetworkPartition, setup: Setup, namespace: str) -> Iterator[Dial]:
    if setup.dns:
        yield Dial(f"{BYSTANDER}:dns", setup.dns, 53, "dns")
    for name, host, port in setup.bystanders:
        yield Dial(f"{BYSTANDER}:{name}", host, port, "tcp")
    for stay in partition.must_remain_reachable:
        if stay.api_server:
            yield Dial(f"{BYSTANDER}:{stay.name}", "kubernetes.default.svc", 443, "tcp")
        elif stay.service is not None and isinstance(stay.service.port, int):
            host = f"{stay.service.name}.{stay.service.namespace or namespace}.svc"
            yield Dial(f"{BYSTANDER}:{stay.name}", host, stay.service.port, "tcp")
