"""Policies that keep our pods from what they must reach are named, with the label that must be admitted."""

from dataclasses import replace

import pytest
import yaml

from gameday.actions.preflight import check
from gameday.actions.scale.kind import Scale
from gameday.cluster.resources import CALICO_GLOBAL_POLICIES, CILIUM_CLUSTERWIDE_POLICIES, Object, Resource
from gameday.model.places import redis_at
from gameday.model.plan import Fault, Outage, Plan, Probe, ServiceRef, Step
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.policies.isolators import Isolators
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.probes.http.kind import HttpProbe
from gameday.probes.redis.kind import RedisProbe
from gameday.probes.tcp.kind import TcpProbe
from pages import DOCS, blocks
from unit.preflight.things import a_snapshot, plan, pod, service
from workloads import deployment

WEB: Object = {"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}]}
HEALTH = Probe("health", HttpProbe("http://api/healthz"))
OBSERVER = {"podSelector": {"matchLabels": {"gameday.dev/role": "observer"}}}
DNS = {"to": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "UDP"}]}
NAMESPACE = {"kubernetes.io/metadata.name": "shop"}


def policy(name: str, **spec: object) -> Object:
    return {"metadata": {"name": name}, "spec": {"podSelector": {}, **spec}}


DENY = policy("default-deny", policyTypes=["Ingress", "Egress"])
DENY_IN = policy("no-one-in", policyTypes=["Ingress"])
DENY_OUT = policy("no-one-out", policyTypes=["Egress"], egress=[DNS])


def there(*policies: Object, **things: tuple[Object, ...]) -> NamespaceSnapshot:
    api = service("api", [{"name": "web", "port": 80, "targetPort": "http"}], "10.96.0.8", selector={"app": "api"})
    pods = (pod("api-1", **WEB), pod("redis-1", {"app": "redis"}, ip="10.0.0.3"))
    seen = a_snapshot(services=(service("redis", [{"port": 6379}]), api), networkpolicies=policies)
    seen.things = seen.things | {"pods": pods} | things
    seen.namespace_labels = NAMESPACE
    return seen


def shut_out(seen: NamespaceSnapshot, wanted: Plan | None = None) -> list[Finding]:
    return [one for one in check(seen, wanted or plan(probes=(HEALTH,))) if one.code == "AgentShutOut"]


def observer_shut_out(seen: NamespaceSnapshot) -> list[Finding]:
    return [one for one in shut_out(seen) if "the observer" in one.message]


def test_a_default_deny_that_shuts_the_observer_out_is_named() -> None:
    found = shut_out(there(DENY))
    ours = [one for one in found if one.path == "spec.probes[health].http.url"]
    assert [one.severity for one in ours] == [Severity.REFUSE, Severity.REFUSE]
    out, back = ours
    assert "the observer cannot reach Service api, port 80" in out.message
    assert "NetworkPolicy/default-deny isolates the observer for egress" in out.message
    assert "NetworkPolicy/default-deny isolates the pods behind it for ingress" in back.message
    assert "admits pods with the label gameday.dev/role=observer" in out.remedy
    (dns,) = [one for one in found if one.path == "spec.probes[health]"]
    assert (dns.severity, "DNS" in dns.message) == (Severity.WARN, True)


def test_what_the_same_policies_close_is_said_once() -> None:
    """A message has room for few findings, and ten probes of one namespace would be ten times two of the same."""
    flower = service("flower", [{"name": "web", "port": 80, "targetPort": "http"}], "10.96.0.9", selector={"app": "f"})
    seen = there(DENY)
    seen.things["services"] = (*seen.things["services"], flower)
    seen.things["pods"] = (*seen.things["pods"], pod("f-1", {"app": "f"}, ip="10.0.0.4", **WEB))
    probes = [Probe(f"p{i}", HttpProbe(f"http://{host}/")) for i, host in enumerate(("api", "flower", "api", "flower"))]
    out, back = [one for one in observer_shut_out(seen) if "Service" in one.message]
    found = [one for one in shut_out(seen, plan(probes=tuple(probes))) if "the observer cannot" in one.message]
    assert [one.message for one in found] == [
        out.message.replace("port 80,", "port 80; Service flower, port 80,"),
        back.message.replace("port 80,", "port 80; Service flower, port 80,"),
    ]
    assert {one.path for one in found} == {"spec.probes[p0].http.url"}


