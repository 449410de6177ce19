"""Policies that already isolate a pod for egress: there a NetworkPolicy of the drill would allow traffic, not cut."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from gameday.cluster.http_errors import OPERATOR_COMMAND, OPT_IN_COMMAND
from gameday.cluster.resources import (
    ADMIN_POLICIES,
    ANTREA_CLUSTER_POLICIES,
    ANTREA_POLICIES,
    AWS_CLUSTER_POLICIES,
    AWS_POLICIES,
    BASELINE_POLICIES,
    CALICO_GLOBAL_POLICIES,
    CALICO_POLICIES,
    CALICO_V3_GLOBAL_POLICIES,
    CALICO_V3_POLICIES,
    CILIUM_CLUSTERWIDE_POLICIES,
    CILIUM_NETWORK_POLICIES,
    CLUSTER_POLICIES,
    FQDN_POLICIES,
    NETWORK_POLICIES,
    Object,
    Resource,
)
from gameday.model.labels import is_ours
from gameday.model.limits import CONFIG_MAP
from gameday.preflight.findings import Finding
from gameday.preflight.policies import antrea as isolation_by_antrea
from gameday.preflight.policies import calico as isolation_by_calico
from gameday.preflight.policies import cilium as isolation_by_cilium
from gameday.preflight.policies import tiers as isolation_by_tiers
from gameday.preflight.policies.isolators import ISOLATORS, OF_CLUSTER
from gameday.preflight.policies.pod_identity import PodIdentity, pod_identity_of
from gameday.preflight.policies.selectors import selects
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of

TOLD: Final = 5
"""Most policies that a message names."""
LIMITS_PAGE: Final = "docs/how-to/limits.md says when"
"""Where it stands what an administrator may say of a kind."""


def check(snapshot: NamespaceSnapshot, path: str, pods: Iterable[Object]) -> Iterator[Finding]:
    """What keeps a NetworkPolicy from being a cut of these pods, and nothing but a cut; ``path`` is the backend's."""
    if names := policies_isolating_egress(snapshot, pods):
        text = (
            f"{_some(names)} already isolate targets for egress; since policies only add permissions, a "
            "NetworkPolicy would cut nothing there, or would allow what they block"
        )
        yield Finding(
            "AlreadyIsolated",
            path,
            text,
            "use via: CiliumNetworkPolicy if the cluster runs Cilium, or select other targets",
        )
    for resource, why in snapshot.unread():
        yield _unread(snapshot, path, resource, why)


def policies_isolating_egress(snapshot: NamespaceSnapshot, pods: Iterable[Object]) -> tuple[str, ...]:
    """The policies that isolate any of the pods for egress, as ``Kind/name``."""
    places = {_key(pod): pod_identity_of(pod, snapshot.namespace, snapshot.namespace_labels) for pod in pods}
    return tuple(sorted({name for identity in places.values() for name in policies_isolating(snapshot, identity)}))


def policies_isolating(snapshot: NamespaceSnapshot, identity: PodIdentity) -> Iterator[str]:
    """The policies that isolate a pod for egress, as ``Kind/name``."""
    for resource, isolates in _READ.items():
        if resource.full_name in snapshot.isolators.assumed:
            continue
        for policy in snapshot.policies(resource):
            if not is_ours(labels_of(policy)) and isolates(policy, identity):
                yield f"{resource.kind}/{policy['metadata']['name']}"


def _network_policy_isolates(policy: Object, identity: PodIdentity) -> bool:
    spec = policy["spec"]
    # Without policyTypes a policy is about egress only when it has egress rules; the API server fills them in.
    types = spec.get("policyTypes") or (["Egress"] if spec.get("egress") else [])
    return "Egress" in types and selects(spec.get("podSelector") or {}, identity.labels)


def _fqdn_policy_isolates(policy: Object, identity: PodIdentity) -> bool:
    """Whether it does; policies of this kind are about egress alone."""
    return selects(policy["spec"].get("podSelector") or {}, identity.labels)


_READ: Final[Mapping[Resource, Callable[[Object, PodIdentity], bool]]] = {
    NETWORK_POLICIES: _network_policy_isolates,
    CILIUM_NETWORK_POLICIES: isolation_by_cilium.isolates,
    CILIUM_CLUSTERWIDE_POLICIES: isolation_by_cilium.isolates,
    CALICO_POLICIES: isolation_by_calico.isolates,
    CALICO_V3_POLICIES: isolation_by_calico.isolates,
    CALICO_GLOBAL_POLICIES: isolation_by_calico.isolates,
    CALICO_V3_GLOBAL_POLICIES: isolation_by_calico.isolates,
    ADMIN_POLICIES: isolation_by_tiers.isolates,
    BASELINE_POLICIES: isolation_by_tiers.isolates,
    CLUSTER_POLICIES: isolation_by_tiers.isolates,
    AWS_CLUSTER_POLICIES: isolation_by_tiers.isolates,
    AWS_POLICIES: _network_policy_isolates,
    FQDN_POLICIES: _fqdn_policy_isolates,
    ANTREA_POLICIES: isolation_by_antrea.isolates,
    ANTREA_CLUSTER_POLICIES: isolation_by_antrea.isolates,
}
"""How each kind is read."""


def _unread(snapshot: NamespaceSnapshot, path: str, resource: Resource, why: str) -> Finding:
    text = (
        f"the cluster has {resource.full_name}, but they cannot be read ({why.partition(';')[0]}); if one "
        "of them isolates the targets, a NetworkPolicy would allow what it blocks"
    )
    word = f"ask the administrator to write `assumeNotIsolatedBy: [{resource.full_name}]` in ConfigMap {CONFIG_MAP}"
    if resource not in ISOLATORS:
        return Finding("IsolationUnknown", path, text, f"if none of them does, {word}; {LIMITS_PAGE}")
    grant = OPERATOR_COMMAND if resource in OF_CLUSTER else OPT_IN_COMMAND.format(namespace=snapshot.namespace)
    return Finding("IsolationUnknown", path, text, f"grant the right with `{grant}`, or {word}")


def _key(pod: Object) -> tuple[object, ...]:
    return (*sorted(labels_of(pod).items()), pod["spec"].get("serviceAccountName"))


def _some(names: tuple[str, ...]) -> str:
    left = len(names) - TOLD
    return ", ".join(names[:TOLD]) + (f" and {left} more" if left > 0 else "")
