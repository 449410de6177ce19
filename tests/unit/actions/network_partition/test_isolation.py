"""What isolates a target for egress, of every kind: a NetworkPolicy there would open what others close."""

from typing import Any

import pytest

from gameday.actions.preflight import check
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
    Object,
    Resource,
)
from gameday.model import limits
from gameday.model.plan import Via
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.policies.isolators import ISOLATORS, Isolators
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.preflight.things import a_snapshot, partition, plan, pod

LABELS = {"kubernetes.io/metadata.name": "shop", "tenant": "green"}


def policy(spec: Object, name: str = "closed") -> Object:
    return {"metadata": {"name": name}, "spec": spec}


def there(
    resource: Resource, *policies: Object, labels: dict[str, str] | None = LABELS, **things: tuple[Object, ...]
) -> NamespaceSnapshot:
    """A namespace without Cilium in which these policies are."""
    seen = a_snapshot(cilium=False, **things)
    seen.isolators = Isolators(frozenset({resource}), {resource: policies})
    seen.namespace_labels = labels
    return seen


def refused(seen: NamespaceSnapshot, via: Via = Via.AUTO) -> list[Finding]:
    found = [
        one for one in check(seen, plan(partition(via=via))) if one.code in {"AlreadyIsolated", "IsolationUnknown"}
    ]
    assert all(one.severity is Severity.REFUSE and one.path.endswith("networkPartition.via") for one in found)
    return found


