"""Policies that keep agents from what they must reach; a drill would blame the system for it.

Only policies about pods of the drill's own namespace refuse the drill. Other namespaces cannot be read, that of DNS
among them, so findings about them are warnings.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from gameday.actions.network_partition.action import NetworkPartition, cuts_of
from gameday.actions.network_partition.targets import pairs
from gameday.cluster.pod_status import has_ended
from gameday.cluster.resources import PODS, SERVICES, Object
from gameday.model.hosts import address_of
from gameday.model.labels import CONTROL, OBSERVER, ROLE, is_ours
from gameday.model.places import name_of
from gameday.model.plan import Destination, Plan, Probe, RunsIn, ServiceRef
from gameday.preflight.agent_egress import admit, of_dns, our_pod
from gameday.preflight.cut_destination import cut_destination, named_port
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.policies.pod_identity import PodIdentity, pod_identity_of
from gameday.preflight.policies.selectors import selects
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of
from gameday.preflight.traffic import Traffic, Way, all_closed, surely

CLIENT: Final = "the client, which asks Redis and has no labels of targets,"
"""What asks Redis in a plan that cuts nothing off, so that there are no targets whose labels it could have."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What an agent must reach: ``path`` is the field that requires it, ``service`` a Service of this namespace.

    One of its ``ports`` is enough: addresses of a dependency that no agent can reach are left out of its proof.
    """

    path: str
    whose: str
    identity: PodIdentity
    service: Object
    ports: tuple[int | str | None, ...]


def check(snapshot: NamespaceSnapshot, plan: Plan) -> Iterator[Finding]:
    """Findings about the observer and about agents with the targets' labels.

    There is one finding for everything that the same policies block for the same pods: a message has little room.
    """
    shut: dict[tuple[str, Way, tuple[str, ...]], list[Needs]] = {}
    for need in _needs(snapshot, plan):
        for way, closing in _closed(snapshot, need):
            shut.setdefault((need.whose, way, closing), []).append(need)
    for (_, way, closing), needs in shut.items():
        yield _shut_out(snapshot, way, closing, needs)
    yield from _far(snapshot, plan)


def _needs(snapshot: NamespaceSnapshot, plan: Plan) -> Iterator[Needs]:
    there = {service["metadata"]["name"]: service for service in snapshot.of(SERVICES)}
    for probe in plan.probes:
        to = probe.settings.destination
        service = there.get(_service_name(to, snapshot.namespace)) if to is not None else None
        if to is None or service is None:
            continue
        path = f"spec.probes[{probe.name}].{to.field}"
        for whose, identity in _askers(snapshot, plan, probe):
            yield Needs(path, whose, identity, service, (to.port,))
    for fault, partition in cuts_of(plan):
        yield from _needs_of_pairs(snapshot.at(fault), fault, partition)


def _service_name(to: Destination, namespace: str) -> str:
    """The Service of this namespace that a probe asks, or ""."""
    if to.service is None:
        return _own_name(to.host, namespace)
    where, name = to.service.within(namespace)
    return name if where == namespace else ""


def _askers(snapshot: NamespaceSnapshot, plan: Plan, probe: Probe) -> Iterator[tuple[str, PodIdentity]]:
    """Our pod that asks for a probe: what it is called, and where policies find it; none where no pod does."""
    match probe.settings.runs_in:
        case RunsIn.OBSERVER:
            yield "the observer", our_pod(snapshot, OBSERVER)
        case RunsIn.CLIENT:
            labelled = [pair for fault, cut in cuts_of(plan) for pair in pairs(snapshot.at(fault), cut.pod_selector)]
            for pair in labelled[:1]:
                yield "the client, which has the targets' labels,", our_pod(snapshot, CONTROL, pair.labels)
            if not labelled:
                yield CLIENT, our_pod(snapshot, CONTROL)
        case RunsIn.OPERATOR:
            return


def _needs_of_pairs(snapshot: NamespaceSnapshot, fault: str, partition: NetworkPartition) -> Iterator[Needs]:
    if not isinstance(partition.to, ServiceRef) or snapshot.service is None:
        return
    if snapshot.service["metadata"]["namespace"] != snapshot.namespace:
        return
    path = f"spec.outage.faults[{fault}].networkPartition.to"
    for pair in pairs(snapshot, partition.pod_selector):
        ports = tuple(port.port for port in cut_destination(snapshot, partition.dependency).ports)
        identity = our_pod(snapshot, CONTROL, pair.labels)
        yield Needs(path, "a pod with the targets' labels", identity, snapshot.service, ports)


def _closed(snapshot: NamespaceSnapshot, need: Needs) -> Iterator[tuple[Way, tuple[str, ...]]]:
    """In which directions policies block needed traffic, and which policies."""
    out = _sent(snapshot, need)
    back = [replace(one, own=one.other, other=one.own, addresses=()) for one in out if one.other is not None]
    for way, ways in ((Way.OUT, out), (Way.IN, back)):
        if closing := all_closed(snapshot, way, ways):
            yield way, closing


def _shut_out(snapshot: NamespaceSnapshot, way: Way, closing: tuple[str, ...], needs: list[Needs]) -> Finding:
    first = needs[0]
    where = dict.fromkeys(
        f"Service {need.service['metadata']['name']}, port {' or '.join(map(str, need.ports))}" for need in needs
    )
    of_whom = first.whose.rstrip(",") if way is Way.OUT else "the pods behind it"
    text = (
        f"{first.whose} cannot reach {'; '.join(where)}, because {', '.join(closing)} isolates "
        f"{of_whom} for {way.value} and no rule admits this traffic; the drill would blame the system "
        "for it"
    )
    alone = first.identity.labels[ROLE] == OBSERVER or first.whose == CLIENT
    labels = f"the label {ROLE}={first.identity.labels[ROLE]}" if alone else "the targets' labels"
    severity = Severity.REFUSE if surely(snapshot) else Severity.WARN
    return Finding("AgentShutOut", first.path, text, admit(labels), severity)


def _sent(snapshot: NamespaceSnapshot, need: Needs) -> list[Traffic]:
    """What our pod sends each pod behind a Service; nothing where a way needs no policy's leave."""
    selector = need.service["spec"].get("selector")
    ports = [next(named_port(need.service, port), None) for port in need.ports]
    if not selector or None in ports:
        return []
    behind = [
        pod
        for pod in snapshot.of(PODS)
        if not is_ours(labels_of(pod))
        and selects({"matchLabels": selector}, labels_of(pod))
        and not has_ended(pod)
        and "deletionTimestamp" not in pod["metadata"]
    ]
    # Those on their host's network have no labels for a policy.
    if any(pod["spec"].get("hostNetwork") for pod in behind):
        return []
    return [_traffic(snapshot, need, pod, port) for pod in behind for port in ports if port is not None]


