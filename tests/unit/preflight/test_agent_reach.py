"""What our pods must reach beyond their namespace: refused where surely nothing admits it, else warned of or not."""

from dataclasses import replace

import pytest

from gameday.actions.http.call import Call
from gameday.actions.http.change import EndingHttp, Http
from gameday.actions.http.once import HttpOnce
from gameday.actions.preflight import check
from gameday.actions.redis_acl.kind import RedisAcl
from gameday.actions.redis_acl.noted import Administered
from gameday.cluster.resources import CALICO_GLOBAL_POLICIES, CILIUM_CLUSTERWIDE_POLICIES, Object
from gameday.model.places import redis_at
from gameday.model.plan import Action, Fault, Outage, Plan, Probe, ServiceRef, Step
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.policies.isolators import Isolators
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.probes.http.kind import HttpProbe
from gameday.probes.redis.kind import RedisProbe
from gameday.probes.request import HttpRequest
from gameday.probes.tcp.kind import TcpProbe
from unit.preflight.things import a_snapshot, isolating_policy, plan, pod, service

ELSEWHERE: Object = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
HERE: Object = {"podSelector": {}}
BLOCK: Object = {"ipBlock": {"cidr": "0.0.0.0/0"}}
UDP: Object = {"to": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "UDP"}]}
DNS: Object = {"to": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]}
DENY: Object = isolating_policy("default-deny", {}, policyTypes=["Ingress", "Egress"])
REFUSE, WARN = Severity.REFUSE, Severity.WARN


def to(peer: Object, *ports: Object) -> Object:
    return {"to": [peer], **({"ports": list(ports)} if ports else {})}


def admits(role: str, *rules: Object) -> Object:
    return isolating_policy(role, {"gameday.dev/role": role}, policyTypes=["Egress"], egress=list(rules))


def there(*policies: Object, **things: tuple[Object, ...]) -> NamespaceSnapshot:
    """A namespace that admits the targets and Redis to each other, with these policies."""
    pair = isolating_policy("pair", {"app": "api"}, policyTypes=["Egress"], egress=[to(HERE)])
    redis = isolating_policy("redis", {"app": "redis"}, policyTypes=["Ingress"], ingress=[{}])
    seen = a_snapshot(networkpolicies=(pair, redis, *policies))
    seen.things |= things
    return seen


def asking(where: str | HttpProbe | TcpProbe | RedisProbe) -> Plan:
    return plan(probes=(Probe("asks", HttpProbe(where) if isinstance(where, str) else where),))


def found(seen: NamespaceSnapshot, wanted: Plan, whose: str = "the observer") -> list[Finding]:
    """What the checks say about an agent, without findings about DNS and the API server."""
    every = [one for one in check(seen, wanted) if one.code == "AgentShutOut" and one.message.startswith(whose)]
    return [one for one in every if " reach DNS," not in one.message and " the API server," not in one.message]


SERVICE, WORDS = "http://prometheus.monitoring.svc", "http://prometheus.monitoring"
HOST, ADDRESS, PRIVATE = "https://status.shop.example", "https://1.1.1.1/", "http://10.96.0.8/"
RULES: dict[str, tuple[Object, ...]] = {
    "nothing": (),
    "DNS by UDP": (UDP,),
    "DNS": (DNS,),
    "pods of this namespace": (DNS, to(HERE)),
    "the namespace, another port": (DNS, to(ELSEWHERE, {"port": 9090})),
    "a named port": (DNS, to(ELSEWHERE, {"port": "web"})),
    "a range with DNS in it": (to(ELSEWHERE, {"port": 53, "endPort": 60}),),
    "addresses": (DNS, to(BLOCK)),
    "addresses, 443": (DNS, to(BLOCK, {"port": 443})),
    "addresses, 8443": (DNS, to(BLOCK, {"port": 8443})),
}
GRADES: dict[str, dict[str, Severity | None]] = {
    SERVICE: {"nothing": REFUSE, "DNS by UDP": REFUSE, "DNS": WARN, "pods of this namespace": WARN},
    WORDS: {"nothing": REFUSE, "DNS by UDP": REFUSE, "DNS": WARN, "pods of this namespace": WARN},
    HOST: {
        "nothing": REFUSE, "DNS by UDP": REFUSE, "DNS": WARN, "pods of this namespace": WARN,
        "the namespace, another port": WARN, "a range with DNS in it": WARN, "addresses, 8443": WARN,
    },
    ADDRESS: {
        "nothing": WARN, "DNS by UDP": WARN, "DNS": WARN, "pods of this namespace": WARN,
        "the namespace, another port": WARN, "a range with DNS in it": WARN, "addresses, 8443": WARN,
    },
    PRIVATE: {"nothing": WARN, "DNS by UDP": WARN, "DNS": WARN},
}  # fmt: skip
"""How sure it is that a default deny with these rules closes a way; what is not named is no hindrance."""


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("where", GRADES)
def test_a_probe_beyond_the_namespace_is_refused_where_nothing_admits_it(where: str, rules: str) -> None:
    """Else the drill is NotSteady, and blames the system."""
    seen = there(DENY, admits("observer", *RULES[rules]))
    grade = GRADES[where].get(rules)
    assert [one.severity for one in found(seen, asking(where))] == ([grade] if grade is not None else [])


