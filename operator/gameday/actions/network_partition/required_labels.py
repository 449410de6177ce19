"""Which labels of a target an agent's pod must have so that policies treat it as they treat the target.

Two kinds of policies matter: those that admit clients to the pods that the agent must reach, and those that isolate the
agent itself. A rule's peers are alternatives, and so are other rules for the same pods and ports: if one of them admits
the agent by the label ``gameday.dev/role``, the target's labels are not needed. Policies that select by other means, or
whose meaning is unknown here, are read literally: each requirement that the target meets and the agent does not is
needed.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gameday.cluster.resources import (
    ADMIN_POLICIES,
    AWS_CLUSTER_POLICIES,
    AWS_POLICIES,
    BASELINE_POLICIES,
    CILIUM_CLUSTERWIDE_POLICIES,
    CILIUM_NETWORK_POLICIES,
    CLUSTER_POLICIES,
    FQDN_POLICIES,
    NETWORK_POLICIES,
    PODS,
    Object,
    Resource,
)
from gameday.model.labels import PAIRED, RESERVED_LABELS, is_ours, ownership_labels
from gameday.preflight.policies.cilium import specs, without_sources
from gameday.preflight.policies.selectors import meets, requirements, selects
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of

BY_THE_LETTER: Final = (
    ADMIN_POLICIES,
    BASELINE_POLICIES,
    CLUSTER_POLICIES,
    AWS_CLUSTER_POLICIES,
    AWS_POLICIES,
    FQDN_POLICIES,
)
READ: Final = (NETWORK_POLICIES, CILIUM_NETWORK_POLICIES, CILIUM_CLUSTERWIDE_POLICIES, *BY_THE_LETTER)
"""Kinds of policies whose selectors are Kubernetes' own; Calico's are a language of text."""
NOT_LABELS: Final = ("io.kubernetes.", "io.cilium.", "reserved")
"""How keys begin by which Cilium knows a pod's namespace, account and more; these are the target's and ours alike."""
NAMESPACE: Final = "io.kubernetes.pod.namespace"
NAMESPACE_LABELS: Final = "io.cilium.k8s.namespace.labels."

Labels = Mapping[str, str]
Asked = Mapping[str, tuple[str, ...]]
"""Labels, and for each the policies that ask for it, as ``Kind/name``."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The pods that one ingress rule admits or denies; ``away`` if its policy is in another namespace."""

    policy: str
    subject: Object
    peers: tuple[Object, ...]
    ports: str
    denies: bool = False
    away: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """The pods whose egress a policy restricts; ``isolates`` if it denies more than some traffic."""

    policy: str
    selector: Object
    isolates: bool


def required_labels(snapshot: NamespaceSnapshot, own: Labels, agent_labels: Labels) -> Asked:
    """The labels that are needed with the target's own value, in addition to those that the pod has already."""
    found: dict[str, set[str]] = {}
    before = -1
    # An added label may make another policy treat the pods differently.
    while before < len(found):
        before = len(found)
        now = {**agent_labels, **{key: own[key] for key in found}}
        for policy, requirement in _differing(snapshot, own, now):
            if (key := requirement["key"]) in own:
                found.setdefault(key, set()).add(policy)
    return {key: tuple(sorted(policies)) for key, policies in found.items()}


def _differing(snapshot: NamespaceSnapshot, own: Labels, agent_labels: Labels) -> Iterator[tuple[str, Object]]:
    """Requirements that matter and that ours would not meet as the target does."""
    roles = [{**agent_labels, **ownership_labels("", role, role)} for role in PAIRED]
    there = {frozenset(_lasting(labels_of(pod)).items()) for pod in snapshot.of(PODS)}
    rules = [rule for rule in _rules(snapshot) if rule.away or _is_about_others(map(dict, there), own, rule)]
    for rule in rules:
        same = _admits(rule, own) == _admits(rule, roles[0]) == _admits(rule, roles[1])
        if not same and not (_admits(rule, own) and not rule.denies and _else_admits(rules, rule, roles)):
            yield from ((rule.policy, one) for one in _differ(rule.peers, own, agent_labels))
    subjects = list(_subjects(snapshot))
    isolated = any(one.isolates and selects(one.selector, agent_labels) for one in subjects)
    # What names our roles is there to let ours out.
    meant = all(
        any(selects(one.selector, r) and not selects(one.selector, agent_labels) for one in subjects) for r in roles
    )
    for one in subjects:
        held, ours_held = selects(one.selector, own), selects(one.selector, agent_labels)
        # What holds the target alone only restricts it, unless ours is held by another and needs this one's leave.
        if held is not ours_held and (ours_held or (isolated and not meant) or not one.isolates):
            yield from ((one.policy, requirement) for requirement in _differ(one.selector, own, agent_labels))
    for resource in BY_THE_LETTER:
        for policy in snapshot.policies(resource):
            yield from ((_name(resource, policy), one) for one in _differ(policy.get("spec"), own, agent_labels))


