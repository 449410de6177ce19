"""What refuses a drill: each case is found by its code, at its field, with something to do about it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gameday.actions.job import RunJob
from gameday.actions.network_partition.action import NetworkPartition, OpenConnections
from gameday.actions.network_partition.checks import choose, suspected_bypass
from gameday.actions.preflight import check, not_opted_in, refusals, warnings
from gameday.actions.scale.kind import Scale
from gameday.actions.scale.restore import Restore
from gameday.cluster.resources import Object
from gameday.model.plan import (
    Bystander,
    CidrTarget,
    Dependency,
    Plan,
    Selector,
    ServiceRef,
    Step,
    Target,
    Via,
)
from gameday.preflight.findings import Severity
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.preflight.things import API, ASKS, a_snapshot, granted, isolating_policy, owner, partition, plan, pod, service
from workloads import deployment

EGRESS = {"policyTypes": ["Egress"], "egress": [{}]}
STEPS = (
    Step("stop", Scale(deployment("worker"), 0)),
    Step("clear", RunJob("clear-stalled"), irreversible=True),
    Step("start", Restore(deployment("worker"))),
)


def without(rules: tuple[Object, ...], resource: str) -> tuple[Object, ...]:
    return tuple(rule for rule in rules if resource not in rule["resources"])


def asked(**things: Any) -> NamespaceSnapshot:
    """A namespace with a policy that asks for the targets' label, so that witnesses have it."""
    return a_snapshot(networkpolicies=(ASKS,), **things)


DEPENDENCY = partition().dependency
API_PODS = Selector({"app": "api"})


def stays(service: ServiceRef) -> Bystander:
    return Bystander("store", service)


def seen(change: Callable[[NamespaceSnapshot], object]) -> NamespaceSnapshot:
    changed = a_snapshot()
    change(changed)
    return changed


def test_a_good_namespace_with_the_role_that_teams_apply_has_no_finding() -> None:
    assert check(a_snapshot(), plan(None, *STEPS)) == ()
    assert check(a_snapshot(cilium=False), plan(None, *STEPS)) == ()


