"""Services that select no pods: no policy can name what they lead to, so the plan must name it in another way.

One of type ExternalName is another name for what DNS says. One without a selector leads to the addresses of its
EndpointSlices; clients use the Service's own address, with which some networks compare, so both have to be cut.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from gameday.actions.network_partition.targets import addresses
from gameday.cluster.resources import PODS, Object
from gameday.model.hosts import is_of_cluster, service_of
from gameday.model.plan import Dependency, ServiceRef
from gameday.preflight.addresses import is_address, networks
from gameday.preflight.cut_destination import (
    addresses_of,
    endpoint_addresses,
    is_external_name,
    named_port,
    path_of,
)
from gameday.preflight.findings import Finding
from gameday.preflight.snapshot import NamespaceSnapshot

MOST_NAMED: Final = 5
"""Most addresses or pods that a remedy names."""


def check(snapshot: NamespaceSnapshot, dependency: Dependency, ref: ServiceRef) -> Iterator[Finding]:
    """The finding about a Service that selects no pods, with what to write in its place."""
    service = snapshot.service
    if service is None:
        return
    if is_external_name(service):
        name = str(service["spec"].get("externalName") or "").rstrip(".")
        text = f"Service {ref.name} has the type ExternalName: it only stands for {name}, which no policy can name"
        yield Finding("ExternalName", path_of(dependency), text, _by_name(dependency, ref, service, name))
    elif not service["spec"].get("selector"):
        text = f"Service {ref.name} has no selector, so no policy can name its pods"
        yield Finding("NoSelector", path_of(dependency), text, _by_address(snapshot, dependency, ref, service))


def _by_name(dependency: Dependency, ref: ServiceRef, service: Object, name: str) -> str:
    kind = dependency.kind
    if found := service_of(name):
        port = f", port: {ref.port}" if ref.port is not None else ""
        return f"write {kind}.service: {{name: {found[0]}, namespace: {found[1]}{port}}} in its place"
    if is_of_cluster(name):
        return f"name the Service of the pods that {name} leads to in {kind}.service"
    if dependency.redis is not None:
        port = f" and redis.port: {ref.port}" if ref.port is not None else ""
        return f"write redis.host: {name}{port} in place of redis.service"
    numbers = [ref.port] if ref.port is not None else [port["port"] for port in named_port(service, None)]
    return f"write tcp.host: {name} and {_ports(numbers)} in place of tcp.service"


def _by_address(snapshot: NamespaceSnapshot, dependency: Dependency, ref: ServiceRef, service: Object) -> str:
    if pods := _pods(snapshot):
        return f"make a Service with a selector for {_some(pods)}, and name it in {dependency.kind}.service"
    behind = [address for address in endpoint_addresses(snapshot.endpoints) if is_address(address)]
    redis = dependency.redis
    asked = ref.port if redis is None else redis.port
    numbers = sorted(set(_numbers(snapshot, service, asked)))
    if not behind:
        also = "" if redis is not None else f" and {_ports(numbers)}"
        return f"write {dependency.kind}.host with its address{also} in place of {dependency.kind}.service"
    every = [*addresses_of(service), *behind]
    ranges = f"cidrs: [{_some([str(network) for network in networks(every)])}]"
    if redis is None or len(numbers) > 1:
        which = "write" if redis is None else "name it as a tcp dependency:"
        return f"{which} tcp.{ranges} and {_ports(numbers)} in place of {dependency.kind}.service"
    words = [f"redis.host: {every[0]}"]
    if len(every) > 1:
        words.append(f"redis.{ranges}")
    if ref.port is not None:
        words.append(f"redis.port: {ref.port}")
    return f"write {' and '.join(words)} in place of redis.service"


def _pods(snapshot: NamespaceSnapshot) -> list[str]:
    """The pods that its endpoints are: somebody else than Kubernetes may have written them there."""
    endpoints = [endpoint for piece in snapshot.endpoints for endpoint in piece.get("endpoints") or ()]
    named = {ref["name"] for one in endpoints if (ref := one.get("targetRef") or {}).get("kind") == PODS.kind}
    behind = set(endpoint_addresses(snapshot.endpoints))
    own = [pod for pod in snapshot.of(PODS) if not pod["spec"].get("hostNetwork")]
    here = {pod["metadata"]["name"] for pod in own if not behind.isdisjoint(addresses((pod,)))}
    return sorted(named | here)


def _numbers(snapshot: NamespaceSnapshot, service: Object, asked: int | str | None) -> Iterator[int]:
    """The ports of the Service that are asked for, and those that its endpoints have for them."""
    for port in named_port(service, asked):
        if port.get("protocol", "TCP") == "TCP":
            yield port["port"]
            for piece in snapshot.endpoints:
                for there in piece.get("ports") or ():
                    if there.get("port") is not None and (there.get("name") or "") == (port.get("name") or ""):
                        yield there["port"]


def _ports(numbers: Iterable[object]) -> str:
    listed = ", ".join(map(str, dict.fromkeys(numbers)))
    return f"tcp.ports: [{listed}]" if listed else "tcp.ports"


def _some(names: list[str]) -> str:
    left = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {left} more" if left > 0 else "")
