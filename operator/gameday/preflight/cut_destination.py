"""The destination of a cut: a Service with everything that leads to its pods, or addresses outside the cluster."""

from collections.abc import Iterable, Iterator, Mapping

from gameday.cluster.pod_status import has_ended
from gameday.cluster.resources import PODS, Object
from gameday.model.labels import is_ours
from gameday.model.plan import CidrTarget, Dependency, HostTarget, ServiceRef
from gameday.model.setup import CutDestination, CutPort
from gameday.preflight.addresses import is_address, networks, version_of
from gameday.preflight.policies.selectors import selects
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of


def cut_destination(snapshot: NamespaceSnapshot, dependency: Dependency) -> CutDestination:
    """What the targets of a fault are cut off from, as it is now; the snapshot is the fault's."""
    match dependency.target:
        case ServiceRef() as ref:
            return _service(snapshot, ref)
        case HostTarget(host, ports, cidrs):
            return _outside((*cidrs, *((host,) if is_address(host) else ())), ports)
        case CidrTarget(cidrs, ports):
            return _outside(cidrs, ports)


def path_of(dependency: Dependency) -> str:
    """The path of its address, for a finding: ``spec.dependencies[redis].redis.service``."""
    return f"spec.dependencies[{dependency.name}].{dependency.path}"


def endpoint_addresses(slices: Iterable[Object]) -> tuple[str, ...]:
    """Every address behind a Service, ready or not."""
    return tuple(sorted({a for s in slices for e in s.get("endpoints") or () for a in e.get("addresses") or ()}))


def ready_addresses(slices: Iterable[Object]) -> tuple[str, ...]:
    """The addresses behind a Service that are ready; one that does not say counts as ready, as for Kubernetes."""
    return tuple(sorted({address for endpoint in _ready(slices) for address in endpoint.get("addresses") or ()}))


def ready_servers(slices: Iterable[Object], family: int) -> tuple[str, ...]:
    """One address of each server behind a Service that is ready: one of this IP version if it has any.

    A pod with addresses of both families stands in two EndpointSlices, and is one server.
    """
    found: dict[tuple[str, ...], str] = {}
    for endpoint in _ready(slices):
        pod = endpoint.get("targetRef") or {}
        for address in endpoint.get("addresses") or ():
            server = (pod.get("namespace", ""), pod["name"]) if "name" in pod else (address,)
            if server not in found or (version_of(found[server]) != family and version_of(address) == family):
                found[server] = address
    return tuple(sorted(set(found.values())))


def _ready(slices: Iterable[Object]) -> Iterator[Object]:
    endpoints = (endpoint for piece in slices for endpoint in piece.get("endpoints") or ())
    return (one for one in endpoints if (one.get("conditions") or {}).get("ready") is not False)


def named_port(service: Object, port: int | str | None) -> Iterator[Object]:
    """The ports of a Service that a reference means, by number or by name; all of them when it names none."""
    for listed in service["spec"].get("ports") or ():
        if port is None or port in {listed["port"], listed.get("name")} or str(port) == str(listed["port"]):
            yield listed


def numbers_of(service: Object) -> str:
    """A Service's ports, for a message."""
    return ", ".join(str(port["port"]) for port in service["spec"].get("ports") or ()) or "none"


def _outside(cidrs: Iterable[str], ports: Iterable[int]) -> CutDestination:
    return CutDestination(
        cidrs=tuple(str(network) for network in networks(cidrs)), ports=tuple(CutPort(port, port) for port in ports)
    )


def _service(snapshot: NamespaceSnapshot, ref: ServiceRef) -> CutDestination:
    service = snapshot.service
    if service is None:
        return CutDestination()
    cut = list(services_cut(snapshot, ref))
    return CutDestination(
        namespace=service["metadata"]["namespace"],
        selector=dict(service["spec"].get("selector") or {}),
        addresses=tuple(sorted({*endpoint_addresses(snapshot.endpoints), *_pod_addresses(snapshot, service)})),
        services=tuple(dict.fromkeys(address for one, _ in cut for address in addresses_of(one))),
        ports=tuple(dict.fromkeys(port for _, ports in cut for port in ports)),
    )