BAD: list[tuple[str, str, NamespaceSnapshot, Plan]] = [
    ("NoTargets", "podSelector", a_snapshot(), plan(partition(selector=Selector({"app": "nobody"})))),
    ("TooManyTargets", "podSelector", a_snapshot(pods=tuple(pod(f"api-{n}") for n in range(101))), plan()),
    ("HostNetwork", "podSelector", a_snapshot(pods=(pod("api-1", hostNetwork=True), pod("api-2"))), plan()),
    ("NoService", "redis.service", seen(lambda s: setattr(s, "service", None)), plan()),
    ("NoPort", "redis.service.port", a_snapshot(), plan(partition(ServiceRef("redis", port=7777)))),
    (
        "NoSelector",
        "redis.service",
        seen(lambda s: setattr(s, "service", service("redis", [{"port": 6379}], selector=None))),
        plan(),
    ),
    (
        "ExternalName",
        "redis.service",
        seen(lambda s: setattr(s, "service", service("redis", [{"port": 6379}], type="ExternalName"))),
        plan(),
    ),
    ("NoCilium", "via", a_snapshot(cilium=False), plan(partition(via=Via.CILIUM))),
    (
        "AlreadyIsolated",
        "via",
        a_snapshot(networkpolicies=(isolating_policy("lockdown", {"app": "api"}, **EGRESS),)),
        plan(partition(via=Via.NETWORK_POLICY)),
    ),
    (
        "AlreadyIsolated",
        "via",
        a_snapshot(cilium=False, networkpolicies=(isolating_policy("lockdown", {}, **EGRESS),)),
        plan(),
    ),
    (
        "WouldBeAdopted",
        "podSelector",
        asked(replicasets=(owner("bare", {"app": "api"}),)),
        plan(),
    ),
    (
        "WouldBeAdopted",
        "podSelector",
        asked(daemonsets=(owner("everywhere", {"app": "api"}),)),
        plan(),
    ),
    (
        "WouldBeAdopted",
        "podSelector",
        asked(statefulsets=(owner("it-witness", {"app": "api"}),)),
        plan(),
    ),
    (
        "WouldGetTraffic",
        "podSelector",
        asked(services=(service("peers", [], selector={"app": "api"}, publishNotReadyAddresses=True),)),
        plan(),
    ),
    (
        "NoDeployment",
        "stop].scale.deployment",
        a_snapshot(deployments=()),
        plan(None, Step("stop", Scale(deployment("worker"), 0))),
    ),
    (
        "NoDeployment",
        "start].restore.deployment",
        a_snapshot(deployments=()),
        plan(None, Step("start", Restore(deployment("worker")))),
    ),
    (
        "NoCronJob",
        "clear].job.fromCronJob",
        a_snapshot(cronjobs=()),
        plan(None, Step("clear", RunJob("clear-stalled"))),
    ),
    ("MissingRights", "", seen(lambda s: setattr(s, "rules", without(granted(), "pods/log"))), plan()),
    (
        "MissingRights",
        "",
        seen(lambda s: setattr(s, "rules", without(granted(), "deployments/scale"))),
        plan(None, *STEPS),
    ),
    ("CannotRead", "", seen(lambda s: s.missing.update({"pods": "pods is forbidden"})), plan()),
    (
        "MustStayIsCut",
        "mustRemainReachable[store].service",
        a_snapshot(),
        plan(NetworkPartition(API_PODS, DEPENDENCY, must_remain_reachable=(stays(ServiceRef("redis", "shop", 6379)),))),
    ),
    (
        "NoService",
        "mustRemainReachable[store].service",
        a_snapshot(),
        plan(NetworkPartition(API_PODS, DEPENDENCY, must_remain_reachable=(stays(ServiceRef("payments", port=80)),))),
    ),
    (
        "NoPort",
        "mustRemainReachable[store].service.port",
        a_snapshot(),
        plan(NetworkPartition(API_PODS, DEPENDENCY, must_remain_reachable=(stays(ServiceRef("redis", port=9121)),))),
    ),
    (
        "NotADeployment",
        "stop].scale.deployment",
        a_snapshot(statefulsets=(owner("airflow-worker", {"app": "worker"}),)),
        plan(None, Step("stop", Scale(deployment("airflow-worker"), 0))),
    ),
]


@pytest.mark.parametrize(("code", "where", "there", "wanted"), BAD, ids=[row[0] for row in BAD])
def test_is_refused(code: str, where: str, there: NamespaceSnapshot, wanted: Plan) -> None:
    found = [finding for finding in check(there, wanted) if finding.severity is Severity.REFUSE]
    assert [finding.code for finding in found] == [code]
    (finding,) = found
    assert finding.path.endswith(where)
    assert finding.remedy
    assert refusals(there, wanted) == (str(finding),)


@pytest.mark.parametrize(
    ("selector", "to", "named"),
    [
        (Selector({"tier": "airflow"}), ServiceRef("redis"), "redis-1"),
        (Selector({"app": "redis"}), ServiceRef("redis", "shop", 6379), "redis-1"),
        (Selector({"app": "api"}), CidrTarget(("10.0.0.10/32", "203.0.113.7/32"), (6379,)), "api-2"),
    ],
    ids=["a label that both have", "Redis itself", "by address"],
)
def test_a_target_that_stands_behind_what_is_cut_is_refused_by_name(selector: Selector, to: Target, named: str) -> None:
    labels = {"tier": "airflow", "app": "redis"}
    there = a_snapshot(
        pods=(
            pod("worker-1", {"tier": "airflow", "app": "worker"}),
            pod("api-1"),
            pod("api-2", ip="10.0.0.10"),
            pod("redis-1", labels, ip="10.0.0.3"),
        )
    )
    (finding,) = check(there, plan(partition(to, selector, open_connections=OpenConnections.KEEP)))
    assert (finding.code, finding.severity) == ("TargetIsDestination", Severity.REFUSE)
    assert finding.path.endswith("podSelector")
    assert finding.message.startswith(f"{named} are selected")


def test_a_target_among_the_endpoints_is_behind_what_is_cut_whatever_labels_it_has() -> None:
    there = a_snapshot(pods=(pod("api-1", ip="10.0.0.3"), pod("api-2", ip="10.0.0.10")))
    (finding,) = check(there, plan())
    assert (finding.code, finding.message.partition(" ")[0]) == ("TargetIsDestination", "api-1")


