"""Proxies of service meshes beside a container: a witness must be carried by the mesh that carries its target.

A mesh carries traffic between its pods on a port of its own (Linkerd: 4143, Istio's ambient mode: 15008), so a cut of
the dependency's port stops a witness outside of the mesh, while the targets go on (linkerd/linkerd2#12382,
istio/istio#56659).
"""

from collections.abc import Iterable, Iterator
from typing import Final

from gameday.cluster.resources import Object
from gameday.preflight.findings import Finding

MESH_PROXIES: Final = frozenset({"istio-proxy", "linkerd-proxy", "kuma-sidecar", "consul-dataplane"})
"""Names of containers by which meshes carry a pod's traffic."""
INJECT_ALIKE: Final = (
    "have the mesh inject pods with the label gameday.dev/drill as it injects the targets; what enrols a target (its "
    "labels and annotations of its pod) is copied to its witness"
)


def proxies_of(pod: Object) -> frozenset[str]:
    """The containers of a pod by which a mesh carries its traffic, native sidecars included."""
    spec = pod["spec"]
    native = (one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always")
    return frozenset(one["name"] for one in (*(spec.get("containers") or ()), *native)) & MESH_PROXIES


def witness_outside(path: str, targets: Iterable[Object], witness: Object) -> Iterator[Finding]:
    """A finding if a mesh carries a target of a witness and would not carry the witness, as the API server answered it.

    ``path`` is the field that selects the targets.
    """
    has = proxies_of(witness)
    for pod in targets:
        if missing := sorted(proxies_of(pod) - has):
            text = (
                f"the traffic of pod {pod['metadata']['name']} goes through {', '.join(missing)}, and the drill's pod "
                f"{witness['metadata']['name']}, which shows whether the cut works, would be created without it: the "
                "mesh may carry the targets past a cut that stops this pod"
            )
            yield Finding("WitnessOutsideMesh", path, text, INJECT_ALIKE)
            return