def test_the_policy_the_way_and_what_would_admit_it_are_named() -> None:
    (sure,) = found(there(DENY, admits("observer", UDP)), asking(SERVICE))
    assert sure.path == "spec.probes[asks].http.url"
    assert sure.message == (
        "the observer cannot reach prometheus.monitoring.svc:80, because NetworkPolicy/default-deny, "
        "NetworkPolicy/observer isolates it for egress and no rule admits TCP to anything outside the namespace; the "
        "drill would blame the system for it"
    )
    assert "admits pods with the label gameday.dev/role=observer there" in sure.remedy
    (maybe,) = found(there(DENY, admits("observer", DNS)), asking(SERVICE))
    assert "can probably not reach prometheus.monitoring.svc:80, because" in maybe.message
    assert "no rule admits TCP to ports other than that of DNS outside the namespace; the drill" in maybe.message
    (port,) = found(there(DENY, admits("observer", DNS)), asking(HOST))
    assert "no rule admits TCP to port 443 outside the namespace" in port.message


def test_a_rule_for_pods_of_this_namespace_admits_to_no_service_of_another() -> None:
    """A host is another matter: its name may lead to an ingress here."""
    for where, grade in ((SERVICE, REFUSE), (WORDS, WARN), (HOST, WARN)):
        assert [one.severity for one in found(there(DENY, admits("observer", to(HERE))), asking(where))] == [grade]


@pytest.mark.parametrize("name", ["web-0.web", "web-0.web.shop.svc", "web-0.web.shop.svc.cluster.local"])
def test_a_pod_of_this_namespace_may_have_a_name_of_its_own(name: str) -> None:
    """That of a StatefulSet's pod: a rule for pods of this namespace admits it."""
    rule, web = admits("observer", DNS, to(HERE)), service("web", [{"port": 80}], "")
    assert found(there(DENY, rule, services=(web,)), asking(f"http://{name}")) == []
    assert [one.severity for one in found(there(DENY, rule), asking(f"http://{name}"))] == [WARN]


def test_the_way_to_the_api_server_may_be_to_the_agents_own_node() -> None:
    """It is on its hosts' network, and no policy need hold there."""
    assert [one.severity for one in found(there(DENY), asking("https://kubernetes.default.svc"))] == [WARN]


def test_a_namespace_that_isolates_nobody_is_no_hindrance() -> None:
    others = isolating_policy("others", {"app": "front"}, policyTypes=["Egress"])
    for where in GRADES:
        assert found(there(others), asking(where)) == []
        assert found(there(isolating_policy("in", {}, policyTypes=["Ingress"])), asking(where)) == []


def test_what_the_same_policies_close_is_said_once() -> None:
    probes = [Probe(f"p{n}", HttpProbe(f"http://{name}.monitoring.svc")) for n, name in enumerate(("a", "b", "a"))]
    (one,) = found(there(DENY), plan(probes=tuple(probes)))
    assert "cannot reach a.monitoring.svc:80; b.monitoring.svc:80, because" in one.message


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "nobody"])
def test_what_no_policy_holds_for_or_what_is_not_there_is_not_judged(host: str) -> None:
    assert found(there(DENY), asking(TcpProbe(host, 80))) == []


def test_an_address_of_the_sixth_version_is_no_name_of_a_service() -> None:
    (one,) = found(there(DENY), asking(TcpProbe("2606:4700::1111", 80)))
    assert (one.severity, "[2606:4700::1111]:80" in one.message) == (WARN, True)