def _traffic(snapshot: NamespaceSnapshot, need: Needs, pod: Object, port: Object) -> Traffic:
    number, names = _listening(pod, port)
    addresses = tuple(one["ip"] for one in pod.get("status", {}).get("podIPs") or () if "ip" in one)
    # Some networks look at a packet before the Service's address is translated.
    service = tuple(ip for ip in need.service["spec"].get("clusterIPs") or () if ip != "None")
    return Traffic(
        need.identity,
        pod_identity_of(pod, snapshot.namespace, snapshot.namespace_labels),
        number,
        port.get("protocol", "TCP"),
        names,
        (*addresses, *service) if addresses else (),
    )


def _listening(pod: Object, port: Object) -> tuple[int | None, frozenset[str]]:
    """On which number a pod serves a Service's port, and by which names it calls that."""
    listed = [one for container in pod["spec"].get("containers") or () for one in container.get("ports") or ()]
    target = port.get("targetPort", port["port"])
    number = target if isinstance(target, int) else None
    if number is None:
        number = next((int(one["containerPort"]) for one in listed if one.get("name") == target), None)
    return number, frozenset(str(one["name"]) for one in listed if one.get("containerPort") == number and "name" in one)


def _far(snapshot: NamespaceSnapshot, plan: Plan) -> Iterator[Finding]:
    """DNS, whose namespace is not read."""
    by_name = [probe for probe in plan.probes if _looks_up(probe)]
    if by_name:
        yield from of_dns(snapshot, f"spec.probes[{by_name[0].name}]", OBSERVER, "each probe fails with `dns`")
    for fault, cut in cuts_of(plan):
        if (host := name_of(cut.to)) and address_of(host) is None:
            path = f"spec.outage.faults[{fault}].networkPartition.to"
            yield from of_dns(snapshot.at(fault), path, CONTROL, "nobody finds the addresses that are to be cut")


def _looks_up(probe: Probe) -> bool:
    """Whether the observer looks up a name for it."""
    to = probe.settings.destination
    named = to is not None and (to.service is not None or address_of(to.host) is None)
    return named and probe.settings.runs_in is RunsIn.OBSERVER


def _own_name(host: str, namespace: str) -> str:
    """The Service of this namespace that a host names, or ""."""
    name, _, rest = host.partition(".")
    inside = rest in {"", namespace, f"{namespace}.svc"} or rest.startswith(f"{namespace}.svc.")
    return name if inside else ""
