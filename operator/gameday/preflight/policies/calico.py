"""Whether a policy of Calico's own isolates a pod for egress.

Any policy of type Egress that selects a pod isolates it, whatever its rules allow: traffic that no rule matches is
denied at the end of the tier. Calico reads NetworkPolicies as order 1000 among its own policies, so a NetworkPolicy of
the drill would allow what a later policy denies.
"""

from collections.abc import Mapping

from gameday.cluster.kinds import Object
from gameday.preflight.policies.calico_selectors import matches
from gameday.preflight.policies.place import Place

KUBERNETES_OWN = ("knp.", "kanp.", "kbanp.", "kcnp.")
"""How Calico names what it shows of Kubernetes' own policies, which are read where they are."""


def isolates(policy: Object, place: Place) -> bool:
    """Whether it does; a selector that cannot be decided counts as if it selected the pod."""
    if policy["metadata"]["name"].startswith(KUBERNETES_OWN):
        return False
    spec = policy.get("spec") or {}
    # Those hold for the interfaces of hosts, never for pods.
    if spec.get("doNotTrack") or spec.get("preDNAT") or not _is_about_egress(spec):
        return False
    return _selects(str(spec.get("selector") or ""), place) and _selects_namespace(
        str(spec.get("namespaceSelector") or ""), place
    )


def _is_about_egress(spec: Object) -> bool:
    types = spec.get("types")
    return "Egress" in types if types else bool(spec.get("egress"))


def _selects(selector: str, place: Place) -> bool:
    """Whether its selector selects the pod; a pod also has labels of its namespace and of its account."""
    own = {
        "projectcalico.org/namespace": place.namespace,
        "projectcalico.org/orchestrator": "k8s",
        "projectcalico.org/serviceaccount": place.account,
    }
    inherited = {f"pcns.{key}": value for key, value in _of_namespace(place).items()}
    unknown = ("pcsa.", "pcns.") if place.namespace_labels is None else ("pcsa.",)
    return matches(selector, {**inherited, **place.labels, **own}, unknown) is not False


def _selects_namespace(selector: str, place: Place) -> bool:
    # The empty beginning is that of every key.
    unknown = ("",) if place.namespace_labels is None else ()
    return matches(selector, _of_namespace(place), unknown) is not False


def _of_namespace(place: Place) -> Mapping[str, str]:
    return {**(place.namespace_labels or {}), "projectcalico.org/name": place.namespace}