def test_dns_itself_may_be_asked_by_a_probe() -> None:
    probe = TcpProbe("kube-dns.kube-system.svc", 53)
    assert found(there(DENY, admits("observer", DNS)), asking(probe)) == []
    (one,) = found(there(DENY, admits("observer", UDP)), asking(probe))
    assert one.severity is REFUSE


def test_a_service_of_this_namespace_without_a_selector_may_lead_anywhere() -> None:
    name = service("away", [{"port": 80}], "", selector=None)
    services = (service("redis", [{"port": 6379}]), name)
    for rules, grade in (((), [REFUSE]), ((DNS,), [WARN]), ((to(HERE),), []), ((to(BLOCK),), [])):
        seen = there(DENY, admits("observer", *rules), services=services)
        assert [one.severity for one in found(seen, asking("http://away"))] == grade


CILIUM: dict[str, tuple[Object, Severity | None, Severity | None]] = {
    "nothing": ({}, REFUSE, REFUSE),
    "pods of this namespace": ({"toEndpoints": [{}]}, REFUSE, WARN),
    "pods of another": ({"toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "x"}}]}, None, None),
    "names": ({"toFQDNs": [{"matchName": "status.shop.example"}]}, None, None),
    "entities": ({"toEntities": ["world"]}, None, None),
    "addresses": ({"toCIDR": ["192.0.2.0/24"]}, None, None),
    "services": ({"toServices": [{"k8sService": {"serviceName": "p", "namespace": "monitoring"}}]}, None, None),
    "DNS": ({"toPorts": [{"ports": [{"port": "53", "protocol": "ANY"}]}]}, WARN, WARN),
    "DNS by UDP": ({"toPorts": [{"ports": [{"port": "53", "protocol": "UDP"}]}]}, REFUSE, REFUSE),
    "a named port": ({"toPorts": [{"ports": [{"port": "web"}]}]}, None, None),
    "a range": ({"toPorts": [{"ports": [{"port": "53", "endPort": 9999}]}]}, None, None),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "service_grade", "host_grade"), CILIUM.values(), ids=CILIUM)
def test_what_a_policy_of_cilium_may_admit_is_open(
    rule: Object, service_grade: Severity | None, host_grade: Severity | None
) -> None:
    made: Object = {"metadata": {"name": "rule"}, "spec": {"endpointSelector": {}, "egress": [rule]}}
    for where, grade in ((SERVICE, service_grade), (HOST, host_grade)):
        said = found(there(ciliumnetworkpolicies=(made,)), asking(where))
        assert [one.severity for one in said] == ([grade] if grade is not None else [])
        assert all("CiliumNetworkPolicy/rule" in one.message for one in said)


def test_a_clusterwide_policy_may_admit_as_well() -> None:
    seen = there(DENY)
    rule: Object = {"metadata": {"name": "all"}, "spec": {"endpointSelector": {}, "egress": [{"toEntities": ["all"]}]}}
    seen.isolators = Isolators(frozenset({CILIUM_CLUSTERWIDE_POLICIES}), {CILIUM_CLUSTERWIDE_POLICIES: (rule,)})
    assert found(seen, asking(SERVICE)) == []


def test_where_a_policy_that_is_not_read_may_admit_it_it_is_a_warning() -> None:
    seen = there(DENY)
    seen.isolators = Isolators(frozenset({CALICO_GLOBAL_POLICIES}), {CALICO_GLOBAL_POLICIES: (DENY,)})
    assert [one.severity for one in found(seen, asking(SERVICE))] == [WARN]


def test_a_client_is_let_out_as_the_targets_are() -> None:
    far = asking(RedisProbe(redis_at(service=ServiceRef("redis", "data"))))
    (one,) = found(there(DENY), far, "the client")
    assert (one.severity, one.path) == (REFUSE, "spec.probes[asks].redis")
    assert "cannot reach redis.data.svc:6379, because NetworkPolicy/default-deny" in one.message
    assert "admits pods with the targets' labels there" in one.remedy
    targets = isolating_policy("targets", {"app": "api"}, policyTypes=["Egress"], egress=[to(ELSEWHERE)])
    assert found(there(DENY, targets), far, "the client") == []


SUSPEND = Call(HttpRequest("https://api.render.com/v1/suspend", "POST"))
RESUME = Call(HttpRequest("https://eu.render.com/v1/resume", "POST"))


def acting(action: Action) -> Plan:
    return replace(plan(probes=()), outage=Outage(60, (Fault("off", action),)))


CALLS: dict[str, tuple[Plan, str, list[tuple[str, str, str]]]] = {
    "a fault": (
        acting(Http(SUSPEND, RESUME)),
        "spec.outage.faults[off].http",
        [
            ("the caller", "do.url", "api.render.com:443; eu.render.com:443"),
            ("the fuse", "undo.url", "eu.render.com:443"),
        ],
    ),
    "a fault that nothing takes back": (
        acting(EndingHttp(SUSPEND, None, "!redis.ok", "redis.ok")),
        "spec.outage.faults[off].http",
        [("the caller", "do.url", "api.render.com:443")],
    ),
    "a step": (
        plan(None, Step("off", HttpOnce(SUSPEND), irreversible=True), probes=()),
        "spec.rollback.steps[off].httpOnce",
        [("the caller", "url", "api.render.com:443")],
    ),
    "a user of a Redis": (
        acting(RedisAcl("redis", Administered("app", redis_at(ServiceRef("redis", "data"))), "login")),
        "spec.outage.faults[off].redisAcl",
        [("the caller", "dependency", "redis.data.svc:6379"), ("the fuse", "dependency", "redis.data.svc:6379")],
    ),
}


@pytest.mark.parametrize(("wanted", "path", "said"), CALLS.values(), ids=CALLS)
def test_what_actions_call_and_what_takes_it_back_is_refused_where_nothing_admits_it(
    wanted: Plan, path: str, said: list[tuple[str, str, str]]
) -> None:
    """A fuse that does not reach what it must call leaves the fault in place when no operator is left."""
    told = [one for whose in ("the caller", "the fuse") for one in found(there(DENY), wanted, whose)]
    assert [(one.message.partition(" cannot")[0], one.path, one.severity) for one in told] == [
        (whose, f"{path}.{field}", REFUSE) for whose, field, _ in said
    ]
    for one, (whose, _, where) in zip(told, said, strict=True):
        assert f"cannot reach {where}, because NetworkPolicy/default-deny isolates it for egress" in one.message
        assert f"the label gameday.dev/role={whose.removeprefix('the ')} there" in one.remedy
        assert "blame the system" not in one.message
    opened = [admits(role, to(BLOCK), to({"namespaceSelector": {}})) for role in ("caller", "fuse")]
    assert [one for whose in ("the caller", "the fuse") for one in found(there(DENY, *opened), wanted, whose)] == []


def test_a_call_of_a_service_of_the_namespace_is_held_against_both_ends() -> None:
    name = service("platform", [{"port": 80}], "10.96.0.9", selector={"app": "platform"})
    things = {"services": (service("redis", [{"port": 6379}]), name), "pods": (pod("p", {"app": "platform"}),)}
    wanted = plan(None, Step("off", HttpOnce(Call(HttpRequest("http://platform/x"))), irreversible=True), probes=())
    closed = isolating_policy("platform", {"app": "platform"}, policyTypes=["Ingress"])
    (one,) = found(there(closed, **things), wanted, "the caller")
    assert one.message == (
        "the caller cannot reach Service platform, port 80, because NetworkPolicy/platform isolates the pods behind it "
        "for ingress and no rule admits this traffic; its call would not arrive"
    )
    callers = [{"podSelector": {"matchLabels": {"gameday.dev/role": "caller"}}}]
    opened = isolating_policy("callers", {"app": "platform"}, policyTypes=["Ingress"], ingress=[{"from": callers}])
    assert found(there(closed, opened, **things), wanted, "the caller") == []


@pytest.mark.parametrize(("call", "named"), [(SUSPEND, True), (Call(HttpRequest("https://1.1.1.1/")), False)])
def test_a_caller_of_a_name_that_policies_keep_from_dns_is_warned_of(call: Call, named: bool) -> None:
    wanted = plan(None, Step("off", HttpOnce(call), irreversible=True), probes=())
    seen = there(DENY, admits("caller", to(BLOCK, {"port": 443})))
    told = [one for one in check(seen, wanted) if "the caller can probably not reach DNS" in one.message]
    assert [(one.path, one.severity) for one in told] == [("spec.rollback.steps[off].httpOnce.url", WARN)] * named
