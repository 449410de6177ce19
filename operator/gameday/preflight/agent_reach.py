"""Policies that keep agents from what they must reach: a drill would blame the system for it, or could not act.

Of a Service of the drill's own namespace both ends are known. Of all else nothing is known but what our own pod may
send, so the drill is refused only if no rule admits TCP to anything there; where a rule admits something else, that is
a warning. Rules by addresses, by names and to other namespaces count as open.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from gameday.cluster.pod_status import has_ended
from gameday.cluster.resources import PODS, SERVICES, Object
from gameday.model.hosts import address_of, host_port, service_of
from gameday.model.labels import PAIRED, ROLE, is_ours
from gameday.model.plan import Destination
from gameday.preflight.agent_egress import DNS_PORTS, admit, cannot_reach
from gameday.preflight.cut_destination import named_port
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.policies.pod_identity import PodIdentity, pod_identity_of
from gameday.preflight.policies.selectors import selects
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of
from gameday.preflight.traffic import Traffic, Way, all_closed, surely

BLAMES: Final = "the drill would blame the system for it"
"""What follows where a probe cannot ask."""
API_SERVER: Final = ("kubernetes", "default")
"""The Service that leads to the API server: its name and its namespace."""
CLIENT: Final = "the client, which asks Redis and has no labels of targets,"
"""What asks Redis in a plan that cuts nothing off, so that there are no targets whose labels it could have."""


@dataclass(frozen=True, slots=True)
class Outside:
    """A destination that is not seen: ``shown`` is what messages call it."""

    shown: str
    port: int | None = None
    """The port that is asked for; None where a Secret holds it."""
    translated: bool = True
    """Whether policies may see another port, as they do behind a Service."""
    elsewhere: bool = False
    """Whether it is surely no pod of this namespace."""
    anywhere: bool = False
    """Whether it may well be one."""
    refuses: bool = True
    """Whether policies hold for it wherever it is: not for an address, which may be that of the agent's own node."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What an agent must reach: ``path`` is the field that requires it, ``to`` a Service of this namespace, or outside.

    One of its ``ports`` is enough: addresses of a dependency that no agent can reach are left out of its proof.
    ``why`` is what follows where it is closed. ``refuses`` is False where neither a verdict nor a rollback needs it.
    """

    path: str
    whose: str
    identity: PodIdentity
    to: Object | Outside
    ports: tuple[int | str | None, ...] = ()
    why: str = BLAMES
    refuses: bool = True


def needed(snapshot: NamespaceSnapshot, to: Destination) -> tuple[Object | Outside, tuple[int, ...]] | None:
    """Where a destination is, and its ports; None for one of this namespace that does not exist, or the pod itself."""
    host, address = to.name(snapshot.namespace), address_of(to.host)
    shown = host_port(host, to.port)
    if address is not None:
        public = address.is_global
        found = Outside(shown, to.port, translated=not public, anywhere=not public, refuses=False)
        return (found, ()) if not address.is_loopback else None
    if name := own_service(to, snapshot.namespace):
        there = snapshot.named(SERVICES, name)
        if there is None:
            return None
        # Without a selector it may lead to pods of this namespace, or out of the cluster.
        selected = bool(there["spec"].get("selector"))
        return (there, (to.port,)) if selected else (Outside(shown, to.port, anywhere=True), ())
    if (service := service_of(host)) is not None:
        # It runs on its hosts' network, and what is on an agent's own node may be reached whatever policies say.
        return Outside(shown, to.port, elsewhere=True, refuses=service != API_SERVER), ()
    # Two words may be a Service and its namespace.
    few = host.rstrip(".").count(".") < 2
    return Outside(shown, to.port, translated=few, anywhere=_is_own_pod(snapshot, host)), ()


def own_service(to: Destination, namespace: str) -> str:
    """The Service of this namespace that a destination is, or ""."""
    if to.service is None:
        return _own_name(to.host, namespace)
    where, name = to.service.within(namespace)
    return name if where == namespace else ""


def check(snapshot: NamespaceSnapshot, needs: Iterable[Needs]) -> Iterator[Finding]:
    """Findings about what agents need.

    There is one finding for everything that the same policies block for the same pods: a message has little room.
    """
    shut: dict[tuple[str, str, Way, tuple[str, ...]], list[Needs]] = {}
    outside: dict[tuple[str, str, tuple[str, ...], str, Severity], list[Needs]] = {}
    for need in needs:
        if isinstance(need.to, Outside):
            if (found := _closed_outside(snapshot, need, need.to)) is not None:
                outside.setdefault((need.whose, need.why, *found), []).append(need)
            continue
        for way, closing in _closed(snapshot, need, need.to):
            shut.setdefault((need.whose, need.why, way, closing), []).append(need)
    for (_, _, way, closing), closed in shut.items():
        yield _shut_out(snapshot, way, closing, closed)
    for (_, _, closing, what, severity), closed in outside.items():
        yield _shut_in(closing, what, severity, closed)


def _closed_outside(
    snapshot: NamespaceSnapshot, need: Needs, to: Outside
) -> tuple[tuple[str, ...], str, Severity] | None:
    """The policies that keep an agent from a destination outside, what they do not admit, and how sure that is."""
    anything = Traffic(need.identity, None, None, maybe_here=not to.elsewhere)
    if need.refuses and to.refuses and surely(snapshot) and (closing := all_closed(snapshot, Way.OUT, (anything,))):
        return closing, "anything outside the namespace" if to.elsewhere else "anything", Severity.REFUSE
    if to.port is None or to.translated:
        # Whoever is let out to DNS alone is let out to nothing else.
        dns = () if to.port in DNS_PORTS else DNS_PORTS
        probably = Traffic(need.identity, None, None, not_ports=dns, maybe_here=to.anywhere)
        what = "ports other than that of DNS" if dns else "anything"
    else:
        probably, what = Traffic(need.identity, None, to.port, maybe_here=to.anywhere), f"port {to.port}"
    if closing := all_closed(snapshot, Way.OUT, (probably,)):
        return closing, what if to.anywhere else f"{what} outside the namespace", Severity.WARN
    return None


def _shut_in(closing: tuple[str, ...], what: str, severity: Severity, needs: list[Needs]) -> Finding:
    first = needs[0]
    where = "; ".join(dict.fromkeys(need.to.shown for need in needs if isinstance(need.to, Outside)))
    text = f"{first.whose} {cannot_reach(closing, where, f'TCP to {what}', severity)}; {first.why}"
    return Finding("AgentShutOut", first.path, text, _remedy(first), severity)


def _remedy(need: Needs) -> str:
    role = need.identity.labels[ROLE]
    alone = role not in PAIRED or need.whose == CLIENT
    return admit(f"the label {ROLE}={role}" if alone else "the targets' labels")


def _closed(snapshot: NamespaceSnapshot, need: Needs, service: Object) -> Iterator[tuple[Way, tuple[str, ...]]]:
    """In which directions policies block needed traffic, and which policies."""
    out = _sent(snapshot, need, service)
    back = [replace(one, own=one.other, other=one.own, addresses=()) for one in out if one.other is not None]
    for way, ways in ((Way.OUT, out), (Way.IN, back)):
        if closing := all_closed(snapshot, way, ways):
            yield way, closing


def _shut_out(snapshot: NamespaceSnapshot, way: Way, closing: tuple[str, ...], needs: list[Needs]) -> Finding:
    first = needs[0]
    where = dict.fromkeys(
        f"Service {need.to['metadata']['name']}, port {' or '.join(map(str, need.ports))}"
        for need in needs
        if not isinstance(need.to, Outside)
    )
    of_whom = first.whose.rstrip(",") if way is Way.OUT else "the pods behind it"
    text = (
        f"{first.whose} cannot reach {'; '.join(where)}, because {', '.join(closing)} isolates "
        f"{of_whom} for {way.value} and no rule admits this traffic; {first.why}"
    )
    severity = Severity.REFUSE if first.refuses and surely(snapshot) else Severity.WARN
    return Finding("AgentShutOut", first.path, text, _remedy(first), severity)


def _sent(snapshot: NamespaceSnapshot, need: Needs, service: Object) -> list[Traffic]:
    """What our pod sends each pod behind a Service; nothing where a way needs no policy's leave."""
    selector = service["spec"].get("selector")
    ports = [next(named_port(service, port), None) for port in need.ports]
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
    return [_traffic(snapshot, need, service, pod, port) for pod in behind for port in ports if port is not None]