EGRESS = {"types": ["Ingress", "Egress"]}
DENY = [{"name": "none", "action": "Deny", "to": [{"networks": ["0.0.0.0/0"]}]}]
DROP = [{"action": "Drop", "to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]
GREEN = {"matchLabels": {"tenant": "green"}}
BLUE = {"matchLabels": {"tenant": "blue"}}
APP = {"matchLabels": {"app": "api"}}
OTHER = {"matchLabels": {"app": "x"}}
CALICO_GLOBALS = (CALICO_GLOBAL_POLICIES, CALICO_V3_GLOBAL_POLICIES)
OPENSHIFT_STYLE = "has(projectcalico.org/name) && projectcalico.org/name not in {'kube-system', 'calico-system'}"

CALICO: list[tuple[Object, bool]] = [
    ({**EGRESS}, True),
    ({**EGRESS, "selector": "all()"}, True),
    ({**EGRESS, "selector": "app == 'api'"}, True),
    ({**EGRESS, "selector": "app == 'redis'"}, False),
    ({**EGRESS, "selector": "projectcalico.org/namespace == 'shop'"}, True),
    ({**EGRESS, "selector": "projectcalico.org/namespace != 'shop'"}, False),
    ({**EGRESS, "selector": "pcns.tenant == 'green' && app == 'api'"}, True),
    ({**EGRESS, "selector": "pcns.tenant == 'blue'"}, False),
    ({**EGRESS, "selector": "pcsa.role == 'x'"}, True),
    ({**EGRESS, "selector": "no selector at all"}, True),
    ({**EGRESS, "selector": "app == 'api'", "egress": [{"action": "Allow"}]}, True),
    ({"types": ["Ingress"], "selector": "all()"}, False),
    ({"selector": "all()", "egress": [{"action": "Allow"}]}, True),
    ({"selector": "all()", "ingress": []}, False),
]

GLOBAL: list[tuple[Object, bool]] = [
    *CALICO,
    ({**EGRESS, "namespaceSelector": OPENSHIFT_STYLE}, True),
    ({**EGRESS, "namespaceSelector": "projectcalico.org/name == 'kube-system'"}, False),
    ({**EGRESS, "namespaceSelector": "tenant == 'green'"}, True),
    ({**EGRESS, "namespaceSelector": "tenant == 'blue'"}, False),
    ({**EGRESS, "namespaceSelector": "global()"}, False),
    ({**EGRESS, "namespaceSelector": "global() || all()", "selector": "has(app)"}, True),
    ({**EGRESS, "doNotTrack": True, "applyOnForward": True}, False),
    ({"types": ["Egress"], "preDNAT": True, "applyOnForward": True}, False),
]


@pytest.mark.parametrize("resource", [CALICO_POLICIES, CALICO_V3_POLICIES], ids=lambda kind: str(kind.full_name))
@pytest.mark.parametrize(("spec", "isolates"), CALICO)
def test_a_policy_of_calico_isolates_whom_it_selects_for_egress(
    resource: Resource, spec: Object, isolates: bool
) -> None:
    assert bool(refused(there(resource, policy(spec)))) is isolates


@pytest.mark.parametrize("resource", CALICO_GLOBALS, ids=lambda kind: str(kind.full_name))
@pytest.mark.parametrize(("spec", "isolates"), GLOBAL)
def test_a_global_policy_of_calico_isolates_in_the_namespaces_that_it_selects(
    resource: Resource, spec: Object, isolates: bool
) -> None:
    assert bool(refused(there(resource, policy(spec)))) is isolates


TIERED: list[tuple[Object, bool]] = [
    ({"subject": {"namespaces": {}}, "egress": DENY}, True),
    ({"subject": {"namespaces": GREEN}, "egress": DENY}, True),
    ({"subject": {"namespaces": {"matchLabels": {"tenant": "blue"}}}, "egress": DENY}, False),
    ({"subject": {"pods": {"namespaceSelector": GREEN, "podSelector": APP}}, "egress": DENY}, True),
    ({"subject": {"pods": {"namespaceSelector": GREEN, "podSelector": OTHER}}, "egress": DENY}, False),
    ({"subject": {"namespaces": {}}, "egress": [{"action": "Allow", "to": []}]}, False),
    ({"subject": {"namespaces": {}}, "egress": [{"action": "Pass"}, *DENY]}, True),
    ({"subject": {"namespaces": {}}, "ingress": [{"action": "Deny", "from": []}]}, False),
]  # fmt: skip


@pytest.mark.parametrize(
    "resource",
    [ADMIN_POLICIES, BASELINE_POLICIES, CLUSTER_POLICIES, AWS_CLUSTER_POLICIES],
    ids=lambda resource: str(resource.full_name),
)
@pytest.mark.parametrize(("spec", "isolates"), TIERED)
def test_a_tier_isolates_the_subjects_to_which_it_denies_egress(
    resource: Resource, spec: Object, isolates: bool
) -> None:
    assert bool(refused(there(resource, policy(spec)))) is isolates


ANTREA: list[tuple[Object, bool]] = [
    ({"tier": "baseline", "appliedTo": [{"podSelector": APP}], "egress": DROP}, True),
    ({"tier": "Baseline", "appliedTo": [{"podSelector": {}}], "egress": [{"action": "Reject"}]}, True),
    ({"tier": "baseline", "egress": [{"action": "Drop", "appliedTo": [{"podSelector": APP}]}]}, True),
    ({"tier": "baseline", "appliedTo": [{"group": "apps"}], "egress": DROP}, True),
    ({"tier": "baseline", "appliedTo": [{"namespaceSelector": GREEN}], "egress": DROP}, True),
    ({"tier": "baseline", "appliedTo": [{"namespaceSelector": BLUE}], "egress": DROP}, False),
    ({"tier": "baseline", "appliedTo": [{"podSelector": OTHER}], "egress": DROP}, False),
    ({"tier": "baseline", "appliedTo": [{"podSelector": APP}], "egress": [{"action": "Allow"}]}, False),
    ({"tier": "baseline", "appliedTo": [{"podSelector": APP}], "ingress": DROP}, False),
    ({"tier": "securityops", "appliedTo": [{"podSelector": APP}], "egress": DROP}, False),
    ({"appliedTo": [{"podSelector": APP}], "egress": DROP}, False),
]


@pytest.mark.parametrize("resource", [ANTREA_POLICIES, ANTREA_CLUSTER_POLICIES], ids=lambda one: str(one.full_name))
@pytest.mark.parametrize(("spec", "isolates"), ANTREA)
def test_what_antreas_last_tier_denies_a_network_policy_would_open(
    resource: Resource, spec: Object, isolates: bool
) -> None:
    assert bool(refused(there(resource, policy(spec)))) is isolates


AWS: list[tuple[Object, bool]] = [
    ({"podSelector": {}, "policyTypes": ["Egress"]}, True),
    ({"podSelector": APP, "policyTypes": ["Egress"], "egress": [{"to": [{"domainNames": ["example.com"]}]}]}, True),
    ({"podSelector": APP, "egress": [{}]}, True),
    ({"podSelector": APP, "policyTypes": ["Ingress"]}, False),
    ({"podSelector": OTHER, "policyTypes": ["Egress"]}, False),
]
GKE: list[tuple[Object, bool]] = [
    ({"podSelector": {}, "egress": [{"matches": [{"name": "example.com"}]}]}, True),
    ({"podSelector": APP}, True),
    ({"podSelector": OTHER, "egress": [{"matches": [{"name": "example.com"}]}]}, False),
]


@pytest.mark.parametrize(
    ("resource", "spec", "isolates"),
    [*((AWS_POLICIES, *row) for row in AWS), *((FQDN_POLICIES, *row) for row in GKE)],
)
def test_policies_about_domains_isolate_whom_they_select(resource: Resource, spec: Object, isolates: bool) -> None:
    assert bool(refused(there(resource, policy(spec)))) is isolates


CILIUM: list[tuple[Object, bool]] = [
    ({"endpointSelector": {}, "egress": [{}]}, True),
    ({"endpointSelector": {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "shop"}}, "egress": [{}]}, True),
    ({"endpointSelector": {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "pay"}}, "egress": [{}]}, False),
    ({"endpointSelector": {"matchLabels": {"io.cilium.k8s.namespace.labels.tenant": "green"}}, "egress": [{}]}, True),
    ({"endpointSelector": {"matchLabels": {"io.cilium.k8s.namespace.labels.tenant": "blue"}}, "egress": [{}]}, False),
    ({"endpointSelector": {"matchLabels": {"io.cilium.k8s.policy.serviceaccount": "default"}}, "egress": [{}]}, True),
    ({"endpointSelector": {"matchLabels": {"io.cilium.k8s.policy.serviceaccount": "x"}}, "egress": [{}]}, False),
    ({"endpointSelector": {"matchLabels": {"io.cilium.k8s.policy.cluster": "west"}}, "egress": [{}]}, True),
    ({"endpointSelector": {}, "egressDeny": [{}], "enableDefaultDeny": {"egress": False}}, False),
    ({"endpointSelector": {}, "egressDeny": [{}]}, True),
    ({"endpointSelector": {}, "egress": [], "egressDeny": []}, False),
    ({"nodeSelector": {}, "egress": [{}]}, False),
]


