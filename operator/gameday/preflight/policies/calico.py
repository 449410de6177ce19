"""Whether a policy of Calico's own isolates a pod for egress.

Any policy of type Egress that selects a pod isolates it, whatever its rules allow: traffic that no rule matches is
denied at the end of the tier. Calico reads NetworkPolicies as order 1000 among its own policies, so a NetworkPolicy of
the drill would allow what a later policy denies.
"""

from collections.abc import Mapping

from gameday.cluster.resources import Object
from gameday.preflight.policies.calico_selectors import matches
from gameday.preflight.policies.pod_identity import PodIdentity

KUBERNETES_OWN = ("knp.", "kanp.", "kbanp.", "kcnp.")
"""How Calico names what it shows of Kubernetes' own policies, which are read where they are."""


def isolates(policy: Object, identity: PodIdentity) -> bool:
    """Whether it does; a selector that cannot be decided counts as if it selected the pod."""
    if policy["metadata"]["name"].startswith(KUBERNETES_OWN):
        return False
    spec = policy.get("spec") or {}
    # Those hold for the interfaces of hosts, never for pods.
    if spec.get("doNotTrack") or spec.get("preDNAT") or not _is_about_egress(spec):
        return False
    return _selects(str(spec.get("selector") or ""), identity) and _selects_namespace(
        str(spec.get("namespaceSelector") or ""), identity
    )


def _is_about_egress(spec: Object) -> bool:
    types = spec.get("types")
    return "Egress" in types if types else bool(spec.get("egress"))


def _selects(selector: str, identity: PodIdentity) -> bool:
    """Whether its selector selects the pod; a pod also has labels of its namespace and of its account."""
    own = {
        "projectcalico.org/namespace": identity.namespace,
        "projectcalico.org/orchestrator": "k8s",
        "projectcalico.org/serviceaccount": identity.account,
    }
    inherited = {f"pcns.{key}": value for key, value in _of_namespace(identity).items()}
    unknown = ("pcsa.", "pcns.") if identity.namespace_labels is None else ("pcsa.",)
    return matches(selector, {**inherited, **identity.labels, **own}, unknown) is not False


def _selects_namespace(selector: str, identity: PodIdentity) -> bool:
    # The empty beginning is that of every key.
    unknown = ("",) if identity.namespace_labels is None else ()
    return matches(selector, _of_namespace(identity), unknown) is not False


def _of_namespace(identity: PodIdentity) -> Mapping[str, str]:
    return {**(identity.namespace_labels or {}), "projectcalico.org/name": identity.namespace}
