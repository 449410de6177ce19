"""Whether an AdminNetworkPolicy, a BaselineAdminNetworkPolicy or a ClusterNetworkPolicy denies a pod some egress.

A baseline is evaluated only for pods that no NetworkPolicy isolates, so a NetworkPolicy of the drill would open what
the baseline denies. What the admin tier denies stays denied; it counts here as well, because what its other rules allow
cannot be cut.
"""

from collections.abc import Mapping

from gameday.cluster.kinds import Object
from gameday.preflight.policies.place import Place
from gameday.preflight.policies.selectors import selects


def isolates(policy: Object, place: Place) -> bool:
    """Whether it does; a namespace whose labels are not known counts as if it were selected."""
    spec = policy.get("spec") or {}
    denies = any(rule.get("action") == "Deny" for rule in spec.get("egress") or ())
    return denies and _is_subject(spec.get("subject") or {}, place)


def _is_subject(subject: Object, place: Place) -> bool:
    if "pods" in subject:
        pods = subject["pods"]
        return _selects(pods.get("namespaceSelector") or {}, place.namespace_labels) and selects(
            pods.get("podSelector") or {}, place.labels
        )
    return _selects(subject.get("namespaces") or {}, place.namespace_labels)


def _selects(selector: Object, labels: Mapping[str, str] | None) -> bool:
    return labels is None or selects(selector, labels)