@pytest.mark.parametrize(("spec", "isolates"), CILIUM)
def test_a_clusterwide_policy_of_cilium_isolates_whom_it_selects_anywhere(spec: Object, isolates: bool) -> None:
    assert bool(refused(there(CILIUM_CLUSTERWIDE_POLICIES, policy(spec)))) is isolates
    several: Object = {"metadata": {"name": "closed"}, "specs": [{"endpointSelector": APP, "ingress": [{}]}, spec]}
    assert bool(refused(there(CILIUM_CLUSTERWIDE_POLICIES, several))) is isolates


@pytest.mark.parametrize("key", ["k8s.acme.com/zone", "any.acme.com/zone"])
def test_a_policy_that_selects_by_a_key_that_begins_like_a_source_of_ciliums_isolates(key: str) -> None:
    closed = policy({"podSelector": {"matchLabels": {key: "a"}}, "policyTypes": ["Egress"]})
    seen = a_snapshot(cilium=False, networkpolicies=(closed,), pods=(pod("api-1", {"app": "api", key: "a"}),))
    assert [one.code for one in refused(seen)] == ["AlreadyIsolated"]


def test_what_isolates_is_named_with_its_kind() -> None:
    (finding,) = refused(there(BASELINE_POLICIES, policy({"subject": {"namespaces": {}}, "egress": DENY}, "default")))
    assert finding.code == "AlreadyIsolated"
    assert finding.message.startswith("BaselineAdminNetworkPolicy/default already isolate targets for egress")