def test_the_pairs_are_shut_out_as_well_where_nobody_admits_the_targets() -> None:
    found = shut_out(there(DENY), plan(probes=()))
    assert {one.path for one in found} == {"spec.outage.faults[partition].networkPartition.to"}
    assert {one.message.partition(" cannot")[0] for one in found} == {"a pod with the targets' labels"}
    assert all("admits pods with the targets' labels there" in one.remedy for one in found)


def test_a_client_without_targets_is_shut_out_where_redis_admits_its_users_alone() -> None:
    """A fault that cuts nothing off has no targets, whose labels the client would have, and Redis would look down."""
    users = [{"podSelector": {"matchLabels": {"app": "api"}}}]
    admits = policy(
        "redis", policyTypes=["Ingress"], podSelector={"matchLabels": {"app": "redis"}}, ingress=[{"from": users}]
    )
    by_hand = replace(plan(), outage=Outage(60, (Fault("stop", Scale(deployment("redis"), 0)),)))
    (found,) = shut_out(there(admits), by_hand)
    assert (found.path, found.severity) == ("spec.probes[redis].redis", Severity.REFUSE)
    assert "the client, which asks Redis and has no labels of targets, cannot reach Service redis" in found.message
    assert "NetworkPolicy/redis isolates the pods behind it for ingress" in found.message
    assert "admits pods with the label gameday.dev/role=control there" in found.remedy
    users.append({"podSelector": {"matchLabels": {"gameday.dev/role": "control"}}})
    assert shut_out(there(admits), by_hand) == []


TO_API = [{"podSelector": {"matchLabels": {"app": "api"}}}]
ADMITTING: list[tuple[str, Object]] = [
    ("everything", {"egress": [{}]}),
    ("by labels", {"egress": [{"to": TO_API}, DNS]}),
    ("by labels and number", {"egress": [{"to": TO_API, "ports": [{"port": 8080}]}, DNS]}),
    ("by labels and name", {"egress": [{"to": TO_API, "ports": [{"port": "http"}]}, DNS]}),
    ("by a range of ports", {"egress": [{"to": TO_API, "ports": [{"port": 8000, "endPort": 9000}]}, DNS]}),
    ("by namespace", {"egress": [{"to": [{"namespaceSelector": {"matchLabels": NAMESPACE}}]}, DNS]}),
    ("by address", {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}, DNS]}),
    ("by the service's address", {"egress": [{"to": [{"ipBlock": {"cidr": "10.96.0.8/32"}}]}, DNS]}),
]


@pytest.mark.parametrize(("spec"), [spec for _, spec in ADMITTING], ids=[name for name, _ in ADMITTING])
def test_what_may_admit_the_observer_is_no_hindrance(spec: Object) -> None:
    assert not observer_shut_out(there(DENY_OUT, policy("admits", policyTypes=["Egress"], **(OBSERVER | spec))))