def test_pods_that_only_resemble_the_destination_of_another_namespace_are_targets() -> None:
    there = a_snapshot(pods=(pod("cache-1", {"app": "redis"}, ip="10.0.0.20"),))
    there.service = service("redis", [{"port": 6379}], namespace="data")
    elsewhere = partition(
        ServiceRef("redis", "data"), Selector({"app": "redis"}), open_connections=OpenConnections.KEEP
    )
    assert check(there, plan(elsewhere)) == ()


@pytest.mark.parametrize(("kind", "plural"), [("DaemonSet", "daemonsets"), ("ReplicaSet", "replicasets")])
def test_what_cannot_be_scaled_is_called_by_its_kind(kind: str, plural: str) -> None:
    there = a_snapshot(**{plural: (owner("queue", {"app": "queue"}),)})  # type: ignore[arg-type]  # a collection's name
    (text,) = refusals(there, plan(None, Step("stop", Scale(deployment("queue"), 0))))
    assert f"queue is a {kind}, but only Deployments and StatefulSets can be named here" in text


def test_bystanders_of_another_namespace_are_taken_as_they_are() -> None:
    cut = NetworkPartition(API_PODS, DEPENDENCY, must_remain_reachable=(stays(ServiceRef("payments", "pay", 80)),))
    assert check(a_snapshot(), plan(cut)) == ()


def test_all_findings_come_at_once() -> None:
    bad = a_snapshot(
        cilium=False,
        pods=(pod("api-1", hostNetwork=True),),
        networkpolicies=(isolating_policy("lockdown", {"app": "api"}, **EGRESS), ASKS),
        daemonsets=(owner("everywhere", {"app": "api"}),),
        deployments=(),
    )
    bad.service = None
    codes = {finding.code for finding in check(bad, plan(None, *STEPS))}
    assert codes == {"HostNetwork", "NoService", "AlreadyIsolated", "WouldBeAdopted", "NoDeployment"}


def test_the_isolating_policies_are_named() -> None:
    bad = a_snapshot(networkpolicies=(isolating_policy("lockdown", {"app": "api"}, **EGRESS),))
    (text,) = refusals(bad, plan(partition(via=Via.NETWORK_POLICY)))
    assert "NetworkPolicy/lockdown" in text


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(isolating_policy("in", {"app": "api"}, policyTypes=["Ingress"], ingress=[]), id="ingress only"),
        pytest.param(isolating_policy("old", {"app": "api"}, ingress=[]), id="ingress only, without types"),
        pytest.param(isolating_policy("other", {"app": "redis"}, **EGRESS), id="other pods"),
    ],
)
def test_policies_that_do_not_isolate_a_target_for_egress_are_no_hindrance(policy: Object) -> None:
    assert check(a_snapshot(cilium=False, networkpolicies=(policy,)), plan()) == ()


@pytest.mark.parametrize(
    ("spec", "isolates"),
    [
        ({"egress": [{}]}, True),
        ({"egressDeny": [{}]}, True),
        ({"egressDeny": [{}], "enableDefaultDeny": {"egress": False}}, False),
        ({"ingress": [{}]}, False),
        ({"ingress": [{}], "enableDefaultDeny": {"egress": True}}, True),
    ],
)
def test_policies_of_cilium_isolate_by_default_deny(spec: Object, isolates: bool) -> None:
    policy: Object = {
        "metadata": {"name": "c"},
        "spec": spec | {"endpointSelector": {"matchLabels": {"k8s:app": "api"}}},
    }
    found = check(a_snapshot(ciliumnetworkpolicies=(policy,)), plan(partition(via=Via.NETWORK_POLICY)))
    refused = [finding for finding in found if finding.code == "AlreadyIsolated"]
    assert bool(refused) is isolates
    assert all("CiliumNetworkPolicy/c" in finding.message for finding in refused)


