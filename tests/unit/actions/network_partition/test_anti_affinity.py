"""Rules on who may run beside whom, which our witnesses would break by the labels that they have."""

import pytest

from gameday.actions.preflight import check
from gameday.cluster.resources import Object
from gameday.preflight.findings import Finding, Severity
from unit.preflight.things import API, ASKS, a_snapshot, plan, pod

HOST = "kubernetes.io/hostname"
ON_API: Object = {"matchLabels": {"app": "api"}}


def apart(selector: Object | None = ON_API, *, key: str = HOST, **term: object) -> Object:
    rule = {"topologyKey": key, **({"labelSelector": selector} if selector is not None else {}), **term}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}


def spread(**constraint: object) -> list[Object]:
    kept: Object = {"topologyKey": HOST, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": ON_API}
    return [kept | constraint]


def found(*pods: Object) -> list[Finding]:
    there = a_snapshot(pods=pods, networkpolicies=(ASKS,))
    there.namespace_labels = {"tenant": "green"}
    return list(check(there, plan()))


@pytest.mark.parametrize(
    "affinity",
    [
        apart(),
        apart(key="topology.kubernetes.io/zone"),
        apart({"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "worker"]}]}),
        apart({}),
        apart(namespaces=["shop"]),
        apart(namespaces=["pay", "shop"]),
        apart(namespaceSelector={}),
        apart(namespaces=["pay"], namespaceSelector={"matchLabels": {"tenant": "green"}}),
    ],
)
def test_required_anti_affinity_that_keeps_witnesses_out_is_refused_with_its_rule(affinity: Object) -> None:
    for pods in (
        (pod("api-1", affinity=affinity),),
        (pod("api-1"), pod("other-1", {"app": "other"}, affinity=affinity)),
    ):
        (finding,) = found(*pods)
        assert (finding.code, finding.severity) == ("CannotBePlaced", Severity.REFUSE)
        assert finding.path.endswith("podSelector")
        assert f"Pod {pods[-1]['metadata']['name']} requires that no pod of" in finding.message
        assert "no witness with these labels can run on node-a" in finding.message


@pytest.mark.parametrize(
    "affinity",
    [
        apart(None),
        apart({"matchLabels": {"app": "redis"}}),
        apart({"matchLabels": {"app": "api", "pod-template-hash": "7f"}}),
        apart({"matchLabels": {"team": "shop"}}),
        apart(namespaces=["pay"]),
        apart(namespaceSelector={"matchLabels": {"tenant": "blue"}}),
        {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]}},
        {"podAffinity": apart()["podAntiAffinity"]},
    ],
)
def test_what_does_not_keep_witnesses_out_is_no_hindrance(affinity: Object) -> None:
    assert not found(pod("api-1", API | {"pod-template-hash": "7f"}, affinity=affinity))


def test_pods_on_other_nodes_and_pods_that_ended_keep_nobody_out() -> None:
    over = pod("job-1", {"app": "job"}, affinity=apart()) | {"status": {"phase": "Succeeded"}}
    redis = pod("redis-1", {"app": "redis"}, node="node-b", ip="10.0.0.3", affinity=apart())
    assert not found(pod("api-1"), over, redis)


def test_a_strict_spread_that_counts_witnesses_is_warned_of() -> None:
    (finding,) = found(pod("api-1", topologySpreadConstraints=spread()))
    assert (finding.code, finding.severity) == ("CountedInSpread", Severity.WARN)


@pytest.mark.parametrize(
    "constraint",
    [
        {"whenUnsatisfiable": "ScheduleAnyway"},
        {"matchLabelKeys": ["pod-template-hash"]},
        {"labelSelector": {"matchLabels": {"app": "redis"}}},
    ],
)
def test_a_spread_that_does_not_count_them_is_no_hindrance(constraint: Object) -> None:
    labels = API | {"pod-template-hash": "7f"}
    assert not found(pod("api-1", labels, topologySpreadConstraints=spread(**constraint)))


def test_where_no_policy_asks_for_the_label_witnesses_break_no_rule() -> None:
    one = pod("api-1", affinity=apart(), topologySpreadConstraints=spread())
    assert not list(check(a_snapshot(pods=(one,)), plan()))
