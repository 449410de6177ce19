"""What of a namespace would refuse a cut, all of it at once, each finding with its remedy."""

from collections.abc import Iterable, Iterator

from gameday.actions.network_partition import (
    adoption,
    anti_affinity,
    closing_plan,
    dials,
    isolation,
    named,
    proxies,
    without_pods,
)
from gameday.actions.network_partition.action import NetworkPartition
from gameday.actions.network_partition.isolation import policies_isolating_egress
from gameday.actions.network_partition.targets import MOST_PAIRS, addresses, kinds_of_pairs, selected, targets
from gameday.cluster.resources import CILIUM_NETWORK_POLICIES, SERVICES, Object
from gameday.model.hosts import address_of
from gameday.model.plan import Dependency, HostTarget, Plan, ServiceRef, Target, Via
from gameday.model.setup import CutDestination
from gameday.preflight import placement
from gameday.preflight.addresses import networks
from gameday.preflight.cut_destination import (
    Ports,
    addresses_of,
    cut_destination,
    is_external_name,
    is_wider,
    named_port,
    numbers_of,
    path_of,
    services_cut,
    services_partly_cut,
)
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.policies.selectors import selects
from gameday.preflight.rollout import in_rollout
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of

MOST_TARGETS = 100
"""Most pods that one cut may select."""
METADATA_SERVER = "169.254.169.254"
"""The address of a cloud's metadata server. Under GKE's Dataplane V2 it is one of the node when policies are asked."""


def choose(snapshot: NamespaceSnapshot, via: Via) -> Via:
    """The backend: Cilium's where the cluster has it and the account may write it, unless the plan says otherwise."""
    if via is not Via.AUTO:
        return via
    return Via.CILIUM if snapshot.cilium else Via.NETWORK_POLICY


def suspected_bypass(snapshot: NamespaceSnapshot, partition: NetworkPartition, backend: Via) -> str:
    """What most likely lets traffic through a cut that shows no effect."""
    elsewhere = "the dependency is reached by another address than the one that is cut (a proxy, a NodePort, a mesh)"
    if wider := _wider(snapshot, partition.to):
        elsewhere += f", or {' and '.join(wider)}, which selects more pods, has got one that is not cut"
    if backend is Via.CILIUM:
        return elsewhere
    if names := policies_isolating_egress(snapshot, targets(snapshot, partition.pod_selector)):
        return f"{', '.join(names)} allows it, and policies only add"
    return f"the cluster's network does not enforce NetworkPolicy for egress, or {elsewhere}"


def _wider(snapshot: NamespaceSnapshot, to: Target) -> list[str]:
    """The Services that led only to pods that are cut at the preflight, and may lead to others that come."""
    cut = services_cut(snapshot, to) if isinstance(to, ServiceRef) else ()
    named = snapshot.service
    return [f"Service {_name(other)}" for other, _ in cut if named is not None and is_wider(other, named)]


def check(snapshot: NamespaceSnapshot, plan: Plan, path: str, partition: NetworkPartition) -> Iterator[Finding]:
    """Everything that a person should know before this cut is made; ``path`` is that of ``networkPartition``.

    The snapshot is that of its fault.
    """
    yield from _targets(snapshot, f"{path}.podSelector", partition)
    yield from _destination(snapshot, partition)
    yield from _backend(snapshot, f"{path}.via", partition)
    yield from placement.check(f"{path}.podSelector", selected(snapshot, partition.pod_selector))
    yield from adoption.check(snapshot, f"{path}.podSelector", partition.pod_selector)
    yield from anti_affinity.check(snapshot, f"{path}.podSelector", partition.pod_selector)
    yield from _bystanders(snapshot, f"{path}.mustRemainReachable", partition)
    yield from dials.check(snapshot, plan, partition)
    yield from closing_plan.check(snapshot, plan, path, partition)
    yield from proxies.check(snapshot, path, partition)
    yield from _warnings(snapshot, path, partition)


