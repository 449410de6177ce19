"""Who is cut off and from what: the targets, their twins' labels, and the far end."""

from collections.abc import Iterable, Mapping

from gameday.cluster.kinds import CILIUM_NETWORK_POLICIES, NETWORK_POLICIES, PODS, Object
from gameday.faults.selectors import as_json, keys, selects
from gameday.faults.sight import Sight
from gameday.model.labels import DRILL
from gameday.model.plan import CidrTarget, HostTarget, NetworkPartition, Selector, ServiceRef
from gameday.model.setup import CutPort, FarEnd, Pair

MOST_PAIRS = 4
"""Most pairs of witness and control in a drill: one a node and kind of target, up to this."""

NEVER_WORN = frozenset({"pod-template-hash", "controller-revision-hash", "statefulset.kubernetes.io/pod-name"})
"""Labels by which controllers find their own pods: a twin never wears one."""


def labels_of(thing: Object) -> Mapping[str, str]:
    """An object's labels."""
    labels: Mapping[str, str] = thing["metadata"].get("labels") or {}
    return labels


def targets(sight: Sight, selector: Selector) -> tuple[Object, ...]:
    """The pods that a cut selects: alive, and none of ours."""
    wanted = as_json(selector)
    return tuple(
        pod
        for pod in sight.of(PODS)
        if DRILL not in labels_of(pod)
        and selects(wanted, labels_of(pod))
        and pod.get("status", {}).get("phase") in {"Running", "Pending"}
        and "deletionTimestamp" not in pod["metadata"]
    )


def twin_labels(sight: Sight, pod: Object, selector: Selector) -> dict[str, str]:
    """The labels of a target that its twin wears: those that some policy or the fault selects on."""
    policies = [*sight.of(NETWORK_POLICIES), *sight.of(CILIUM_NETWORK_POLICIES), *sight.service_policies]
    named = {key for policy in policies for key in keys(policy.get("spec"))}
    named |= set(selector.match_labels) | {key for key, _, _ in selector.expressions}
    return {k: v for k, v in labels_of(pod).items() if k in named - NEVER_WORN}


def pairs(sight: Sight, selector: Selector) -> tuple[Pair, ...]:
    """One pair for each node and kind of target, up to ``MOST_PAIRS``."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Pair] = {}
    for pod in targets(sight, selector):
        node = pod["spec"].get("nodeName", "")
        labels = twin_labels(sight, pod, selector)
        if node:
            found.setdefault((node, tuple(sorted(labels.items()))), Pair(node, labels))
    return tuple(found[key] for key in sorted(found))[:MOST_PAIRS]


def addresses(pods: Iterable[Object]) -> tuple[str, ...]:
    """The pods' addresses, of every family."""
    return tuple(
        sorted({entry["ip"] for pod in pods for entry in pod.get("status", {}).get("podIPs", ()) if "ip" in entry})
    )


def far_end(sight: Sight, partition: NetworkPartition) -> FarEnd:
    """What the targets are cut off from, as it is now."""
    match partition.to:
        case ServiceRef() as ref:
            return _service(sight, ref)
        case HostTarget(host, ports):
            suffix = "128" if ":" in host else "32"
            return FarEnd(cidrs=(f"{host}/{suffix}",), ports=tuple(CutPort(p, p) for p in ports))
        case CidrTarget(cidrs, ports):
            return FarEnd(cidrs=cidrs, ports=tuple(CutPort(p, p) for p in ports))


def _service(sight: Sight, ref: ServiceRef) -> FarEnd:
    service = sight.service
    if service is None:
        return FarEnd()
    spec = service["spec"]
    listening = {p.get("name", ""): p["port"] for piece in sight.endpoints for p in piece.get("ports") or ()}
    ports = tuple(
        CutPort(port["port"], _target_port(port, listening), port.get("protocol", "TCP"))
        for port in spec.get("ports", ())
        if ref.port is None or port["port"] == ref.port
    )
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    own = [*spec.get("clusterIPs", ()), *spec.get("externalIPs", ()), *(entry.get("ip", "") for entry in ingress)]
    return FarEnd(
        namespace=service["metadata"]["namespace"],
        selector=dict(spec.get("selector") or {}),
        addresses=endpoint_addresses(sight.endpoints),
        services=tuple(sorted({ip for ip in own if ip and ip != "None"})),
        ports=ports,
    )


def endpoint_addresses(slices: Iterable[Object]) -> tuple[str, ...]:
    """Every address behind a Service, ready or not."""
    return tuple(sorted({a for s in slices for e in s.get("endpoints") or () for a in e.get("addresses", ())}))


def _target_port(port: Mapping[str, object], listening: Mapping[str, int]) -> int:
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    return listening.get(str(port.get("name", "")), int(str(port["port"])))
