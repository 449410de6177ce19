"""What witnesses and controls dial: what is cut, and the bystanders that must stay reachable."""

from collections.abc import Iterator
from typing import Final

from gameday.model.agent import Dial
from gameday.model.plan import NetworkPartition, Plan, RedisProbe, ServiceRef, Target
from gameday.model.setup import FarEnd, Setup

MOST_DIALS: Final = 8
"""Most addresses that one witness dials, where there is no Service address."""
REDIS: Final = 6379
TARGET, BYSTANDER = "target", "bystander"


def dials(plan: Plan, setup: Setup, namespace: str) -> tuple[Dial, ...]:
    """All dials of one witness; its control makes the same ones."""
    partition = plan.outage.faults[0].partition
    protocol = protocol_of(plan, partition, setup.far_end)
    places = list(_places(setup.far_end))
    targets = (Dial(f"{TARGET}-{i}", host, port, protocol) for i, (host, port) in enumerate(places[:MOST_DIALS]))
    return (*targets, *_bystanders(partition, setup, namespace))


def protocol_of(plan: Plan, partition: NetworkPartition, far_end: FarEnd) -> str:
    """How the far end is spoken to: a dial is an exchange of its protocol where we know it, else a connect."""
    for probe in plan.probes:
        if isinstance(probe.kind, RedisProbe) and _same(probe.kind.service, partition.to):
            return "tls" if probe.kind.tls else "redis"
    return "redis" if any(port.target == REDIS for port in far_end.ports) else "tcp"


def _same(probed: ServiceRef | None, cut: Target) -> bool:
    return (
        probed is not None
        and isinstance(cut, ServiceRef)
        and (probed.name, probed.namespace) == (cut.name, cut.namespace)
    )


def _places(far_end: FarEnd) -> Iterator[tuple[str, int]]:
    """Where it is reached: at the Service's first address, at every pod of a headless one, or at each network."""
    if not far_end.ports:
        return
    first = far_end.ports[0]
    if far_end.services:
        yield far_end.services[0], first.port
    elif far_end.addresses:
        yield from ((address, first.target) for address in far_end.addresses)
    else:
        yield from ((cidr.partition("/")[0], first.port) for cidr in far_end.cidrs)


def _bystanders(partition: NetworkPartition, setup: Setup, namespace: str) -> Iterator[Dial]:
    if setup.dns:
        yield Dial(f"{BYSTANDER}:dns", setup.dns, 53, "dns")
    for name, host, port in setup.bystanders:
        yield Dial(f"{BYSTANDER}:{name}", host, port, "tcp")
    for stay in partition.must_stay:
        if stay.api_server:
            yield Dial(f"{BYSTANDER}:{stay.name}", "kubernetes.default.svc", 443, "tcp")
        elif stay.service is not None and isinstance(stay.service.port, int):
            host = f"{stay.service.name}.{stay.service.namespace or namespace}.svc"
            yield Dial(f"{BYSTANDER}:{stay.name}", host, stay.service.port, "tcp")
