"""Whether an AdminNetworkPolicy, a BaselineAdminNetworkPolicy or a ClusterNetworkPolicy denies a pod some egress.

A baseline is evaluated only for pods that no NetworkPolicy isolates, so a NetworkPolicy of the drill would open what
the baseline denies. What the admin tier denies stays denied; it counts here as well, because what its other rules allow
cannot be cut.
"""

from collections.abc import Mapping

from gameday.cluster.resources import Object
from gameday.preflight.policies.pod_identity import PodIdentity
from gameday.preflight.policies.selectors import selects


def isolates(policy: Object, identity: PodIdentity) -> bool:
    """Whether it does; a namespace whose labels are not known counts as if it were selected."""
    spec = policy.get("spec") or {}
    denies = any(rule.get("action") == "Deny" for rule in spec.get("egress") or ())
    return denies and _is_subject(spec.get("subject") or {}, identity)


def _is_subject(subject: Object, identity: PodIdentity) -> bool:
    if "pods" in subject:
        pods = subject["pods"]
        return _selects(pods.get("namespaceSelector") or {}, identity.namespace_labels) and selects(
            pods.get("podSelector") or {}, identity.labels
        )
    return _selects(subject.get("namespaces") or {}, identity.namespace_labels)


def _selects(selector: Object, labels: Mapping[str, str] | None) -> bool:
    return labels is None or selects(selector, labels)