def _targets(snapshot: NamespaceSnapshot, path: str, partition: NetworkPartition) -> Iterator[Finding]:
    pods = targets(snapshot, partition.pod_selector)
    if not pods and not in_rollout(snapshot, partition.pod_selector):
        yield Finding("NoTargets", path, "no running pod matches", "correct the labels, or start the workload")
    if len(pods) > MOST_TARGETS:
        text = f"{len(pods)} pods match, but one fault may cut at most {MOST_TARGETS}"
        yield Finding("TooManyTargets", path, text, "select fewer pods")
    on_host = sorted(_name(p) for p in selected(snapshot, partition.pod_selector) if p["spec"].get("hostNetwork"))
    if on_host:
        text = f"{_some(on_host)} have hostNetwork: true, and policies do not apply to such pods"
        yield Finding("HostNetwork", path, text, "exclude them from podSelector")
    end = cut_destination(snapshot, partition.dependency)
    behind = sorted(_name(pod) for pod in selected(snapshot, partition.pod_selector) if _is_behind(snapshot, end, pod))
    if behind:
        text = (
            f"{_some(behind)} are selected, but they are pods of the dependency that is cut, so its own "
            "connections would break"
        )
        yield Finding("TargetIsDestination", path, text, "exclude them from podSelector")


def _is_behind(snapshot: NamespaceSnapshot, end: CutDestination, pod: Object) -> bool:
    """Whether a pod belongs to the cut dependency: to its replication, or to its quorum."""
    chosen = bool(end.selector) and end.namespace == snapshot.namespace
    own = addresses((pod,))
    return (
        (chosen and selects({"matchLabels": end.selector}, labels_of(pod)))
        or not set(end.addresses).isdisjoint(own)
        or not set(end.cidrs).isdisjoint(map(str, networks(own)))
    )


def _destination(snapshot: NamespaceSnapshot, partition: NetworkPartition) -> Iterator[Finding]:
    path = path_of(partition.dependency)
    match partition.to:
        case ServiceRef() as ref:
            yield from _service(snapshot, partition.dependency, ref)
        case HostTarget(host, _, cidrs) if address_of(host) is None and not cidrs:
            yield from named.check(snapshot, path, host, selected(snapshot, partition.pod_selector))
        case _:
            return


def _service(snapshot: NamespaceSnapshot, dependency: Dependency, ref: ServiceRef) -> Iterator[Finding]:
    path, namespace = path_of(dependency), ref.namespace or snapshot.namespace
    if snapshot.service is None:
        if f"Service {namespace}/{ref.name}" not in snapshot.missing:
            yield Finding(
                "NoService",
                path,
                f"Service {namespace}/{ref.name} does not exist",
                "correct the name, or create the Service",
            )
        return
    yield from without_pods.check(snapshot, dependency, ref)
    if not is_external_name(snapshot.service) and not list(named_port(snapshot.service, ref.port)):
        there = numbers_of(snapshot.service)
        yield Finding("NoPort", f"{path}.port", f"Service {ref.name} has no port {ref.port}", f"its ports are: {there}")


def _backend(snapshot: NamespaceSnapshot, path: str, partition: NetworkPartition) -> Iterator[Finding]:
    backend = choose(snapshot, partition.via)
    if backend is Via.CILIUM and not snapshot.has_cilium_kind:
        why = snapshot.missing.get(CILIUM_NETWORK_POLICIES.plural, "the cluster does not have it")
        yield Finding("NoCilium", path, f"CiliumNetworkPolicy cannot be used: {why}", "use Auto or NetworkPolicy")
    if backend is Via.NETWORK_POLICY:
        yield from isolation.check(snapshot, path, selected(snapshot, partition.pod_selector))