def _traffic(snapshot: NamespaceSnapshot, need: Needs, service: Object, pod: Object, port: Object) -> Traffic:
    number, names = _listening(pod, port)
    addresses = tuple(one["ip"] for one in pod.get("status", {}).get("podIPs") or () if "ip" in one)
    # Some networks look at a packet before the Service's address is translated.
    before = tuple(ip for ip in service["spec"].get("clusterIPs") or () if ip != "None")
    return Traffic(
        need.identity,
        pod_identity_of(pod, snapshot.namespace, snapshot.namespace_labels),
        number,
        port.get("protocol", "TCP"),
        names,
        (*addresses, *before) if addresses else (),
    )


def _listening(pod: Object, port: Object) -> tuple[int | None, frozenset[str]]:
    """On which number a pod serves a Service's port, and by which names it calls that."""
    listed = [one for container in pod["spec"].get("containers") or () for one in container.get("ports") or ()]
    target = port.get("targetPort", port["port"])
    number = target if isinstance(target, int) else None
    if number is None:
        number = next((int(one["containerPort"]) for one in listed if one.get("name") == target), None)
    return number, frozenset(str(one["name"]) for one in listed if one.get("containerPort") == number and "name" in one)


def _is_own_pod(snapshot: NamespaceSnapshot, host: str) -> bool:
    """Whether a name is that of a pod behind a Service of this namespace, such as a StatefulSet's: ``web-0.web``."""
    _, _, service = host.partition(".")
    return snapshot.named(SERVICES, _own_name(service, snapshot.namespace)) is not None


def _own_name(host: str, namespace: str) -> str:
    """The Service of this namespace that a host names, or ""."""
    name, _, rest = host.partition(".")
    inside = rest in {"", namespace, f"{namespace}.svc"} or rest.startswith(f"{namespace}.svc.")
    return name if inside else ""
