"""Whether a policy of Antrea's own kinds denies a pod some egress that a NetworkPolicy of the drill would open.

Antrea evaluates the policies of its baseline tier after Kubernetes' NetworkPolicies, so what a NetworkPolicy of the
drill admits is never denied by them. Policies of all other tiers come first: what they deny stays denied
(https://antrea.io/docs/v1.15.0/docs/antrea-network-policy).
"""

from collections.abc import Iterable

from gameday.cluster.resources import Object
from gameday.preflight.policies.pod_identity import PodIdentity
from gameday.preflight.policies.selectors import selects

BASELINE = "baseline"
"""Name of the tier that comes last; Antrea compares it without regard to case."""
DENIES = frozenset({"Drop", "Reject"})
READ = frozenset({"podSelector", "namespaceSelector"})
"""What is understood of an ``appliedTo``; groups and accounts count as if the pod were one of theirs."""


def isolates(policy: Object, identity: PodIdentity) -> bool:
    """Whether it does; a namespace whose labels are not known counts as if it were selected."""
    spec = policy.get("spec") or {}
    if str(spec.get("tier", "")).lower() != BASELINE:
        return False
    return any(
        rule.get("action") in DENIES and _applies(rule.get("appliedTo") or spec.get("appliedTo") or (), identity)
        for rule in spec.get("egress") or ()
    )


def _applies(to: Iterable[Object], identity: PodIdentity) -> bool:
    return any(not READ.issuperset(one) or _selects(one, identity) for one in to)


def _selects(one: Object, identity: PodIdentity) -> bool:
    where, labels = one.get("namespaceSelector"), identity.namespace_labels
    here = where is None or labels is None or selects(where, labels)
    return here and selects(one.get("podSelector") or {}, identity.labels)