@pytest.mark.parametrize(
    ("resource", "spec"),
    [
        (CALICO_GLOBAL_POLICIES, {**EGRESS, "namespaceSelector": "tenant == 'blue'"}),
        (CALICO_GLOBAL_POLICIES, {**EGRESS, "selector": "pcns.tenant == 'blue'"}),
        (BASELINE_POLICIES, {"subject": {"namespaces": {"matchLabels": {"tenant": "blue"}}}, "egress": DENY}),
        (
            CILIUM_CLUSTERWIDE_POLICIES,
            {"endpointSelector": {"matchLabels": {"io.cilium.k8s.namespace.labels.tenant": "blue"}}, "egress": [{}]},
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Resource) else "",
)
def test_a_namespace_whose_labels_are_not_known_counts_as_selected(resource: Resource, spec: Object) -> None:
    assert refused(there(resource, policy(spec), labels=None))
    assert not refused(there(resource, policy(spec)))


def test_a_target_that_does_not_run_yet_counts() -> None:
    late = pod("api-3", {"app": "api", "canary": "yes"}) | {"status": {"phase": "Pending"}}
    seen = there(CALICO_POLICIES, policy({**EGRESS, "selector": "has(canary)"}), pods=(pod("api-1"), late))
    assert refused(seen)


def test_calicos_view_of_kubernetes_own_policies_is_passed_over() -> None:
    shown = policy({**EGRESS, "selector": "app == 'api'"}, "knp.default.it-partition")
    assert not refused(there(CALICO_V3_POLICIES, shown))


@pytest.mark.parametrize("resource", ISOLATORS, ids=lambda kind: str(kind.full_name))
def test_what_is_installed_and_cannot_be_read_counts_as_isolating(resource: Resource) -> None:
    seen = a_snapshot(cilium=False)
    seen.isolators = Isolators(
        frozenset({resource}), unread={resource: "list it: jane cannot list it; the rights come with x"}
    )
    if resource is CILIUM_NETWORK_POLICIES:
        seen.missing[resource.plural] = "list it: jane cannot list it; the rights come with x"
    (finding,) = refused(seen)
    assert finding.code == "IsolationUnknown"
    assert resource.full_name in finding.message
    assert "(list it: jane cannot list it)" in finding.message
    assert f"`assumeNotIsolatedBy: [{resource.full_name}]` in ConfigMap gameday-limits" in finding.remedy
    assert "`kubectl apply " in finding.remedy
    assert not refused(seen, Via.CILIUM), "what opens nothing needs to know nothing"
    seen.isolators.assumed = frozenset({resource.full_name})
    assert not refused(seen)


def test_a_kind_that_no_reader_knows_is_named_with_the_way_out() -> None:
    resource = Resource("example.com", "v1", "zonenetworkpolicies", "ZoneNetworkPolicy")
    seen = a_snapshot(cilium=False)
    seen.isolators = Isolators(frozenset({resource}), unread={resource: "there is zonenetworkpolicies/closed"})
    (finding,) = refused(seen)
    assert finding.code == "IsolationUnknown"
    assert "zonenetworkpolicies.example.com" in finding.message
    assert "(there is zonenetworkpolicies/closed)" in finding.message
    assert "kubectl apply" not in finding.remedy, "no manifest grants it"
    assert f"`assumeNotIsolatedBy: [{resource.full_name}]` in ConfigMap gameday-limits" in finding.remedy
    assert not refused(seen, Via.CILIUM)
    seen.isolators.assumed = frozenset({resource.full_name})
    assert not refused(seen)


@pytest.mark.parametrize(
    ("resource", "spec"),
    [
        (CILIUM_CLUSTERWIDE_POLICIES, {"endpointSelector": {}, "egress": [{"toEntities": ["all"]}]}),
        (ADMIN_POLICIES, {"subject": {"namespaces": {}}, "egress": DENY}),
        (CALICO_GLOBAL_POLICIES, EGRESS),
    ],
    ids=lambda value: value.kind if isinstance(value, Resource) else "",
)
def test_the_owners_word_and_a_cut_by_cilium_are_not_refused(resource: Resource, spec: Any) -> None:
    seen = there(resource, policy(spec))
    assert refused(seen)
    seen.isolators.assumed = frozenset({resource.full_name})
    assert not refused(seen)
    cut_by_cilium = a_snapshot()
    cut_by_cilium.isolators = Isolators(frozenset({resource}), {resource: (policy(spec),)})
    assert check(cut_by_cilium, plan()) == ()


def test_the_owner_can_name_every_kind_and_is_told_of_each() -> None:
    assert {resource.full_name for resource in ISOLATORS} == limits.ISOLATORS
    assert all(map(limits.is_isolator, limits.ISOLATORS))
