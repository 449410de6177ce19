"""Decides whether a drill closes the targets' open connections, and at which servers.

They are ended at the Redis that is cut, with the credentials of its dependency. A Service gives each connection to one
of its servers, so where there are several, each one is asked at its own address.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from gameday.actions.network_partition.action import NetworkPartition, OpenConnections
from gameday.actions.network_partition.dials import dials
from gameday.cluster.resources import Object
from gameday.model import held_connection
from gameday.model.plan import Plan, ServiceRef
from gameday.model.setup import ClosingPlan, CutDestination
from gameday.preflight.addresses import version_of
from gameday.preflight.cut_destination import cut_destination, numbers_of, ready_servers, selects_pods
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.snapshot import NamespaceSnapshot

MOST_SERVERS: Final = 16
"""Most servers behind a Service at which connections are ended."""
IPV4: Final = 4
"""The IP version at which servers behind a headless Service are asked, if they have both."""
Servers = tuple[tuple[str, int], ...]
"""Addresses and ports."""
CONSEQUENCE: Final = (
    "the drill closes no open connections at this dependency, so on a network that does not end them "
    "itself the drill will be Inconclusive (ConnectionsKept)"
)
NEVER_SHOWN: Final = (
    "the drill closes no open connections at this dependency, and witnesses hold none there, so on every network "
    "the drill will be Inconclusive (ConnectionsKept)"
)


def closing_plan_of(snapshot: NamespaceSnapshot, partition: NetworkPartition) -> ClosingPlan | None:
    """Where the targets' connections are ended once the cut is proven, or None where they are not."""
    found = _decide(snapshot, partition)
    return found if isinstance(found, ClosingPlan) else None


def check(snapshot: NamespaceSnapshot, plan: Plan, path: str, partition: NetworkPartition) -> Iterator[Finding]:
    """A warning where connections are to be ended and cannot be; ``path`` is the partition's.

    Not a refusal, even where the drill cannot have a verdict: it measures nevertheless.
    """
    found = _decide(snapshot, partition)
    if isinstance(found, tuple):
        why, remedy = found
        consequence = CONSEQUENCE if _held(snapshot, plan, partition) else NEVER_SHOWN
        yield Finding(
            "CannotCloseConnections", f"{path}.openConnections", f"{why}; {consequence}", remedy, Severity.WARN
        )


def _held(snapshot: NamespaceSnapshot, plan: Plan, partition: NetworkPartition) -> bool:
    """Whether witnesses can show that the network ends open connections; True where nothing is known to dial."""
    dialled = dials(snapshot, plan, partition)
    return not dialled or any(dial.protocol in held_connection.PROTOCOLS for dial in dialled)


def _decide(snapshot: NamespaceSnapshot, partition: NetworkPartition) -> ClosingPlan | tuple[str, str] | None:
    """Where connections are ended; or why they cannot be, and what to do; or None where they are to be kept."""
    if partition.open_connections is not OpenConnections.CLOSE:
        return None
    name, redis = partition.dependency.name, partition.dependency.redis
    if redis is None:
        why = f"Close works for redis dependencies, but dependency {name} is of type tcp"
        return why, "if it is a Redis, write it as redis with service and auth; else set openConnections: Keep"
    if not isinstance(partition.to, ServiceRef):
        why = f"Close needs a Redis behind a Service, but redis.host of dependency {name} may lead to many servers"
        return why, "name its Service in redis.service if it has one, or set openConnections: Keep"
    if snapshot.service is None or not selects_pods(snapshot.service):
        return None
    end = cut_destination(snapshot, partition.dependency)
    if redis.port not in {port.port for port in end.ports}:
        why = f"Close connects to Redis at port {redis.port}, but Service {partition.to.name} has no such port"
        return why, f"correct redis.port (its ports are: {numbers_of(snapshot.service)}), or set openConnections: Keep"
    servers = servers_of(snapshot.endpoints, end, redis.port)
    if len(servers) > MOST_SERVERS:
        why = f"Service {partition.to.name} has {len(servers)} servers, but Close connects to at most {MOST_SERVERS}"
        return why, "name a Service with fewer pods, or set openConnections: Keep"
    # One server is asked by the Service's name, as its clients do.
    return ClosingPlan(servers if len(servers) > 1 else ())


def servers_of(slices: Iterable[Object], end: CutDestination, asked: int) -> Servers:
    """An address and port of every ready server behind the Service, of which the port that Redis is asked at is cut.

    A server is asked at its address of the family of the Service's first address, by which most clients come.
    """
    behind = sorted({port.target for port in end.ports if port.port == asked})
    family = version_of(end.services[0]) if end.services else IPV4
    return tuple((address, target) for address in ready_servers(slices, family) for target in behind)
