"""A cut by NetworkPolicy. Policies only add: the first that selects a pod isolates it, then each allows something.

So ours isolates the targets and allows everything but the destination, in one shape that is right on every CNI:

- Cilium matches no pod by ``ipBlock``, so pods are allowed by selectors: all pods of other namespaces, and in the far
  end's namespace those that lack one of its labels. A selector of several labels is a conjunction; its complement is a
  union, one peer a label.
- Other CNIs match pods by ``ipBlock`` as well, some (AWS) before the Service's address is translated, so ``except``
  names both the pods' addresses and the Service's. It must lie strictly within its block, and a block has one family.
- The destination stays allowed on every port but those that are cut: its pods by selector and by address (a pod on the
  host's network has no labels for a CNI, and its address is a node's), its Service by the Service's own ports.
- DNS stays, since it is a pod like all others.

What it cannot do: on Cilium, hosts and the API server are neither pods nor ``ipBlock``, so it cuts those too (the
preflight warns); SCTP to the destination goes too, since CNIs without it reject a policy that names it. A target that
is isolated already would be opened by this policy: the preflight refuses there.
"""

from collections.abc import Iterable

from gameday.cluster.resources import Object
from gameday.model.plan import Selector
from gameday.model.setup import CutDestination
from gameday.preflight.addresses import EVERYTHING, networks
from gameday.preflight.policies.selectors import sparing_agents

NAMESPACE = "kubernetes.io/metadata.name"
LAST_PORT = 65535
PROTOCOLS = ("TCP", "UDP")


def spec(targets: Selector, destination: CutDestination) -> Object:
    """The policy's spec, for the destination's addresses of this moment."""
    elsewhere = {"to": [*_other_pods(destination), *_other_addresses(destination)]}
    return {
        "podSelector": sparing_agents(targets),
        "policyTypes": ["Egress"],
        "egress": [elsewhere, *_other_ports(destination)],
    }


def _other_pods(destination: CutDestination) -> list[Object]:
    if not destination.selector:
        return [{"namespaceSelector": {}}]
    elsewhere = {"matchExpressions": [{"key": NAMESPACE, "operator": "NotIn", "values": [destination.namespace]}]}
    peers: list[Object] = [{"namespaceSelector": elsewhere}]
    for key, value in sorted(destination.selector.items()):
        # NotIn also holds where the label is absent.
        lacking = {"matchExpressions": [{"key": key, "operator": "NotIn", "values": [value]}]}
        peers.append({"namespaceSelector": _namespace(destination), "podSelector": lacking})
    return peers


def _other_addresses(destination: CutDestination) -> list[Object]:
    cut = networks((*destination.addresses, *destination.services, *destination.cidrs))
    blocks: list[Object] = []
    for everything in EVERYTHING:
        if everything in cut:
            continue
        block: Object = {"cidr": str(everything)}
        if holes := [str(network) for network in cut if network.version == everything.version]:
            block["except"] = holes
        blocks.append({"ipBlock": block})
    return blocks


def _other_ports(destination: CutDestination) -> list[Object]:
    """The destination, on every port but those that are cut. Without ports all of it is cut."""
    if not destination.ports:
        return []
    behind: list[Object] = _blocks((*destination.addresses, *destination.cidrs))
    if destination.selector:
        pods = {"matchLabels": dict(sorted(destination.selector.items()))}
        behind.insert(0, {"namespaceSelector": _namespace(destination), "podSelector": pods})
    before = _blocks(destination.services)
    rules = [
        (behind, {(port.protocol, port.target) for port in destination.ports}),
        (before, {(port.protocol, port.port) for port in destination.ports}),
    ]
    return [{"to": to, "ports": _around(cut)} for to, cut in rules if to]


def _namespace(destination: CutDestination) -> Object:
    return {"matchLabels": {NAMESPACE: destination.namespace}}


def _blocks(addresses: Iterable[str]) -> list[Object]:
    return [{"ipBlock": {"cidr": str(network)}} for network in networks(addresses)]


def _around(cut: set[tuple[str, int]]) -> list[Object]:
    """Every port of TCP and UDP but those given, as ranges."""
    ranges: list[Object] = []
    for protocol in PROTOCOLS:
        numbers = sorted(number for other, number in cut if other == protocol)
        if not numbers:
            ranges.append({"protocol": protocol})
            continue
        first = 1
        for number in [*numbers, LAST_PORT + 1]:
            if first < number:
                one = {"protocol": protocol, "port": first}
                ranges.append(one | ({"endPort": number - 1} if number - 1 > first else {}))
            first = number + 1
    return ranges
