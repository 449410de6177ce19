"""What our pods have of the targets' labels: the value that a policy needs, otherwise a value of ours."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameday.actions.network_partition.agent_labels import AgentLabels
from gameday.actions.network_partition.policy import build
from gameday.actions.network_partition.targets import pairs
from gameday.cluster.resources import (
    ADMIN_POLICIES,
    CALICO_POLICIES,
    CILIUM_CLUSTERWIDE_POLICIES,
    CILIUM_NETWORK_POLICIES,
    Object,
    Resource,
)
from gameday.model.labels import ROLE, ROLES, STAND_IN, ownership_labels
from gameday.model.plan import Selector, Via
from gameday.model.setup import Cut, CutDestination, Pair
from gameday.preflight.policies.isolators import Isolators
from gameday.preflight.policies.selectors import as_json, requirements, selects, sparing_agents, with_stand_ins
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.preflight.things import API, a_snapshot, isolating_policy, partition, pod

SELECTOR = Selector({"app": "api"})
AT_REDIS = {"matchLabels": {"app": "redis"}}
TIERED = {"app": "api", "tier": "web", "zone": "a", "pod-template-hash": "7f", "helm.sh/chart": "api-1"}


def agent_labels(*policies: Object, labels: dict[str, str] = TIERED, selector: Selector = SELECTOR) -> dict[str, str]:
    return AgentLabels(a_snapshot(networkpolicies=policies), selector).labels(pod("api-1", labels))


def admits(*selectors: Object) -> Object:
    return isolating_policy(
        "clients", {"app": "redis"}, ingress=[{"from": [{"podSelector": one} for one in selectors]}]
    )


def test_where_no_policy_asks_for_it_the_faults_own_label_has_a_value_of_ours() -> None:
    assert agent_labels() == {"app": STAND_IN}
    assert agent_labels(admits({"matchLabels": {"app": "worker"}})) == {"app": STAND_IN}


def test_what_a_policy_asks_for_is_set_whether_the_fault_selects_on_it_or_not() -> None:
    assert agent_labels(admits({"matchLabels": {"tier": "web"}})) == {"app": STAND_IN, "tier": "web"}
    assert agent_labels(admits({"matchLabels": {"app": "api"}})) == {"app": "api"}
    both = {"matchLabels": {"app": "api", "zone": "a"}}
    assert agent_labels(admits(both)) == {"app": "api", "zone": "a"}
    assert agent_labels(admits({"matchExpressions": [{"key": "zone", "operator": "Exists"}]})) == {
        "app": STAND_IN,
        "zone": "a",
    }


ROLE_OF_OURS: Object = {
    "matchExpressions": [{"key": "gameday.dev/role", "operator": "In", "values": ["witness", "control"]}]
}


def at_redis(name: str, *peers: Object, port: int | None = 6379) -> Object:
    rule: Object = {"from": [{"podSelector": peer} for peer in peers]}
    return isolating_policy(name, {"app": "redis"}, ingress=[rule | ({"ports": [{"port": port}]} if port else {})])


API_ONLY: Object = {"matchLabels": {"app": "api"}}


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        pytest.param((at_redis("redis", API_ONLY, ROLE_OF_OURS),), STAND_IN, id="by the same rule"),
        pytest.param((at_redis("redis", API_ONLY), at_redis("ours", ROLE_OF_OURS)), STAND_IN, id="by another policy"),
        pytest.param(
            (at_redis("redis", API_ONLY), at_redis("ours", ROLE_OF_OURS, port=None)), STAND_IN, id="all ports"
        ),
        pytest.param((at_redis("redis", API_ONLY), at_redis("ours", ROLE_OF_OURS, port=80)), "api", id="another port"),
        pytest.param(
            (at_redis("redis", API_ONLY), at_redis("ours", {"matchLabels": {"gameday.dev/role": "witness"}})),
            "api",
            id="the witness and not its control",
        ),
        pytest.param(
            (at_redis("redis", API_ONLY), isolating_policy("ours", {"app": "db"}, ingress=[{"from": [ROLE_OF_OURS]}])),
            "api",
            id="elsewhere",
        ),
    ],
)
def test_where_ours_are_admitted_by_their_role_the_targets_label_is_not_needed(
    policies: tuple[Object, ...], expected: str
) -> None:
    assert agent_labels(*policies) == {"app": expected}
    there = a_snapshot(networkpolicies=policies)
    asks = ("NetworkPolicy/redis",) if expected == "api" else ()
    assert AgentLabels(there, SELECTOR).asking(pod("api-1")) == asks


def test_what_guards_the_targets_themselves_asks_nothing_of_ours() -> None:
    among_them = isolating_policy("own", {"app": "api"}, ingress=[{"from": [{"podSelector": API_ONLY}]}])
    closed = isolating_policy("closed", {}, policyTypes=["Ingress"])
    assert agent_labels(among_them, closed, labels=dict(API)) == {"app": STAND_IN}


EGRESS: Object = {"policyTypes": ["Egress"], "egress": [{}]}


def test_what_lets_the_targets_out_is_needed_where_ours_are_held() -> None:
    own, everybody = isolating_policy("own", {"app": "api"}, **EGRESS), isolating_policy("closed", {}, **EGRESS)
    assert agent_labels(own) == {"app": STAND_IN}
    assert agent_labels(own, everybody) == {"app": "api"}
    meant: Object = {"metadata": {"name": "ours"}, "spec": EGRESS | {"podSelector": ROLE_OF_OURS}}
    assert agent_labels(own, everybody, meant) == {"app": STAND_IN}
    half: Object = {"metadata": {"name": "ours"}, "spec": EGRESS | {"podSelector": {"matchLabels": {ROLE: "witness"}}}}
    assert agent_labels(own, everybody, half) == {"app": "api"}


def test_what_holds_ours_and_not_the_targets_is_kept_off() -> None:
    others = {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["api"]}]}
    assert agent_labels({"metadata": {"name": "others"}, "spec": EGRESS | {"podSelector": others}}) == {"app": "api"}


@pytest.mark.parametrize("way", ["ingressDeny", "egressDeny"])
def test_what_is_denied_to_the_targets_is_denied_to_ours(way: str) -> None:
    deny: Object = {"endpointSelector": API_ONLY, "egressDeny": [{"toEntities": ["world"]}]}
    if way == "ingressDeny":
        deny = {"endpointSelector": {"matchLabels": {"app": "redis"}}, way: [{"fromEndpoints": [API_ONLY]}]}
    there = a_snapshot(ciliumnetworkpolicies=({"metadata": {"name": "deny"}, "spec": deny},))
    assert AgentLabels(there, SELECTOR).labels(pod("api-1")) == {"app": "api"}


def test_a_policy_that_spares_the_targets_spares_ours() -> None:
    others = {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["api"]}]}
    assert agent_labels(admits(others)) == {"app": "api"}
    assert agent_labels(admits({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["x"]}]})) == {
        "app": STAND_IN
    }
    without = {"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}
    assert agent_labels(admits(without)) == {"app": STAND_IN, "zone": "a"}


def test_labels_of_controllers_and_tools_are_never_set_with_their_own_value() -> None:
    asked = admits({"matchLabels": {"pod-template-hash": "7f"}})
    assert agent_labels(asked, selector=Selector({"helm.sh/chart": "api-1"})) == {"helm.sh/chart": STAND_IN}
    assert agent_labels(selector=Selector({"pod-template-hash": "7f"})) == {"pod-template-hash": STAND_IN}


def test_our_own_policies_ask_for_nothing() -> None:
    ours = isolating_policy("first-partition", {"app": "api"})
    ours["metadata"]["labels"] = ownership_labels("first", "cut")
    assert agent_labels(ours) == {"app": STAND_IN}


@pytest.mark.parametrize("key", ["app", "k8s:app", "any:app"])
def test_labels_of_cilium_policies_count_with_and_without_their_source_and_namespace(key: str) -> None:
    chosen = {key: "api", "k8s:io.kubernetes.pod.namespace": "shop"}
    policy = {"metadata": {"name": "c"}, "specs": [{"ingress": [{"fromEndpoints": [{"matchLabels": chosen}]}]}]}
    there = a_snapshot(ciliumnetworkpolicies=(policy,))
    assert AgentLabels(there, SELECTOR).labels(pod("api-1")) == {"app": "api"}


@pytest.mark.parametrize("key", ["k8s.acme.com/zone", "any.acme.com/zone"])
def test_a_label_that_begins_like_a_source_of_ciliums_is_asked_for_by_its_whole_key(key: str) -> None:
    labels = {"app": "api", key: "a"}
    assert agent_labels(admits({"matchLabels": {key: "a"}}), labels=labels) == {"app": STAND_IN, key: "a"}
    assert agent_labels(admits({"matchLabels": {"acme.com/zone": "a"}}), labels=labels) == {"app": STAND_IN}
    chosen = {"matchLabels": {f"k8s:{key}": "a"}}
    spec: Object = {"endpointSelector": AT_REDIS, "ingress": [{"fromEndpoints": [chosen]}]}
    there = a_snapshot(ciliumnetworkpolicies=({"metadata": {"name": "c"}, "spec": spec},))
    assert AgentLabels(there, SELECTOR).labels(pod("api-1", labels)) == {"app": STAND_IN, key: "a"}
    there.policies_elsewhere = True
    assert AgentLabels(there, SELECTOR).labels(pod("api-1", labels)) == {"app": "api", key: "a"}


def test_policies_of_the_cluster_and_of_the_destinations_namespace_count() -> None:
    tier = pod("api-1", TIERED)
    far = a_snapshot()
    far.service_policies = (admits({"matchLabels": {"tier": "web"}}),)
    assert AgentLabels(far, SELECTOR).labels(tier) == {"app": STAND_IN, "tier": "web"}
    for resource in (CILIUM_CLUSTERWIDE_POLICIES, ADMIN_POLICIES):
        wide = a_snapshot()
        chosen = {"matchLabels": {"tier": "web"}}
        spec: Object = {"endpointSelector": {}, "ingress": [{"fromEndpoints": [chosen]}]}
        if resource is ADMIN_POLICIES:
            spec = {"subject": {"pods": {"podSelector": chosen}}}
        policy: Object = {"metadata": {"name": "c"}, "spec": spec}
        wide.isolators = Isolators(frozenset({resource}), {resource: (policy,)})
        assert AgentLabels(wide, SELECTOR).labels(tier) == {"app": STAND_IN, "tier": "web"}


def unread(there: NamespaceSnapshot, _: Object) -> None:
    there.isolators = Isolators(frozenset({CILIUM_CLUSTERWIDE_POLICIES}), unread={CILIUM_CLUSTERWIDE_POLICIES: "403"})


def unknown(there: NamespaceSnapshot, _: Object) -> None:
    resource = Resource("example.com", "v1", "zonenetworkpolicies", "ZoneNetworkPolicy")
    there.isolators = Isolators(frozenset({resource}), unread={resource: "there is one"})


def calico(there: NamespaceSnapshot, _: Object) -> None:
    policy: Object = {"metadata": {"name": "c"}, "spec": {"selector": "tier == 'web'"}}
    there.isolators = Isolators(frozenset({CALICO_POLICIES}), {CALICO_POLICIES: (policy,)})


def elsewhere(there: NamespaceSnapshot, _: Object) -> None:
    there.policies_elsewhere = True


def grouped(_: NamespaceSnapshot, one: Object) -> None:
    one["metadata"]["annotations"] = {"vpc.amazonaws.com/pod-eni": "[]"}


def ambient(_: NamespaceSnapshot, one: Object) -> None:
    one["metadata"]["annotations"] = {"ambient.istio.io/redirection": "enabled"}


def proxied(_: NamespaceSnapshot, one: Object) -> None:
    one["spec"]["initContainers"] = [{"name": "istio-proxy", "restartPolicy": "Always"}]


def in_mesh(there: NamespaceSnapshot, _: Object) -> None:
    there.namespace_labels = {"istio.io/rev": "stable"}


def annotated(_: NamespaceSnapshot, one: Object) -> None:
    one["metadata"]["annotations"] = {"linkerd.io/inject": "enabled"}


@pytest.mark.parametrize("change", [unread, unknown, calico, elsewhere, grouped, ambient, proxied, in_mesh, annotated])
def test_where_something_that_could_ask_is_not_read_all_that_the_fault_selects_on_is_set(
    change: Callable[[NamespaceSnapshot, Object], None],
) -> None:
    there, one = a_snapshot(networkpolicies=(admits({"matchLabels": {"tier": "job"}}),)), pod("api-1", TIERED)
    assert AgentLabels(there, SELECTOR).labels(one) == {"app": STAND_IN}
    change(there, one)
    assert AgentLabels(there, SELECTOR).labels(one) == {"app": "api", "tier": "web"}


def test_what_calico_shows_of_kubernetes_own_policies_is_read_there() -> None:
    there = a_snapshot()
    shown: Object = {"metadata": {"name": "knp.default.clients"}, "spec": {"selector": "app == 'redis'"}}
    there.isolators = Isolators(frozenset({CALICO_POLICIES}), {CALICO_POLICIES: (shown,)})
    assert AgentLabels(there, SELECTOR).labels(pod("api-1")) == {"app": STAND_IN}


def test_policies_that_the_owner_excludes_do_not_make_witnesses_have_more() -> None:
    there = a_snapshot()
    resources = frozenset({CALICO_POLICIES, CILIUM_NETWORK_POLICIES})
    there.isolators = Isolators(resources, assumed=frozenset({CALICO_POLICIES.full_name}))
    assert AgentLabels(there, SELECTOR).labels(pod("api-1")) == {"app": STAND_IN}


KEYS, VALUES = ("app", "tier", "zone"), ("a", "b", "c")
LABELS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=3)
SOME = st.lists(st.sampled_from(VALUES), min_size=1).map(tuple)
EXPRESSIONS = st.one_of(
    st.tuples(
        st.sampled_from(KEYS),
        st.sampled_from(["In", "NotIn"]),
        st.lists(st.sampled_from(VALUES), min_size=1).map(tuple),
    ),
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["Exists", "DoesNotExist"]), st.just(())),
)
SELECTORS = st.builds(Selector, LABELS, st.lists(EXPRESSIONS, max_size=3).map(tuple))


@given(
    SELECTORS, LABELS, st.lists(SELECTORS, max_size=3), st.lists(SELECTORS, max_size=3), st.lists(LABELS, max_size=4)
)
def test_the_cut_takes_a_target_and_its_witness_and_nobody_else_and_policies_treat_both_alike(
    selector: Selector,
    target: dict[str, str],
    peers: list[Selector],
    subjects: list[Selector],
    others: list[dict[str, str]],
) -> None:
    if not selects(as_json(selector), target):
        return
    egress = [isolating_policy("e", {}, **EGRESS | {"podSelector": as_json(one)}) for one in subjects]
    there = a_snapshot(pods=(), networkpolicies=(*(admits(as_json(one)) for one in peers), *egress))
    labels = AgentLabels(there, selector).labels(pod("api-1", target))
    cut = sparing_agents(with_stand_ins(selector, [labels]))
    assert selects(cut, target)
    assert selects(cut, labels | ownership_labels("first", "witness"))
    for role in set(ROLES) - {"witness"}:
        assert not selects(cut, labels | ownership_labels("first", role))
        assert not selects(cut, ownership_labels("first", role))
    for other in others:
        assert selects(cut, other) is selects(as_json(selector), other)
    assert any(selects(as_json(p), labels) for p in peers) is any(selects(as_json(p), target) for p in peers)
    held, ours = ({i for i, s in enumerate(subjects) if selects(as_json(s), who)} for who in (target, labels))
    assert ours in (set(), held)


def test_one_policy_cuts_targets_and_witnesses() -> None:
    (pair,) = pairs(a_snapshot(pods=(pod("api-1"),)), SELECTOR)
    assert pair == Pair("node-a", {"app": STAND_IN})
    cut = Cut("partition", Via.NETWORK_POLICY, CutDestination("shop", {"app": "redis"}), (pair,))
    spec = build("first", "first-partition", partition(), cut, "fuse", "uid")["spec"]
    assert {"key": "app", "operator": "In", "values": ["api", STAND_IN]} in spec["podSelector"]["matchExpressions"]
    assert selects(spec["podSelector"], API)
    assert selects(spec["podSelector"], {**pair.labels, **ownership_labels("first", "witness")})


def test_a_cut_from_before_an_update_is_still_as_it_was_written() -> None:
    cut = Cut(
        "partition", Via.NETWORK_POLICY, CutDestination("shop", {"app": "redis"}), (Pair("node-a", {"app": "api"}),)
    )
    spec = build("first", "first-partition", partition(), cut, "fuse", "uid")["spec"]
    assert spec["podSelector"] == sparing_agents(SELECTOR)
    other = replace(cut, pairs=(Pair("node-a", {"app": "api"}), Pair("node-b", {"app": STAND_IN})))
    assert build("first", "first-partition", partition(), other, "fuse", "uid")["spec"] != spec


def test_requirements_are_found_wherever_a_manifest_has_them() -> None:
    there = {"key": "y", "operator": "Exists"}
    found = list(requirements({"a": [{"matchLabels": {"x": "1"}}], "matchExpressions": [there]}))
    assert found == [there, {"key": "x", "operator": "In", "values": ["1"]}]


def test_what_admits_another_namespace_admits_none_of_ours() -> None:
    """Prometheus' namespace may scrape Redis; that does not let a witness in, which then needs the target's label."""
    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    rules = [{"from": [monitoring, {"podSelector": {"matchLabels": {"app": "api"}}}]}]
    policy = {
        "metadata": {"name": "redis"},
        "spec": {"podSelector": AT_REDIS, "policyTypes": ["Ingress"], "ingress": rules},
    }
    there = a_snapshot(networkpolicies=(policy,), pods=(pod("api-1"), pod("redis-0", {"app": "redis"})))
    there.namespace_labels = {"kubernetes.io/metadata.name": "shop"}
    assert AgentLabels(there, SELECTOR).labels(pod("api-1"))["app"] == "api"


def test_what_admits_another_namespace_by_ciliums_policy_admits_none_of_ours() -> None:
    peers = [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "monitoring"}}, {"matchLabels": {"k8s:app": "api"}}]
    spec = {"endpointSelector": AT_REDIS, "ingress": [{"fromEndpoints": peers}]}
    policy = {"metadata": {"name": "redis"}, "spec": spec}
    there = a_snapshot(ciliumnetworkpolicies=(policy,), pods=(pod("api-1"), pod("redis-0", {"app": "redis"})))
    assert AgentLabels(there, SELECTOR).labels(pod("api-1"))["app"] == "api"
