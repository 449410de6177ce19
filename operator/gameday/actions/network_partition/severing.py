"""Whether a drill ends the connections that its targets hold, and where: decided here and nowhere else.

They are ended at Redis, with the credentials of a redis probe. So that nothing happens to a Redis that is not cut, the
probe must name the very Service and port of the cut; and a Service gives each connection to one of its servers, so
where there are several, each one is asked at its own address.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from gameday.cluster.kinds import Object
from gameday.model.places import redis_probes
from gameday.model.plan import Destination, NetworkPartition, OpenConnections, Plan, Probe, ServiceRef
from gameday.model.setup import CutPort, Severing
from gameday.preflight.far_end import far_end, ready_addresses
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.snapshot import Sight

MOST_SERVERS: Final = 16
"""Most servers behind a Service at which connections are ended."""
Servers = tuple[tuple[str, int], ...]
"""Addresses and ports."""
TOLD: Final = 5
"""Most probes that a warning names."""
CONSEQUENCE: Final = (
    "connections that are open are not ended there, so only a network that ends them by itself can decide the drill, "
    "and any other makes the drill Inconclusive (ConnectionsKept)"
)


def severing_of(sight: Sight, plan: Plan, partition: NetworkPartition) -> Severing | None:
    """Where the targets' connections are ended once the cut is proven, or None where they are not."""
    found = _decide(sight, plan, partition)
    return found if isinstance(found, Severing) else None


def check(sight: Sight, plan: Plan, path: str, partition: NetworkPartition) -> Iterator[Finding]:
    """A warning where connections are to be ended and cannot be; ``path`` is the partition's."""
    found = _decide(sight, plan, partition)
    if isinstance(found, tuple):
        why, remedy = found
        yield Finding("CannotSever", f"{path}.openConnections", f"{why}; {CONSEQUENCE}", remedy, Severity.WARN)


def _decide(sight: Sight, plan: Plan, partition: NetworkPartition) -> Severing | tuple[str, str] | None:
    """Where connections are ended; or why they cannot be, and what to do; or None where they are to be kept."""
    if partition.open_connections is not OpenConnections.CLOSE:
        return None
    if not isinstance(partition.to, ServiceRef):
        return "Close needs to.service", "name the Service by to.service, or set openConnections: Keep"
    if sight.service is None:
        return None
    ports = far_end(sight, partition).ports
    probe = _probe_of(plan, partition.to, {port.port for port in ports}, sight.namespace)
    if probe is None:
        return _no_probe(plan, partition.to, {port.port for port in ports}, sight.namespace)
    servers = servers_of(sight.endpoints, ports, probe)
    if len(servers) > MOST_SERVERS:
        why = f"{len(servers)} servers stand behind Service {partition.to.name}, and at most {MOST_SERVERS} are asked"
        return why, "name a Service with fewer pods, or set openConnections: Keep"
    # One server is asked by the Service's name, as its clients do.
    return Severing(probe.name, servers if len(servers) > 1 else ())


def servers_of(slices: Iterable[Object], ports: Iterable[CutPort], probe: Probe) -> Servers:
    """Addresses and ports of every ready server behind the Service that a redis probe asks."""
    to = probe.settings.destination
    behind = sorted({port.target for port in ports if to is not None and port.port == to.port})
    return tuple((address, target) for address in ready_addresses(slices) for target in behind)


def _probe_of(plan: Plan, to: ServiceRef, cut: set[int], namespace: str) -> Probe | None:
    """The redis probe that talks to what is cut; where several do, one with credentials."""
    fitting = [
        (redis.password is None, index, probe)
        for index, (probe, redis) in enumerate(redis_probes(plan))
        if redis.service is not None and redis.service.within(namespace) == to.within(namespace) and redis.port in cut
    ]
    return min(fitting)[2] if fitting else None


def _no_probe(plan: Plan, to: ServiceRef, cut: set[int], namespace: str) -> tuple[str, str]:
    where, name = to.within(namespace)
    numbers = ", ".join(str(number) for number in sorted(cut)) or "none"
    others = [f"{probe.name} ({_where(redis, namespace)})" for probe, redis in redis_probes(plan)]
    more = f" and {len(others) - TOLD} more" if len(others) > TOLD else ""
    told = f"the plan's redis probes are of another Redis: {', '.join(others[:TOLD])}{more}"
    found = told if others else "the plan has none"
    return (
        f"Close ends open connections with a redis probe of Service {where}/{name} on a port that is cut ({numbers}), "
        f"and {found}",
        f"add a redis probe with service: {{name: {name}}} and its auth, or set openConnections: Keep",
    )


def _where(redis: Destination, namespace: str) -> str:
    if redis.service is None:
        return f"{redis.host}:{redis.port}"
    where, name = redis.service.within(namespace)
    return f"Service {where}/{name}:{redis.port}"
