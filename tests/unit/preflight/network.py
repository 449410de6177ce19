"""A small network that reads policies as the three families of CNIs do, to ask what a policy really cuts."""

import enum
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gameday.preflight.policies.cilium import without_sources
from gameday.preflight.policies.selectors import selects


class Reads(enum.Enum):
    """How a family of CNIs reads peers."""

    BY_ADDRESS = "selectors and ipBlock both match pods, behind the Service (Calico, kindnet, kube-router, Antrea)"
    BY_IDENTITY = "selectors alone match pods, ipBlock only what is outside (Cilium)"
    BEFORE_SERVICE = "as by address, but a Service's address is seen before it is translated (AWS VPC CNI)"


@dataclass(frozen=True)
class Pod:
    namespace: str
    labels: Mapping[str, str]
    ip: str
    host_network: bool = False
    second: str = ""
    """Its address of the other family, if it has one."""

    @property
    def ips(self) -> tuple[str, ...]:
        return (self.ip, self.second) if self.second else (self.ip,)


@dataclass(frozen=True)
class Packet:
    """What is sent to ``address``; ``pod`` is who has that address, None outside the cluster and for a Service."""

    address: str
    port: int
    protocol: str = "TCP"
    pod: Pod | None = None


def allowed_by(spec: Mapping[str, Any], source: Mapping[str, str], packet: Packet, reads: Reads) -> bool:
    """Whether a pod with these labels, isolated by no other policy, may send the packet."""
    assert spec["policyTypes"] == ["Egress"]
    if not selects(spec["podSelector"], source):
        return True
    return any(_rule_allows(rule, packet, reads) for rule in spec["egress"])


def denied_by_cilium(spec: Mapping[str, Any], source: Mapping[str, str], packet: Packet) -> bool:
    """Whether a CiliumNetworkPolicy of deny rules alone drops the packet."""
    assert spec["enableDefaultDeny"] == {"egress": False, "ingress": False}
    assert spec.keys() == {"endpointSelector", "enableDefaultDeny", "egressDeny"}
    if not selects(spec["endpointSelector"], source):
        return False
    return any(_cilium_matches(rule, packet) for rule in spec["egressDeny"])


def _rule_allows(rule: Mapping[str, Any], packet: Packet, reads: Reads) -> bool:
    ports = rule.get("ports")
    return (ports is None or any(_port_matches(port, packet) for port in ports)) and any(
        _peer_matches(peer, packet, reads) for peer in rule["to"]
    )


def _port_matches(port: Mapping[str, Any], packet: Packet) -> bool:
    if port["protocol"] != packet.protocol:
        return False
    if "port" not in port:
        return True
    return bool(port["port"] <= packet.port <= port.get("endPort", port["port"]))


def _peer_matches(peer: Mapping[str, Any], packet: Packet, reads: Reads) -> bool:
    if "ipBlock" in peer:
        assert peer.keys() == {"ipBlock"}
        labelled = packet.pod is not None and not packet.pod.host_network
        return not (labelled and reads is Reads.BY_IDENTITY) and _block_matches(peer["ipBlock"], packet.address)
    if packet.pod is None or packet.pod.host_network:
        return False
    namespace = {"kubernetes.io/metadata.name": packet.pod.namespace}
    assert "namespaceSelector" in peer, "a peer without one would mean the policy's own namespace"
    pods = peer.get("podSelector", {})
    return selects(peer["namespaceSelector"], namespace) and selects(pods, packet.pod.labels)


def _block_matches(block: Mapping[str, Any], address: str) -> bool:
    cidr, here = ipaddress.ip_network(block["cidr"]), ipaddress.ip_address(address)
    for hole in map(ipaddress.ip_network, block.get("except", ())):
        assert hole.version == cidr.version, "except must be of its block's family"
        assert hole != cidr, "except must lie strictly within its block"
        if here in hole:
            return False
    return here in cidr


def _cilium_matches(rule: Mapping[str, Any], packet: Packet) -> bool:
    ports = [entry for group in rule.get("toPorts", ()) for entry in group["ports"]]
    if ports and (str(packet.port), packet.protocol) not in {(port["port"], port["protocol"]) for port in ports}:
        return False
    if packet.pod is None or packet.pod.host_network:
        outside = [ipaddress.ip_network(cidr) for cidr in rule.get("toCIDR", ())]
        return packet.pod is None and any(ipaddress.ip_address(packet.address) in network for network in outside)
    labels = {**packet.pod.labels, "io.kubernetes.pod.namespace": packet.pod.namespace}
    return any(selects(without_sources(selector), labels) for selector in rule.get("toEndpoints", ()))
