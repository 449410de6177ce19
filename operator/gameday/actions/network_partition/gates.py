"""The policies that decide who may reach the cut dependency; they are named if a kind of target can never connect.

Of pods in another namespace only the labels that their Service selects are known.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gameday.actions.network_partition.action import NetworkPartition
from gameday.cluster.resources import CILIUM_NETWORK_POLICIES, NETWORK_POLICIES, PODS, Object
from gameday.model.plan import ServiceRef
from gameday.preflight.policies.cilium import selects_place, specs, without_sources
from gameday.preflight.policies.pod_identity import pod_identity_of
from gameday.preflight.policies.selectors import selects
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of


def gates(snapshot: NamespaceSnapshot, partition: NetworkPartition) -> tuple[str, ...]:
    """The policies that surely hold what stands behind the Service that is cut for ingress, by kind and name."""
    selector = snapshot.service["spec"].get("selector") if snapshot.service is not None else None
    if not selector or not isinstance(partition.to, ServiceRef):
        return ()
    namespace, _ = partition.to.within(snapshot.namespace)
    found = _here(snapshot, selector) if namespace == snapshot.namespace else _there(snapshot, selector)
    names = sorted({f"{kind} {namespace}/{policy['metadata']['name']}" for kind, policy in found})
    unseen = [f"and policies that cannot be read: {snapshot.service_unread}"] if snapshot.service_unread else []
    return (*names, *unseen)


def _here(snapshot: NamespaceSnapshot, selector: Mapping[str, str]) -> Iterator[tuple[str, Object]]:
    behind = [pod for pod in snapshot.of(PODS) if selects({"matchLabels": selector}, labels_of(pod))]
    for policy in snapshot.of(NETWORK_POLICIES):
        if _of_ingress(policy) and any(selects(policy["spec"].get("podSelector"), labels_of(pod)) for pod in behind):
            yield NETWORK_POLICIES.kind, policy
    places = [pod_identity_of(pod, snapshot.namespace, snapshot.namespace_labels) for pod in behind]
    for policy in snapshot.of(CILIUM_NETWORK_POLICIES):
        if any(selects_place(one, identity) for one in _chosen(policy) for identity in places):
            yield CILIUM_NETWORK_POLICIES.kind, policy


def _there(snapshot: NamespaceSnapshot, selector: Mapping[str, str]) -> Iterator[tuple[str, Object]]:
    for policy in snapshot.service_policies:
        if "podSelector" in (policy.get("spec") or {}):
            if _of_ingress(policy) and _surely(policy["spec"]["podSelector"], selector):
                yield NETWORK_POLICIES.kind, policy
        elif any(_surely(without_sources(one), selector) for one in _chosen(policy)):
            yield CILIUM_NETWORK_POLICIES.kind, policy


def _surely(wanted: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector selects whatever has at least these labels."""
    return wanted is not None and not wanted.get("matchExpressions") and selects(wanted, labels)


def _chosen(policy: Object) -> Iterator[Object]:
    """Which pods a policy of Cilium's selects by its rules about what comes in; one for nodes selects none."""
    for spec in specs(policy):
        selector = spec.get("endpointSelector")
        if selector is not None and (spec.get("ingress") or spec.get("ingressDeny")):
            yield selector


def _of_ingress(policy: Object) -> bool:
    return "Ingress" in (policy["spec"].get("policyTypes") or ("Ingress",))
