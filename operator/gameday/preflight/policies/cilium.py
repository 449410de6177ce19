"""Whether a policy of Cilium, of a namespace or of the cluster, isolates a pod for egress."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gameday.cluster.resources import Object
from gameday.preflight.policies.pod_identity import PodIdentity
from gameday.preflight.policies.selectors import selects

NAMESPACE: Final = "io.kubernetes.pod.namespace"
ACCOUNT: Final = "io.cilium.k8s.policy.serviceaccount"
CLUSTER: Final = "io.cilium.k8s.policy.cluster"
OF_NAMESPACE: Final = "io.cilium.k8s.namespace.labels."
SOURCES: Final = ("k8s:", "any:")
"""Sources that a selector may name before a label of a pod.

In what Cilium shows of its state the dot stands for the colon, but a policy's ``k8s.app`` is a label of that very name
(``GetExtendedKeyFrom`` in its pkg/labels).
"""


def isolates(policy: Object, identity: PodIdentity) -> bool:
    """Whether a policy isolates the pod, by a default deny for egress; denying some traffic does not isolate."""
    return any(_isolates(spec, identity) for spec in specs(policy))


def specs(policy: Object) -> Iterator[Object]:
    """The rules of a policy, from both fields that may hold them."""
    yield from (spec for spec in (policy.get("spec"), *(policy.get("specs") or ())) if spec)


def labels_of(identity: PodIdentity) -> Mapping[str, str]:
    """The labels by which Cilium knows a pod."""
    inherited = {f"{OF_NAMESPACE}{key}": value for key, value in (identity.namespace_labels or {}).items()}
    return {**inherited, **identity.labels, NAMESPACE: identity.namespace, ACCOUNT: identity.account}


def selects_place(selector: Mapping[str, Any] | None, identity: PodIdentity) -> bool:
    """Whether a selector selects a pod; what it asks of labels that are not known counts as if they had it."""
    if selector is None:
        return False
    unknown = (CLUSTER,) if identity.namespace_labels is not None else (CLUSTER, OF_NAMESPACE)
    return selects(without_sources(selector, unknown), labels_of(identity))


def without_sources(selector: Mapping[str, Any], left_out: tuple[str, ...] = ()) -> Object:
    """A selector with the keys of labels as pods have them.

    What it asks of labels whose keys begin with one of ``left_out`` is not in it.
    """
    labels = {bare(key): value for key, value in (selector.get("matchLabels") or {}).items()}
    expressions = [one | {"key": bare(one["key"])} for one in selector.get("matchExpressions") or ()]
    return {
        "matchLabels": {key: value for key, value in labels.items() if not key.startswith(left_out)},
        "matchExpressions": [one for one in expressions if not one["key"].startswith(left_out)],
    }


def bare(key: str) -> str:
    """A label's key without the source that Cilium may name before it."""
    return next((key.removeprefix(source) for source in SOURCES if key.startswith(source)), key)


def _isolates(spec: Object, identity: PodIdentity) -> bool:
    # One for nodes has no endpointSelector.
    if not selects_place(spec.get("endpointSelector"), identity):
        return False
    return denies_by_default(spec, "egress")


def denies_by_default(spec: Object, way: str) -> bool:
    """Whether a rule closes what no rule admits, for ``egress`` or ``ingress``; empty lists close nothing."""
    said = (spec.get("enableDefaultDeny") or {}).get(way)
    return bool(said) if said is not None else bool(spec.get(way) or spec.get(f"{way}Deny"))
