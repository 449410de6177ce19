"""Whether policies surely close a way between two pods: whatever cannot be decided counts as open.

NetworkPolicies and Cilium's are looked at. A pod that any of them isolates in a direction may send, or be sent, only
what some rule of them admits; each rule of one that selects the pod counts, whichever policy isolated it.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gameday.cluster.resources import (
    CILIUM_CLUSTERWIDE_POLICIES,
    CILIUM_NETWORK_POLICIES,
    NETWORK_POLICIES,
    Object,
)
from gameday.model.labels import is_ours
from gameday.preflight.policies.cilium import (
    NAMESPACE,
    OF_NAMESPACE,
    denies_by_default,
    selects_place,
    specs,
    without_sources,
)
from gameday.preflight.policies.isolators import ISOLATORS
from gameday.preflight.policies.pod_identity import PodIdentity
from gameday.preflight.policies.selectors import keys, selects
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of


class Way(Enum):
    """A direction, as policies name it."""

    OUT = "egress"
    IN = "ingress"

    @property
    def type(self) -> str:
        """As ``policyTypes`` have it."""
        return self.value.capitalize()

    @property
    def peers(self) -> str:
        """How the fields of peers begin."""
        return "to" if self is Way.OUT else "from"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Traffic of one pod. ``other`` is None if nothing is known of the peer, which is taken to be in another namespace.

    ``port`` is None if it is unknown; ``names`` is None if the names of the pod's port are unknown.
    ``not_ports`` are numbers that an unknown port does not have. ``maybe_here`` says of a peer that is not known that
    it may be a pod of this namespace.
    """

    own: PodIdentity
    other: PodIdentity | None
    port: int | None
    protocol: str = "TCP"
    names: frozenset[str] | None = None
    addresses: tuple[str, ...] = ()
    not_ports: tuple[int, ...] = ()
    maybe_here: bool = False


def closed_by(snapshot: NamespaceSnapshot, way: Way, traffic: Traffic) -> tuple[str, ...]:
    """The policies that isolate the pod, if none of their rules may admit the traffic; else empty."""
    isolating: list[str] = []
    for name, isolates, admits in (*_of_kubernetes(snapshot, way, traffic), *_of_cilium(snapshot, way, traffic)):
        if admits:
            return ()
        if isolates:
            isolating.append(name)
    return tuple(sorted(set(isolating)))


Verdict = tuple[str, bool, bool]
"""A policy that selects the pod, whether it isolates it, and whether it may admit the traffic."""


def _of_kubernetes(snapshot: NamespaceSnapshot, way: Way, traffic: Traffic) -> Iterator[Verdict]:
    for policy in snapshot.of(NETWORK_POLICIES):
        spec = policy["spec"]
        if is_ours(labels_of(policy)) or not selects(spec.get("podSelector") or {}, traffic.own.labels):
            continue
        types = spec.get("policyTypes") or [Way.IN.type, *([Way.OUT.type] if spec.get("egress") else ())]
        admits = any(_rule_may(rule, way, traffic) for rule in spec.get(way.value) or ())
        yield f"{NETWORK_POLICIES.kind}/{policy['metadata']['name']}", way.type in types, admits


def _rule_may(rule: Object, way: Way, traffic: Traffic) -> bool:
    ports, peers = rule.get("ports"), rule.get(way.peers)
    return (not ports or any(_port_may(port, traffic) for port in ports)) and (
        not peers or any(_peer_may(peer, traffic) for peer in peers)
    )


def _port_may(port: Object, traffic: Traffic) -> bool:
    if port.get("protocol", "TCP") != traffic.protocol:
        return False
    number = port.get("port")
    if number is None:
        return True
    if traffic.port is None:
        return "endPort" in port or number not in traffic.not_ports
    if isinstance(number, str):
        return traffic.names is None or number in traffic.names
    last: int = port.get("endPort") or number
    return bool(number <= traffic.port <= last)


def _peer_may(peer: Object, traffic: Traffic) -> bool:
    if "ipBlock" in peer:
        return not traffic.addresses or any(_within(peer["ipBlock"], address) for address in traffic.addresses)
    other = traffic.other
    if other is None:
        return "namespaceSelector" in peer or traffic.maybe_here
    if "namespaceSelector" not in peer:
        return other.namespace == traffic.own.namespace and selects(peer.get("podSelector"), other.labels)
    known = other.namespace_labels
    return (known is None or selects(peer["namespaceSelector"], known)) and selects(
        peer.get("podSelector") or {}, other.labels
    )