def test_a_deployments_replica_set_does_not_adopt_since_no_witness_has_its_hash() -> None:
    hashed = {"app": "api", "pod-template-hash": "7f"}
    there = a_snapshot(
        pods=(pod("api-1", API | {"pod-template-hash": "7f"}),),
        replicasets=(owner("api-7f", hashed),),
        networkpolicies=(isolating_policy("odd", hashed, policyTypes=["Ingress"]),),
    )
    assert check(there, plan()) == ()


def test_a_stateful_set_adopts_by_name_so_targets_of_one_may_be_cut() -> None:
    assert check(a_snapshot(statefulsets=(owner("api", {"app": "api"}),)), plan()) == ()


@pytest.mark.parametrize(
    ("via", "cilium", "backend"),
    [
        (Via.AUTO, True, Via.CILIUM),
        (Via.AUTO, False, Via.NETWORK_POLICY),
        (Via.NETWORK_POLICY, True, Via.NETWORK_POLICY),
        (Via.CILIUM, False, Via.CILIUM),
    ],
)
def test_choice_of_the_backend(via: Via, cilium: bool, backend: Via) -> None:
    assert choose(a_snapshot(cilium=cilium), via) is backend


def test_a_network_policy_on_cilium_is_warned_of() -> None:
    stay = (Bystander("control plane", api_server=True),)
    cut = NetworkPartition(Selector({"app": "api"}), DEPENDENCY, via=Via.NETWORK_POLICY, must_remain_reachable=stay)
    (text,) = warnings(a_snapshot(), plan(cut))
    assert "API server" in text
    assert "CollateralCut" in text
    assert refusals(a_snapshot(), plan(cut)) == ()
    assert warnings(a_snapshot(cilium=False), plan(cut)) == ()


def test_a_cilium_without_policies_of_its_own_is_warned_of_with_what_can_be_done_there() -> None:
    """GKE's Dataplane V2 has Cilium's endpoints and not its policies."""
    snapshot = a_snapshot(cilium=False)
    snapshot.on_cilium = True
    (finding,) = check(snapshot, plan(NetworkPartition(API_PODS, DEPENDENCY)))
    assert (finding.code, finding.severity) == ("CutsApiServer", Severity.WARN)
    assert "metadata server (169.254.169.254)" in finding.message
    assert "in mustRemainReachable (host: 169.254.169.254, port: 80)" in (finding.remedy or "")
    assert "ciliumnetworkpolicies" not in str(finding)


def test_closing_connections_at_what_is_no_redis_is_warned_of() -> None:
    cut = NetworkPartition(API_PODS, Dependency("redis", ServiceRef("redis")))
    (finding,) = check(a_snapshot(), plan(cut, probes=()))
    assert (finding.code, finding.severity) == ("CannotCloseConnections", Severity.WARN)
    assert warnings(a_snapshot(), plan(cut, probes=())) == (str(finding),)
    assert check(a_snapshot(), plan(replace(cut, open_connections=OpenConnections.KEEP), probes=())) == ()


def test_more_kinds_of_targets_than_witnesses_is_warned_of() -> None:
    there = a_snapshot(pods=tuple(pod(f"api-{n}", node=f"node-{n}") for n in range(6)))
    (text,) = warnings(there, plan())
    assert "6 combinations of labels and node" in text


def test_addresses_outside_need_no_rights_on_services() -> None:
    there = a_snapshot()
    there.rules = without(without(granted(), "services"), "endpointslices")
    assert (
        check(there, plan(partition(CidrTarget(("203.0.113.0/24",), (6379,)), open_connections=OpenConnections.KEEP)))
        == ()
    )


def test_a_namespace_that_did_not_opt_in_is_told_the_command() -> None:
    assert "`kubectl apply -n shop -k manifests/namespace`" in not_opted_in("shop")


def test_the_likely_leak_names_the_policies_that_let_traffic_through() -> None:
    opened = a_snapshot(networkpolicies=(isolating_policy("allow-all", {"app": "api"}, **EGRESS),))
    assert "NetworkPolicy/allow-all" in suspected_bypass(opened, partition(), Via.NETWORK_POLICY)
    assert "does not enforce" in suspected_bypass(a_snapshot(), partition(), Via.NETWORK_POLICY)
    assert "another address" in suspected_bypass(a_snapshot(), partition(), Via.CILIUM)
