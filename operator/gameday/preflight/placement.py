"""What agents' pods copy from the targets, and the nodes on which agents cannot run."""

from collections.abc import Iterable, Iterator
from typing import Final

from gameday.cluster.resources import Object
from gameday.model.placement import Mesh, Placement
from gameday.preflight.findings import Finding
from gameday.preflight.snapshot import labels_of

MESH_LABELS: Final = frozenset(
    {"istio.io/dataplane-mode", "istio.io/rev", "sidecar.istio.io/inject", "kuma.io/sidecar-injection", "kuma.io/mesh"}
)
MESH_ANNOTATIONS: Final = frozenset(
    {
        "linkerd.io/inject",
        "config.linkerd.io/opaque-ports",
        "config.linkerd.io/skip-outbound-ports",
        "sidecar.istio.io/inject",
        "traffic.sidecar.istio.io/includeOutboundIPRanges",
        "traffic.sidecar.istio.io/excludeOutboundIPRanges",
        "traffic.sidecar.istio.io/includeOutboundPorts",
        "traffic.sidecar.istio.io/excludeOutboundPorts",
        "kuma.io/mesh",
        "traffic.kuma.io/exclude-outbound-ports",
        "consul.hashicorp.com/connect-inject",
        "consul.hashicorp.com/transparent-proxy",
        "consul.hashicorp.com/transparent-proxy-exclude-outbound-ports",
        "consul.hashicorp.com/transparent-proxy-exclude-outbound-cidrs",
    }
)
"""By these a mesh takes a pod's traffic, or leaves a part of it out."""

OF_NODES: Final = "node.kubernetes.io/"
"""Taints of nodes that are not well: the API server tolerates them for every pod as it sees fit."""
FARGATE: Final = "eks.amazonaws.com/fargate-profile"
WINDOWS: Final = "windows"
SELECTS_OS: Final = ("kubernetes.io/os", "beta.kubernetes.io/os")


def placement_of(pods: Iterable[Object], account: Object | None) -> Placement:
    """What our pods take over: from the first of the targets by name, and pull secrets from all and the account.

    The account's come along because the API server adds them only to a pod that names none itself.
    """
    found = sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))
    holders = [*([account] if account is not None else ()), *(pod["spec"] for pod in found)]
    secrets = [secret["name"] for holder in holders for secret in holder.get("imagePullSecrets") or ()]
    spec = found[0]["spec"] if found else {}
    return Placement(
        tolerations=tuple(t for t in spec.get("tolerations") or () if not t.get("key", "").startswith(OF_NODES)),
        node_selector=dict(spec.get("nodeSelector") or {}),
        pull_secrets=tuple(dict.fromkeys(secrets)),
    )


def mesh_of(pod: Object) -> Mesh:
    """How a pod is enrolled in a mesh."""
    annotations = pod["metadata"].get("annotations") or {}
    return Mesh(
        {key: value for key, value in labels_of(pod).items() if key in MESH_LABELS},
        {key: value for key, value in annotations.items() if key in MESH_ANNOTATIONS},
    )


def check(path: str, pods: Iterable[Object]) -> Iterator[Finding]:
    """Targets on nodes where no witness can run."""
    found = sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))
    windows = [pod["metadata"]["name"] for pod in found if _on_windows(pod)]
    if windows:
        text = f"{_some(windows)} run on Windows nodes, where a drill's pods cannot run"
        yield Finding("WindowsTargets", path, text, "exclude them from podSelector")
    fargate = [pod["metadata"]["name"] for pod in found if _on_fargate(pod)]
    if fargate:
        text = f"{_some(fargate)} run on Fargate, where every pod has its own node, so a witness cannot share it"
        yield Finding("FargateTargets", path, text, "exclude them from podSelector, or run them on EC2 nodes")


def _on_windows(pod: Object) -> bool:
    spec = pod["spec"]
    chosen = spec.get("nodeSelector") or {}
    return (spec.get("os") or {}).get("name") == WINDOWS or any(chosen.get(key) == WINDOWS for key in SELECTS_OS)


def _on_fargate(pod: Object) -> bool:
    spec = pod["spec"]
    by_node = str(spec.get("nodeName", "")).startswith("fargate-")
    return FARGATE in labels_of(pod) or spec.get("schedulerName") == "fargate-scheduler" or by_node


def _some(names: list[str], most: int = 5) -> str:
    left = len(names) - most
    return ", ".join(names[:most]) + (f" and {left} more" if left > 0 else "")