def _within(block: Object, address: str) -> bool:
    here = ipaddress.ip_address(address)
    return here in ipaddress.ip_network(block["cidr"], strict=False) and not any(
        here in ipaddress.ip_network(hole, strict=False) for hole in block.get("except") or ()
    )


def _of_cilium(snapshot: NamespaceSnapshot, way: Way, traffic: Traffic) -> Iterator[Verdict]:
    for resource in (CILIUM_NETWORK_POLICIES, CILIUM_CLUSTERWIDE_POLICIES):
        for policy in snapshot.policies(resource):
            if is_ours(labels_of(policy)):
                continue
            for spec in specs(policy):
                if not selects_place(spec.get("endpointSelector"), traffic.own):
                    continue
                isolates = denies_by_default(spec, way.value)
                anywhere = resource is CILIUM_CLUSTERWIDE_POLICIES
                admits = any(_cilium_may(rule, way, traffic, anywhere) for rule in spec.get(way.value) or ())
                yield f"{resource.kind}/{policy['metadata']['name']}", isolates, admits


_PODS: Final = frozenset({"all", "cluster", "unmanaged"})
"""Entities of Cilium that hold pods."""
_NO_PEERS: Final = frozenset({"Ports", "Requires"})
"""Fields that are called like those of peers; what they ask for admits nobody by itself."""
_NOBODY: Final = frozenset({"Endpoints", "Nodes", "Entities", "CIDR", "CIDRSet"})
"""Fields of peers whose empty list means nobody; the empty list of another one is as good as none."""


def _cilium_may(rule: Object, way: Way, traffic: Traffic, anywhere: bool) -> bool:
    # A rule about ICMP can name no ports, and admits nothing else.
    if rule.get("icmps"):
        return False
    ports = [entry for group in rule.get("toPorts") or () for entry in group.get("ports") or ()]
    if ports and not any(_cilium_port_may(entry, traffic) for entry in ports):
        return False
    named = {key.removeprefix(way.peers): value for key, value in rule.items() if key.startswith(way.peers)}
    peers = {kind: value for kind, value in named.items() if kind not in _NO_PEERS and (value or kind in _NOBODY)}
    if not peers:
        # Ports alone are admitted to anybody, but a rule without both admits nothing: it is Cilium's default deny.
        return bool(rule.get("toPorts"))
    return any(_cilium_peer_may(kind, value, traffic, anywhere) for kind, value in peers.items())


def _cilium_peer_may(kind: str, value: list[Object] | None, traffic: Traffic, anywhere: bool) -> bool:
    other = traffic.other
    if kind == "Endpoints":
        return any(_cilium_endpoint_may(selector, traffic, anywhere) for selector in value or ())
    if not value:
        return False
    if other is None:
        return True
    if kind == "Entities":
        return not _PODS.isdisjoint(str(entity) for entity in value)
    # Cilium matches no pod by address or name.
    return kind not in {"CIDR", "CIDRSet", "FQDNs", "Nodes"}


def _cilium_endpoint_may(selector: Object, traffic: Traffic, anywhere: bool) -> bool:
    other = traffic.other
    says_where = any(key.startswith((NAMESPACE, OF_NAMESPACE)) for key in keys(without_sources(selector)))
    if other is None:
        return anywhere or says_where or traffic.maybe_here
    if not (anywhere or says_where or other.namespace == traffic.own.namespace):
        return False
    return selects_place(selector, other)


def _cilium_port_may(entry: Object, traffic: Traffic) -> bool:
    if entry.get("protocol", "ANY") not in {"ANY", "", traffic.protocol}:
        return False
    written = str(entry.get("port", "0"))
    if written == "0":
        return True
    if traffic.port is None:
        return bool(entry.get("endPort")) or not written.isdigit() or int(written) not in traffic.not_ports
    if not written.isdigit():
        return traffic.names is None or written in traffic.names
    return int(written) <= traffic.port <= max(int(written), int(entry.get("endPort") or 0))


def all_closed(snapshot: NamespaceSnapshot, way: Way, all_traffic: Iterable[Traffic]) -> tuple[str, ...]:
    """The policies that block all of this traffic; empty if some of it is allowed, or if there is none."""
    found: set[str] = set()
    for traffic in all_traffic:
        closing = closed_by(snapshot, way, traffic)
        if not closing:
            return ()
        found.update(closing)
    return tuple(sorted(found))


def surely(snapshot: NamespaceSnapshot) -> bool:
    """Whether no policy that is not looked at here could admit what these do not."""
    seen = (CILIUM_NETWORK_POLICIES, CILIUM_CLUSTERWIDE_POLICIES)
    return not any(snapshot.unread()) and not any(
        resource not in seen and snapshot.policies(resource) for resource in ISOLATORS
    )
