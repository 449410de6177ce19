"""Whether a policy of Cilium, of a namespace or of the cluster, isolates a pod for egress."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gameday.cluster.resources import Object
from gameday.preflight.policies.pod_identity import PodIdentity
from gameday.preflight.policies.selectors import bare, selects

NAMESPACE: Final = "io.kubernetes.pod.namespace"
ACCOUNT: Final = "io.cilium.k8s.policy.serviceaccount"
CLUSTER: Final = "io.cilium.k8s.policy.cluster"
OF_NAMESPACE: Final = "io.cilium.k8s.namespace.labels."


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
    labels = {key: value for key, value in (selector.get("matchLabels") or {}).items() if _known(key, unknown)}
    expressions = [one for one in selector.get("matchExpressions") or () if _known(one["key"], unknown)]
    return selects({"matchLabels": labels, "matchExpressions": expressions}, labels_of(identity))


def _known(key: str, unknown: tuple[str, ...]) -> bool:
    return not bare(key).startswith(unknown)


def _isolates(spec: Object, identity: PodIdentity) -> bool:
    # One for nodes has no endpointSelector.
    if not selects_place(spec.get("endpointSelector"), identity):
        return False
    said = (spec.get("enableDefaultDeny") or {}).get("egress")
    return bool(said) if said is not None else "egress" in spec or "egressDeny" in spec
