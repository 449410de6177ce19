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

Ports = tuple[CutPort, ...]
"""The ports of a Service that are cut."""


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
    return tuple(sorted({a for e in _endpoints(slices) for a in e.get("addresses") or ()}))


def ready_addresses(slices: Iterable[Object]) -> tuple[str, ...]:
    """The addresses behind a Service that are ready; one that does not say counts as ready, as for Kubernetes."""
    return tuple(sorted({address for endpoint in _ready(slices) for address in endpoint.get("addresses") or ()}))


def ready_servers(slices: Iterable[Object], family: int) -> tuple[str, ...]:
    """One address of each server behind a Service that is ready: one of this IP version if it has any.

    A pod with addresses of both families stands in two EndpointSlices, and is one server.
    """
    found: dict[tuple[str, ...], str] = {}
    for endpoint in _ready(slices):
        for address in endpoint.get("addresses") or ():
            server = _pod_of(endpoint) or (address,)
            if server not in found or (version_of(found[server]) != family and version_of(address) == family):
                found[server] = address
    return tuple(sorted(set(found.values())))


def _ready(slices: Iterable[Object]) -> Iterator[Object]:
    return (one for one in _endpoints(slices) if (one.get("conditions") or {}).get("ready") is not False)


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
    for pod in _pods_behind(snapshot, service):
        yield from (entry["ip"] for entry in pod.get("status", {}).get("podIPs") or () if "ip" in entry)


def _pods_behind(snapshot: NamespaceSnapshot, service: Object) -> Iterator[Object]:
    """The pods that a Service of the drill's own namespace selects and that have not ended; of another's none."""
    selector = service["spec"].get("selector")
    if not selector or service["metadata"]["namespace"] != snapshot.namespace:
        return
    for pod in snapshot.of(PODS):
        if not has_ended(pod) and not is_ours(labels_of(pod)) and selects({"matchLabels": selector}, labels_of(pod)):
            yield pod


def services_cut(snapshot: NamespaceSnapshot, ref: ServiceRef) -> Iterator[tuple[Object, Ports]]:
    """The Service that is named, then every other one that leads to no other pods, each with its ports that are cut.

    Those that can lead to no others come first.
    """
    service = snapshot.service
    if service is None:
        return
    yield service, _named_ports(snapshot, service, ref)
    others = list(_at_the_same_ports(snapshot, service, ref))
    yield from ((other, ports) for other, ports in others if _is_narrower(other, service))
    yield from (
        (other, ports) for other, ports in others if is_wider(other, service) and not _leads(snapshot, other)[1]
    )


def services_partly_cut(snapshot: NamespaceSnapshot, ref: ServiceRef) -> Iterator[tuple[Object, Ports]]:
    """Services that lead to pods that are cut, at ports that are cut, and that lead or may come to lead to others.

    A cut leaves their addresses alone, since through these the targets reach what the plan does not name.
    """
    service = snapshot.service
    if service is None or not selects_pods(service):
        return
    for other, ports in _at_the_same_ports(snapshot, service, ref):
        to_cut, to_others = _leads(snapshot, other)
        alone = is_wider(other, service) and not to_others
        if to_cut and not alone and not _is_narrower(other, service):
            yield other, ports


def _named_ports(snapshot: NamespaceSnapshot, service: Object, ref: ServiceRef) -> Ports:
    return tuple(_cut_ports(named_port(service, ref.port), _numbers_of_names(service, snapshot.endpoints)))


def _at_the_same_ports(snapshot: NamespaceSnapshot, service: Object, ref: ServiceRef) -> Iterator[tuple[Object, Ports]]:
    """The other Services of the namespace that have ports which lead to the numbers that are cut, and these ports."""
    names = _numbers_of_names(service, snapshot.endpoints)
    cut = {(port.protocol, port.target) for port in _named_ports(snapshot, service, ref)}
    for other in snapshot.neighbours:
        if other["metadata"]["name"] != service["metadata"]["name"] and not is_external_name(other):
            same = tuple(p for p in _cut_ports(named_port(other, None), names) if (p.protocol, p.target) in cut)
            if same:
                yield other, same


def _is_narrower(other: Object, service: Object) -> bool:
    """Whether all pods that another Service can ever lead to are pods of this one."""
    own = (service["spec"].get("selector") or {}).items()
    return bool(own) and (other["spec"].get("selector") or {}).items() >= own


def is_wider(other: Object, service: Object) -> bool:
    """Whether another Service selects this one's pods by fewer labels, and so may lead to others as well."""
    theirs = (other["spec"].get("selector") or {}).items()
    return bool(theirs) and theirs < (service["spec"].get("selector") or {}).items()


def _leads(snapshot: NamespaceSnapshot, other: Object) -> tuple[bool, bool]:
    """Whether a Service leads to pods of the Service that is cut, and whether it leads to others.

    A pod that is not ready counts, and in the drill's own namespace one without an address: it may come to be reached.
    """
    service = snapshot.service
    if service is None:
        return False, False
    own, theirs = service["spec"].get("selector") or {}, other["spec"].get("selector") or {}
    if any(own.get(key, value) != value for key, value in theirs.items()):
        return False, True
    pods = {_pod_of(endpoint) for endpoint in _endpoints(snapshot.endpoints)} - {None}
    addresses = {*endpoint_addresses(snapshot.endpoints), *_pod_addresses(snapshot, service)}
    cut = [
        _pod_of(endpoint) in pods or not addresses.isdisjoint(endpoint.get("addresses") or ())
        for endpoint in _endpoints(snapshot.slices.get(other["metadata"]["name"], ()))
    ]
    cut += [selects({"matchLabels": own}, labels_of(pod)) for pod in _pods_behind(snapshot, other)]
    return any(cut), not all(cut)


def _endpoints(slices: Iterable[Object]) -> Iterator[Object]:
    return (endpoint for piece in slices for endpoint in piece.get("endpoints") or ())


def _pod_of(endpoint: Object) -> tuple[str, str] | None:
    """Namespace and name of the pod that an endpoint is, if it says so."""
    pod = endpoint.get("targetRef") or {}
    return (pod.get("namespace", ""), pod["name"]) if "name" in pod else None


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