def _bystanders(snapshot: NamespaceSnapshot, path: str, partition: NetworkPartition) -> Iterator[Finding]:
    to = partition.to
    if not partition.must_remain_reachable:
        return
    cut = _ports_of(services_cut(snapshot, to)) if isinstance(to, ServiceRef) else set()
    partly = _ports_of(services_partly_cut(snapshot, to)) if isinstance(to, ServiceRef) else set()
    there = {_name(service): service for service in snapshot.of(SERVICES)}
    for stay in partition.must_remain_reachable:
        if stay.service is None:
            continue
        where, (namespace, name) = f"{path}[{stay.name}].service", stay.service.within(snapshot.namespace)
        if (namespace, name, stay.service.port) in cut:
            text = f"{name} is cut by this fault, so the drill would end at once"
            remedy = f"remove it, or name the only port to cut in {path_of(partition.dependency)}.port"
            yield Finding("MustStayIsCut", where, text, remedy)
        elif (namespace, name, stay.service.port) in partly:
            text = f"{name} leads to pods that are cut by this fault, so it would not answer every time"
            yield Finding("MustStayIsCut", where, text, "remove it, or name a Service that selects only other pods")
        elif namespace != snapshot.namespace or SERVICES.plural in snapshot.missing:
            continue
        elif name not in there:
            yield Finding(
                "NoService",
                where,
                f"Service {namespace}/{name} does not exist",
                "correct the name, or create the Service",
            )
        elif not list(named_port(there[name], stay.service.port)):
            text = f"Service {name} has no port {stay.service.port}"
            yield Finding("NoPort", f"{where}.port", text, f"its ports are: {numbers_of(there[name])}")


def _ports_of(services: Iterable[tuple[Object, Ports]]) -> set[tuple[str, str, int | str | None]]:
    """The ports of Services, with each one's namespace and name."""
    return {(one["metadata"]["namespace"], _name(one), port.port) for one, ports in services for port in ports}


def _partly(snapshot: NamespaceSnapshot, partition: NetworkPartition) -> Iterator[Finding]:
    """Services by which the targets may reach pods that are cut, where a network looks at the Service's address."""
    if not isinstance(partition.to, ServiceRef):
        return
    path = path_of(partition.dependency)
    for other, _ in services_partly_cut(snapshot, partition.to):
        if any(addresses_of(other)):
            text = (
                f"Service {_name(other)} leads to pods that are cut and may lead to others, so its address is not cut; "
                "on a network that decides before this address is translated (AWS VPC CNI), the targets may reach "
                "the cut pods through it"
            )
            remedy = (
                f"name {_name(other)} in {path} if all of its pods are to be cut off, or use via: CiliumNetworkPolicy "
                "if the cluster runs Cilium; other networks need nothing"
            )
            yield Finding("PartlyCut", path, text, remedy, Severity.WARN)


def _cuts_hosts(snapshot: NamespaceSnapshot, path: str, partition: NetworkPartition) -> Finding:
    api_server = [stay.name for stay in partition.must_remain_reachable if stay.api_server]
    text = (
        "on Cilium a NetworkPolicy also cuts the targets off from the API server and from processes of the host, such "
        f"as a cloud's metadata server ({METADATA_SERVER})"
    )
    if api_server:
        text += f", so mustRemainReachable {', '.join(api_server)} will end the drill as CollateralCut"
    if snapshot.has_cilium_kind:
        remedy = "grant the account the right to write ciliumnetworkpolicies and use via: Auto"
    else:
        remedy = (
            "this cluster has no CiliumNetworkPolicy; where targets use one of these, name it in mustRemainReachable "
            f"(host: {METADATA_SERVER}, port: 80), so that the drill ends as CollateralCut and not with a wrong verdict"
        )
    return Finding("CutsApiServer", f"{path}.via", text, remedy, Severity.WARN)


def _warnings(snapshot: NamespaceSnapshot, path: str, partition: NetworkPartition) -> Iterator[Finding]:
    backend = choose(snapshot, partition.via)
    if backend is Via.NETWORK_POLICY:
        yield from _partly(snapshot, partition)
    if backend is Via.NETWORK_POLICY and snapshot.on_cilium:
        yield _cuts_hosts(snapshot, path, partition)
    kinds = kinds_of_pairs(snapshot, partition.pod_selector)
    if len(kinds) > MOST_PAIRS:
        text = (
            f"the targets have {len(kinds)} combinations of labels and node, but witnesses stand for only "
            f"{MOST_PAIRS} of them"
        )
        yield Finding(
            "NotAllWatched",
            f"{path}.podSelector",
            text,
            "select fewer pods to have every combination watched",
            Severity.WARN,
        )


def _name(thing: Object) -> str:
    name: str = thing["metadata"]["name"]
    return name


def _some(names: tuple[str, ...] | list[str], most: int = 5) -> str:
    left = len(names) - most
    return ", ".join(names[:most]) + (f" and {left} more" if left > 0 else "")
