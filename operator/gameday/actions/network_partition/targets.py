"""The targets of a cut, and the labels and nodes of their witnesses and controls."""

from collections.abc import Iterable

from gameday.actions.network_partition.agent_labels import AgentLabels
from gameday.cluster.pod_status import has_ended
from gameday.cluster.resources import PODS, Object
from gameday.model.labels import is_ours
from gameday.model.placement import Mesh
from gameday.model.plan import Selector
from gameday.model.setup import MOST_PAIRS, Pair
from gameday.preflight.cut_destination import cut_destination, endpoint_addresses
from gameday.preflight.placement import mesh_of
from gameday.preflight.policies.selectors import as_json, selects
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of

__all__ = [
    "MOST_PAIRS",
    "addresses",
    "cut_destination",
    "endpoint_addresses",
    "kinds_of_pairs",
    "pairs",
    "selected",
    "targets",
]

_Kind = tuple[tuple[tuple[str, str], ...], ...]


def targets(snapshot: NamespaceSnapshot, selector: Selector) -> tuple[Object, ...]:
    """The running pods that a cut selects: not terminating, and no agents."""
    return tuple(pod for pod in selected(snapshot, selector) if pod.get("status", {}).get("phase") == "Running")


def selected(snapshot: NamespaceSnapshot, selector: Selector) -> tuple[Object, ...]:
    """The pods that a cut selects and that run or will run: not terminated or terminating, and no agents."""
    wanted = as_json(selector)
    return tuple(
        pod
        for pod in snapshot.of(PODS)
        if not is_ours(labels_of(pod))
        and selects(wanted, labels_of(pod))
        and not has_ended(pod)
        and "deletionTimestamp" not in pod["metadata"]
    )


def pairs(snapshot: NamespaceSnapshot, selector: Selector) -> tuple[Pair, ...]:
    """One pair for each node and kind of target, up to ``MOST_PAIRS``: every kind comes before a second node."""
    return kinds_of_pairs(snapshot, selector)[:MOST_PAIRS]


def kinds_of_pairs(snapshot: NamespaceSnapshot, selector: Selector) -> tuple[Pair, ...]:
    """All pairs that there could be; targets with the same labels that matter and the same mesh are of one kind."""
    nodes: dict[_Kind, set[str]] = {}
    agent_labels = AgentLabels(snapshot, selector)
    for pod in targets(snapshot, selector):
        if node := pod["spec"].get("nodeName", ""):
            mesh = mesh_of(pod)
            parts = agent_labels.labels(pod), mesh.labels, mesh.annotations
            nodes.setdefault(tuple(tuple(sorted(part.items())) for part in parts), set()).add(node)
    turns = max((len(found) for found in nodes.values()), default=0)
    return tuple(
        Pair(sorted(nodes[kind])[turn], dict(kind[0]), Mesh(dict(kind[1]), dict(kind[2])))
        for turn in range(turns)
        for kind in sorted(nodes)
        if turn < len(nodes[kind])
    )


def addresses(pods: Iterable[Object]) -> tuple[str, ...]:
    """The pods' addresses, of every family."""
    return tuple(sorted({address for pod in pods for address in addresses_of(pod)}))


def described(pods: Iterable[Object], selector: Selector) -> tuple[tuple[str, ...], ...]:
    """The current targets whose connections are to be closed: the name of each, then its addresses.

    A terminating target still uses its open connections. A target with host networking shares its address with the
    node, so it counts as having none. If no target exists, one entry without an address says so.
    """
    wanted = as_json(selector)
    found = [
        _described(pod)
        for pod in pods
        if not is_ours(labels_of(pod)) and selects(wanted, labels_of(pod)) and not has_ended(pod) and addresses_of(pod)
    ]
    return tuple(found) or (("any target (none was running)",),)


def _described(pod: Object) -> tuple[str, ...]:
    name, own, status = pod["metadata"]["name"], addresses_of(pod), pod.get("status", {})
    nodes = {status.get("hostIP"), *(entry.get("ip") for entry in status.get("hostIPs") or ())}
    if pod["spec"].get("hostNetwork") or nodes & set(own):
        return (f"pod {name}, which uses the host's network,",)
    return (f"pod {name} ({own[0]})", *own)


def addresses_of(pod: Object) -> tuple[str, ...]:
    """The addresses of a pod, of every family."""
    return tuple(entry["ip"] for entry in pod.get("status", {}).get("podIPs") or () if "ip" in entry)
