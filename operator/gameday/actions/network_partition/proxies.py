"""Proxies that hide whether the targets' open connections are gone.

Only proxies that are visible in the pods are found here. A drill reports others once it has counted connections.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from gameday.actions.network_partition.action import NetworkPartition, OpenConnections
from gameday.actions.network_partition.closing_plan import closing_plan_of
from gameday.actions.network_partition.targets import targets
from gameday.cluster.resources import PODS, Object
from gameday.model.labels import is_ours
from gameday.model.plan import ServiceRef
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.mesh import MESH_PROXIES
from gameday.preflight.policies.selectors import selects
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of

PROXIES: Final = frozenset({"haproxy", "envoy", "twemproxy", "nutcracker", "predixy"})
"""Names of images of proxies that people put before a Redis."""
DECIDES: Final = "this drill can only be decided on a network that ends open connections itself"


def check(snapshot: NamespaceSnapshot, path: str, partition: NetworkPartition) -> Iterator[Finding]:
    """Warnings for a drill that may see nothing of open connections; ``path`` is the partition's."""
    if partition.open_connections is not OpenConnections.CLOSE:
        return
    if (found := _first(_behind(snapshot, partition))) is not None:
        text = (
            f"a proxy runs in front of the dependency ({found}), so Redis sees the proxy's address and "
            f"not those of the targets; closing connections at Redis proves nothing, and {DECIDES} "
            "(ConnectionsKept)"
        )
        remedy = "name the Service of the Redis pods, or set openConnections: Keep"
        yield Finding("HiddenConnections", f"{path}.to", text, remedy, Severity.WARN)
    own = _first(targets(snapshot, partition.pod_selector), proxies=frozenset())
    if own is not None and closing_plan_of(snapshot, partition) is None:
        text = (
            f"the targets' traffic goes through a sidecar ({own}), and the drill cannot see its "
            "connections end: without a Redis that closes them this drill cannot be decided "
            "(ConnectionsKept)"
        )
        remedy = "cut off a redis dependency with service and auth, or set openConnections: Keep"
        yield Finding("HiddenConnections", f"{path}.podSelector", text, remedy, Severity.WARN)


def _behind(snapshot: NamespaceSnapshot, partition: NetworkPartition) -> Iterator[Object]:
    """The pods behind the Service that is cut, where they are seen: in the drill's own namespace."""
    if not isinstance(partition.to, ServiceRef) or snapshot.service is None:
        return
    selector = snapshot.service["spec"].get("selector")
    if selector and partition.to.within(snapshot.namespace)[0] == snapshot.namespace:
        yield from (
            pod
            for pod in snapshot.of(PODS)
            if not is_ours(labels_of(pod)) and selects({"matchLabels": selector}, labels_of(pod))
        )


def _first(pods: Iterable[Object], proxies: frozenset[str] = PROXIES) -> str | None:
    """The first container that is a proxy, with its pod."""
    for pod in pods:
        spec = pod["spec"]
        for one in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
            beside = one in (spec.get("containers") or ()) or one.get("restartPolicy") == "Always"
            image = str(one.get("image", "")).rpartition("/")[2].partition("@")[0].partition(":")[0]
            if beside and (one["name"] in MESH_PROXIES or image in proxies):
                return f"{one['name']} in pod {pod['metadata']['name']}"
    return None