CLOSED: list[tuple[str, Object]] = [
    ("another port", {"egress": [{"to": TO_API, "ports": [{"port": 80}]}]}),
    ("another name", {"egress": [{"to": TO_API, "ports": [{"port": "web"}]}]}),
    ("another protocol", {"egress": [{"to": TO_API, "ports": [{"port": 8080, "protocol": "UDP"}]}]}),
    ("another namespace", {"egress": [{"to": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}]}]}),
    ("a hole", {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/16", "10.96.0.0/16"]}}]}]}),
    ("other pods", {"egress": [{"to": [{"podSelector": {"matchLabels": {"app": "x"}}}]}]}),
    ("others only", {"podSelector": {"matchLabels": {"app": "api"}}, "egress": [{}]}),
]


@pytest.mark.parametrize(("spec"), [spec for _, spec in CLOSED], ids=[name for name, _ in CLOSED])
def test_what_admits_something_else_does_not_help(spec: Object) -> None:
    found = observer_shut_out(there(DENY_OUT, policy("admits", policyTypes=["Egress"], **(OBSERVER | spec))))
    assert [one.severity for one in found] == [Severity.REFUSE]
    assert "NetworkPolicy/no-one-out" in found[0].message


@pytest.mark.parametrize(
    ("rule", "closed"),
    [
        ({"from": [{"podSelector": {"matchLabels": {"gameday.dev/role": "observer"}}}]}, False),
        ({"from": [{"podSelector": {}}], "ports": [{"port": "http"}]}, False),
        ({"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "front"}}}]}, True),
        ({"from": [{"podSelector": {}}], "ports": [{"port": 9090}]}, True),
        ({"from": [{"ipBlock": {"cidr": "192.168.0.0/16"}}]}, False),
    ],
)
def test_the_probed_pods_must_admit_the_observer(rule: Object, closed: bool) -> None:
    admits = policy("front", policyTypes=["Ingress"], podSelector={"matchLabels": {"app": "api"}}, ingress=[rule])
    assert bool(shut_out(there(DENY_IN_API, admits))) is closed


DENY_IN_API = policy("api-in", policyTypes=["Ingress"], podSelector={"matchLabels": {"app": "api"}})


@pytest.mark.parametrize(
    "probe",
    [
        HttpProbe("http://api.shop/healthz"),
        HttpProbe("http://api.shop.svc.cluster.local:80/healthz"),
        TcpProbe("api.shop.svc", 80),
    ],
)
def test_a_service_is_known_by_each_of_its_names(probe: HttpProbe | TcpProbe) -> None:
    assert shut_out(there(DENY_IN_API), plan(probes=(Probe("health", probe),)))


@pytest.mark.parametrize("host", ["api.pay", "api.pay.svc", "api.example.com", "10.96.0.8"])
def test_what_is_not_seen_is_not_judged(host: str) -> None:
    assert not shut_out(there(DENY_IN_API), plan(probes=(Probe("health", HttpProbe(f"http://{host}/")),)))


def test_a_pod_on_its_hosts_network_needs_no_policys_leave() -> None:
    assert not shut_out(there(DENY_IN_API, pods=(pod("api-1", hostNetwork=True), pod("api-2"))))


def test_one_open_way_is_enough() -> None:
    old = pod("api-2", {"app": "api", "old": "yes"}, **WEB)
    only_new = policy(
        "api-in",
        policyTypes=["Ingress"],
        podSelector={"matchExpressions": [{"key": "old", "operator": "DoesNotExist"}]},
    )
    assert not shut_out(there(only_new, pods=(pod("api-1", **WEB), old)), plan(probes=(HEALTH,)))


PORTS: Object = {"toPorts": [{"ports": [{"port": "8080", "protocol": "TCP"}]}]}
CILIUM: list[tuple[Object, bool]] = [
    # Cilium's documented default deny: a rule without peers and ports admits nothing; without a rule nothing is closed.
    ({"endpointSelector": {}, "egress": [{}]}, True),
    ({"endpointSelector": {}, "egress": []}, False),
    ({"endpointSelector": {}, "egressDeny": [{}]}, True),
    ({"endpointSelector": {}, "egressDeny": []}, False),
    ({"endpointSelector": {}, "egress": [{}], "enableDefaultDeny": {"egress": False}}, False),
    ({"endpointSelector": {}, "egress": [{}, {"toEndpoints": [{}]}]}, False),
    ({"endpointSelector": {}, "egress": [{"toEndpoints": []}]}, True),
    ({"endpointSelector": {}, "egress": [{"toEndpoints": [], **PORTS}]}, True),
    ({"endpointSelector": {}, "egress": [{"toServices": []}]}, True),
    ({"endpointSelector": {}, "egress": [{"toPorts": []}]}, True),
    ({"endpointSelector": {}, "egress": [{"toRequires": [{}]}]}, True),
    ({"endpointSelector": {}, "egress": [{"icmps": [{"fields": [{"type": 8}]}]}]}, True),
    ({"endpointSelector": {}, "egress": [{"toEntities": ["all"], "icmps": [{"fields": [{"type": 8}]}]}]}, True),
    ({"endpointSelector": {}, "egressDeny": [{}], "enableDefaultDeny": {"egress": False}}, False),
    ({"endpointSelector": {}, "egress": [{"toEndpoints": [{}]}]}, False),
    ({"endpointSelector": {}, "egress": [{"toEndpoints": [{"matchLabels": {"k8s:app": "api"}}]}]}, False),
    ({"endpointSelector": {}, "egress": [{"toEndpoints": [{"matchLabels": {"k8s:app": "x"}}]}]}, True),
    ({"endpointSelector": {}, "egress": [{"toEntities": ["cluster"]}]}, False),
    ({"endpointSelector": {}, "egress": [{"toEntities": ["world"]}]}, True),
    ({"endpointSelector": {}, "egress": [{"toCIDR": ["10.0.0.0/8"]}]}, True),
    ({"endpointSelector": {}, "egress": [{"toServices": [{}]}]}, False),
    ({"endpointSelector": {}, "egress": [PORTS]}, False),
    ({"endpointSelector": {}, "egress": [{"toPorts": [{"ports": [{"port": "http"}]}]}]}, False),
    ({"endpointSelector": {}, "egress": [{"toPorts": [{"ports": [{"port": "8000", "endPort": 9000}]}]}]}, False),
    ({"endpointSelector": {}, "egress": [{"toPorts": [{"ports": [{"port": "80", "protocol": "ANY"}]}]}]}, True),
    ({"endpointSelector": {"matchLabels": {"app": "api"}}, "egress": [{}]}, False),
]  # fmt: skip
CILIUM_IN: list[tuple[Object, bool]] = [
    ({"ingress": [{}]}, True),
    ({"ingress": []}, False),
    ({"ingressDeny": [{}]}, True),
    ({"ingress": [{"fromEndpoints": []}]}, True),
    ({"ingress": [{"fromRequires": [{}]}]}, True),
    ({"ingress": [{"icmps": [{"fields": [{"type": 8}]}]}]}, True),
    ({"ingress": [{"toPorts": [{"ports": [{"port": "80"}]}]}]}, True),
    ({"ingress": [PORTS]}, False),
    ({"ingress": [{"fromEndpoints": [{}]}]}, False),
    ({"ingress": [{"fromEndpoints": [{}], **PORTS}]}, False),
    ({"ingress": [{"fromEntities": ["cluster"]}]}, False),
]


@pytest.mark.parametrize(("spec", "closed"), CILIUM)
def test_policies_of_cilium_are_read_as_well(spec: Object, closed: bool) -> None:
    rule: Object = {"metadata": {"name": "rule"}, "spec": spec}
    found = [one for one in observer_shut_out(there(ciliumnetworkpolicies=(rule,))) if one.severity is Severity.REFUSE]
    assert bool(found) is closed
    assert all("CiliumNetworkPolicy/rule" in one.message for one in found)


@pytest.mark.parametrize(("rules", "closed"), CILIUM_IN)
def test_policies_of_cilium_at_the_probed_pods_are_read_as_well(rules: Object, closed: bool) -> None:
    spec: Object = {"endpointSelector": {"matchLabels": {"app": "api"}}, **rules}
    rule: Object = {"metadata": {"name": "rule"}, "spec": spec}
    found = [one for one in observer_shut_out(there(ciliumnetworkpolicies=(rule,))) if one.severity is Severity.REFUSE]
    assert bool(found) is closed


@pytest.mark.parametrize(
    ("rule", "closed"),
    [
        ({}, True),
        ({"toCIDR": []}, True),
        ({"toEntities": []}, True),
        ({"toServices": [], "toPorts": [{"ports": [{"port": "53"}]}]}, False),
        ({"toEntities": ["cluster"]}, False),
    ],
)
def test_an_empty_list_of_peers_does_not_admit_to_dns(rule: Object, closed: bool) -> None:
    spec: Object = {"endpointSelector": {}, "egress": [rule]}
    found = shut_out(there(ciliumnetworkpolicies=({"metadata": {"name": "rule"}, "spec": spec},)))
    assert any("DNS" in one.message for one in found) is closed


def test_a_clusterwide_policy_admits_as_well() -> None:
    seen = there(DENY_OUT)
    admits: Object = {"metadata": {"name": "all"}, "spec": {"endpointSelector": {}, "egress": [{"toEndpoints": [{}]}]}}
    seen.isolators = Isolators(frozenset({CILIUM_CLUSTERWIDE_POLICIES}), {CILIUM_CLUSTERWIDE_POLICIES: (admits,)})
    assert not shut_out(seen)


def test_where_calico_may_admit_them_it_is_a_warning() -> None:
    seen = there(DENY)
    seen.isolators = Isolators(frozenset({CALICO_GLOBAL_POLICIES}), {CALICO_GLOBAL_POLICIES: (policy("x"),)})
    assert {one.severity for one in shut_out(seen)} == {Severity.WARN}


def test_where_a_kind_that_no_reader_knows_may_admit_them_it_is_a_warning() -> None:
    seen, resource = there(DENY), Resource("example.com", "v1", "zonenetworkpolicies", "ZoneNetworkPolicy")
    seen.isolators = Isolators(frozenset({resource}), unread={resource: "there is one"})
    assert {one.severity for one in shut_out(seen)} == {Severity.WARN}


def fuse_out(*rules: Object) -> Object:
    """A policy that has fuses send only what these rules say."""
    fuses = {"matchLabels": {"gameday.dev/role": "fuse"}}
    return policy("fuse", podSelector=fuses, policyTypes=["Egress"], egress=list(rules))


ANYWHERE: Object = {"ipBlock": {"cidr": "10.0.0.5/32"}}


@pytest.mark.parametrize(
    ("rules", "severity"),
    [
        ([], Severity.REFUSE),
        ([{"to": [{"podSelector": {}}]}], Severity.REFUSE),
        ([{"to": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "UDP"}]}], Severity.REFUSE),
        ([{"to": [{"namespaceSelector": {}}], "ports": [{"port": 53}]}], Severity.WARN),
        ([{"to": [ANYWHERE], "ports": [{"port": 6443}]}], None),
        ([{"to": [ANYWHERE]}], None),
    ],
    ids=["nothing", "this namespace", "UDP alone", "another port, which may be its own", "its port", "every port"],
)
def test_a_fuse_that_cannot_reach_the_api_server_is_told_of(rules: list[Object], severity: Severity | None) -> None:
    """Found out after the outage, it is too late: the rollback never begins."""
    scaling = plan(None, Step("stop", Scale(deployment("worker"), 0)), probes=())
    found = [one for one in shut_out(there(DENY_OUT, fuse_out(*rules)), scaling) if "API server" in one.message]
    told = [("spec.rollback.steps[stop].scale", severity)] if severity is not None else []
    assert [(one.path, one.severity) for one in found] == told


def test_a_fuse_that_policies_which_are_not_read_may_admit_is_warned_of() -> None:
    seen = there(DENY_OUT)
    seen.isolators = Isolators(frozenset({CALICO_GLOBAL_POLICIES}), {CALICO_GLOBAL_POLICIES: (policy("x"),)})
    scaling = plan(None, Step("stop", Scale(deployment("worker"), 0)), probes=())
    found = [one for one in shut_out(seen, scaling) if "API server" in one.message]
    assert {one.severity for one in found} == {Severity.WARN}


def test_the_policies_of_the_page_admit_all_that_a_drill_needs() -> None:
    page = DOCS / "how-to" / "networks.md"
    (shown,) = (block for block in blocks(page, "yaml") if "gameday.dev/role: observer" in block)
    targets = policy("targets", podSelector={"matchLabels": {"app": "api"}}, policyTypes=["Egress"], egress=[
        {"to": [{"podSelector": {"matchLabels": {"app": "redis"}}}], "ports": [{"port": 6379}]}
    ])  # fmt: skip
    redis = policy("redis", podSelector={"matchLabels": {"app": "redis"}}, policyTypes=["Ingress"], ingress=[
        {"from": [{"podSelector": {"matchLabels": {"app": "api"}}}]}
    ])  # fmt: skip
    probes = (HEALTH, Probe("redis", RedisProbe(redis_at(service=ServiceRef("redis")))))
    wanted = plan(None, Step("stop", Scale(deployment("worker"), 0)), probes=probes)
    assert shut_out(there(DENY, targets, redis), wanted)
    assert not shut_out(there(DENY, targets, redis, *yaml.safe_load_all(shown)), wanted)


def test_one_admitted_port_of_the_dependency_is_enough() -> None:
    ports: list[Object] = [{"name": "metrics", "port": 9121}, {"name": "redis", "port": 6379}]
    admits = {"podSelector": {"matchLabels": {"app": "redis"}}, "policyTypes": ["Ingress"]}
    admitted = policy("redis", **admits, ingress=[{"ports": [{"port": 6379}]}])
    seen = there(admitted)
    assert seen.service is not None
    seen.service["spec"]["ports"] = ports
    assert shut_out(seen, plan(probes=())) == []
    seen = there(policy("redis", **admits, ingress=[{"ports": [{"port": 1}]}]))
    assert seen.service is not None
    seen.service["spec"]["ports"] = ports
    (found,) = shut_out(seen, plan(probes=()))
    assert "port 9121 or 6379" in found.message