def _pod_addresses(snapshot: NamespaceSnapshot, service: Object) -> Iterator[str]:
    """Every address of the pods behind a Service of the drill's own namespace, whose pods are read.

    A Service of one family has EndpointSlices of that family alone, and its pods answer at their other address as well.
    """
    selector = service["spec"].get("selector")
    if not selector or service["metadata"]["namespace"] != snapshot.namespace:
        return
    for pod in snapshot.of(PODS):
        status = pod.get("status", {})
        over = has_ended(pod)
        if not over and not is_ours(labels_of(pod)) and selects({"matchLabels": selector}, labels_of(pod)):
            yield from (entry["ip"] for entry in status.get("podIPs") or () if "ip" in entry)


def services_cut(snapshot: NamespaceSnapshot, ref: ServiceRef) -> Iterator[tuple[Object, tuple[CutPort, ...]]]:
    """The Service that is named, then every other one that leads to the same pods, each with its ports that are cut."""
    service = snapshot.service
    if service is None:
        return
    names = _numbers_of_names(service, snapshot.endpoints)
    ports = tuple(_cut_ports(named_port(service, ref.port), names))
    yield service, ports
    cut = {(port.protocol, port.target) for port in ports}
    for other in _others_to_the_same_pods(snapshot, service, dict(service["spec"].get("selector") or {})):
        same = tuple(p for p in _cut_ports(named_port(other, None), names) if (p.protocol, p.target) in cut)
        if same:
            yield other, same


def _others_to_the_same_pods(
    snapshot: NamespaceSnapshot, service: Object, selector: dict[str, str]
) -> Iterator[Object]:
    """Services by which a target could reach the same pods; those that lead to no others come first."""
    others = [s for s in snapshot.neighbours if s["metadata"]["name"] != service["metadata"]["name"] and selector]
    chosen = [(other, (other["spec"].get("selector") or {}).items()) for other in others]
    yield from (other for other, theirs in chosen if theirs >= selector.items())
    yield from (other for other, theirs in chosen if theirs and theirs < selector.items())


def is_external_name(service: Object) -> bool:
    """Whether a Service is only another name for what DNS says: Kubernetes leads it to no pods, whatever it selects."""
    return bool(service["spec"].get("type") == "ExternalName")


def selects_pods(service: Object) -> bool:
    """Whether a Service leads to the pods that it selects."""
    return bool(service["spec"].get("selector")) and not is_external_name(service)


def addresses_of(service: Object) -> Iterator[str]:
    """A Service's own addresses; one that is not reachable by address (headless) has none."""
    spec = service["spec"]
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    listed = (
        *(spec.get("clusterIPs") or ()), *(spec.get("externalIPs") or ()), *(entry.get("ip", "") for entry in ingress)
    )  # fmt: skip
    return (address for address in listed if address and address != "None")


def _cut_ports(ports: Iterable[Object], named: Mapping[str, tuple[int, ...]]) -> Iterator[CutPort]:
    """The ports with what pods listen on."""
    for port in ports:
        target = port.get("targetPort", port["port"])
        numbers = (target,) if isinstance(target, int) else named.get(str(target), (port["port"],))
        yield from (CutPort(port["port"], number, port.get("protocol", "TCP")) for number in numbers)


def _numbers_of_names(service: Object, slices: Iterable[Object]) -> dict[str, tuple[int, ...]]:
    """What the names of pods' ports mean; a name may mean another number in each pod."""
    listening: dict[str, set[int]] = {}
    for piece in slices:
        for there in piece.get("ports") or ():
            if there.get("port") is not None:
                listening.setdefault(there.get("name") or "", set()).add(there["port"])
    return {
        port["targetPort"]: tuple(sorted(listening[port.get("name", "")]))
        for port in service["spec"].get("ports") or ()
        if isinstance(port.get("targetPort"), str) and port.get("name", "") in listening
    }