def _differ(thing: Any, own: Labels, agent_labels: Labels) -> Iterator[Object]:
    """The requirements that ours would not meet as the target does."""
    return (one for one in requirements(thing) if meets(one, own) is not meets(one, agent_labels))


def _admits(rule: Rule, labels: Labels) -> bool:
    return any(selects(peer, labels) for peer in rule.peers)


def _else_admits(rules: Iterable[Rule], rule: Rule, roles: Iterable[Labels]) -> bool:
    """Whether other rules for the same pods and ports admit ours in each role."""
    others = [
        one for one in rules if not one.denies and one.subject == rule.subject and one.ports in {rule.ports, "null"}
    ]
    return all(any(_admits(one, role) for one in others) for role in roles)


def _is_about_others(there: Iterable[Labels], own: Labels, rule: Rule) -> bool:
    """Whether a rule protects pods that agents do not dial, or no pods yet."""
    guarded = [labels for labels in there if selects(rule.subject, labels)]
    return not guarded or any(labels != _lasting(own) for labels in guarded)


def _lasting(labels: Labels) -> Labels:
    """Those that are not another's at each rollout."""
    return {key: value for key, value in labels.items() if key not in RESERVED_LABELS}


def _rules(snapshot: NamespaceSnapshot) -> Iterator[Rule]:
    here = [(policy, False) for policy in snapshot.of(NETWORK_POLICIES) if not is_ours(labels_of(policy))]
    for policy, away in (*here, *((policy, True) for policy in snapshot.service_policies if not _is_ciliums(policy))):
        name, subject = _name(NETWORK_POLICIES, policy), policy["spec"].get("podSelector") or {}
        for rule in policy["spec"].get("ingress") or ():
            # An address is not a label: policies treat it alike for the target and for an agent.
            near = (one for one in rule.get("from") or () if "ipBlock" not in one and _may_be_here(snapshot, one))
            peers = tuple(peer.get("podSelector") or {} for peer in near)
            yield Rule(name, subject, peers, json.dumps(rule.get("ports") or None), away=away)
    there = [(CILIUM_NETWORK_POLICIES, policy, True) for policy in snapshot.service_policies if _is_ciliums(policy)]
    for own in (CILIUM_NETWORK_POLICIES, CILIUM_CLUSTERWIDE_POLICIES):
        there += ((own, policy, False) for policy in snapshot.policies(own))
    for resource, policy, away in there:
        for spec in specs(policy) if not is_ours(labels_of(policy)) else ():
            for way in ("ingress", "ingressDeny"):
                for rule in spec.get(way) or ():
                    told = rule.get("fromEndpoints") or ()
                    near = (one for one in told if way != "ingress" or _cilium_may_mean_here(snapshot, one))
                    peers = tuple(without_sources(one, NOT_LABELS) for one in near)
                    ports = json.dumps(rule.get("toPorts"))
                    subject = without_sources(spec.get("endpointSelector") or {}, NOT_LABELS)
                    yield Rule(_name(resource, policy), subject, peers, ports, denies=way != "ingress", away=away)


def _may_be_here(snapshot: NamespaceSnapshot, peer: Object) -> bool:
    """Whether a peer of a NetworkPolicy may select pods of the drill's namespace; otherwise it cannot select agents."""
    known = snapshot.namespace_labels
    return "namespaceSelector" not in peer or known is None or selects(peer["namespaceSelector"] or {}, known)


def _cilium_may_mean_here(snapshot: NamespaceSnapshot, peer: Object) -> bool:
    """The same of a peer of Cilium's, which names the namespace or its labels among a pod's own."""
    known = {NAMESPACE: snapshot.namespace}
    if snapshot.namespace_labels is not None:
        known |= {f"{NAMESPACE_LABELS}{key}": value for key, value in snapshot.namespace_labels.items()}
    told = (NAMESPACE, NAMESPACE_LABELS) if snapshot.namespace_labels is not None else (NAMESPACE,)
    return all(meets(one, known) for one in requirements(without_sources(peer)) if one["key"].startswith(told))


def _is_ciliums(policy: Object) -> bool:
    return "podSelector" not in policy.get("spec", {})


def _subjects(snapshot: NamespaceSnapshot) -> Iterator[Subject]:
    for policy in snapshot.of(NETWORK_POLICIES):
        spec = policy["spec"]
        types = spec.get("policyTypes") or (["Egress"] if spec.get("egress") else [])
        if "Egress" in types and not is_ours(labels_of(policy)):
            yield Subject(_name(NETWORK_POLICIES, policy), spec.get("podSelector") or {}, isolates=True)
    for resource in (CILIUM_NETWORK_POLICIES, CILIUM_CLUSTERWIDE_POLICIES):
        for policy in snapshot.policies(resource):
            for spec in specs(policy) if not is_ours(labels_of(policy)) else ():
                if spec.get("egress") or spec.get("egressDeny"):
                    selector = without_sources(spec.get("endpointSelector") or {}, NOT_LABELS)
                    yield Subject(_name(resource, policy), selector, isolates=not spec.get("egressDeny"))


def _name(resource: Resource, policy: Object) -> str:
    return f"{resource.kind}/{policy['metadata']['name']}"
