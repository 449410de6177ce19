"""Autoscalers that would count our pods, because they have the labels of what is scaled."""

from typing import Any

import pytest

from gameday.actions.preflight import check
from gameday.cluster.resources import Object
from gameday.preflight.findings import Finding, Severity
from unit.preflight.things import API, ASKS, a_snapshot, owner, plan, pod

MEMORY: Object = {"type": "Resource", "resource": {"name": "memory", "target": {"averageUtilization": 70}}}
QUEUE: Object = {"type": "External", "external": {"metric": {"name": "depth"}}}
INGRESS: Object = {"type": "Object", "object": {"metric": {"name": "requests"}}}
TARGET: Object = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}


def counted(*metrics: Object, target: Object = TARGET, **things: tuple[Object, ...]) -> list[Finding]:
    hpa: Object = {"metadata": {"name": "by-load"}, "spec": {"scaleTargetRef": target, "metrics": list(metrics)}}
    there = a_snapshot(
        horizontalpodautoscalers=(hpa,), deployments=(owner("api", {"app": "api"}),), networkpolicies=(ASKS,)
    )
    there.things = there.things | things
    return list(check(there, plan()))


@pytest.mark.parametrize("kind", ["Resource", "ContainerResource", "Pods"])
def test_an_average_over_pods_refuses(kind: str) -> None:
    (finding,) = counted(QUEUE, MEMORY | {"type": kind})
    assert (finding.code, finding.severity) == ("WouldBeCounted", Severity.REFUSE)
    assert finding.path.endswith("podSelector")
    assert (
        f"HorizontalPodAutoscaler/by-load averages {kind} metrics over all pods with the labels of" in finding.message
    )
    assert "Deployment/api" in finding.message


def test_one_that_names_no_metric_averages_the_processor() -> None:
    assert counted()


def test_metrics_that_are_no_pods_count_only_ready_pods() -> None:
    assert not counted(QUEUE, INGRESS)


@pytest.mark.parametrize(
    "things",
    [
        {"deployments": (owner("api", {"app": "api", "tier": "front"}),)},
        {"deployments": (owner("api", {"app": "other"}),)},
        {"deployments": ()},
    ],
    ids=["a label that no witness has", "other pods", "no such workload"],
)
def test_other_pods_are_no_hindrance(things: dict[str, Any]) -> None:
    assert not counted(MEMORY, **things)


def test_a_workload_of_another_kind_counts_where_targets_are_its() -> None:
    rollout = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "api"}
    one = pod("api-1", API)
    one["metadata"]["ownerReferences"] = [{"kind": "Rollout", "name": "api", "controller": True}]
    assert counted(MEMORY, target=rollout, pods=(one,))
    assert not counted(MEMORY, target=rollout)


@pytest.mark.parametrize("kind", ["Deployment", "Rollout"])
def test_where_no_policy_asks_for_the_targets_labels_nothing_counts_ours(kind: str) -> None:
    one = pod("api-1", API)
    one["metadata"]["ownerReferences"] = [{"kind": kind, "name": "api", "controller": True}]
    target = TARGET | {"kind": kind}
    assert not counted(MEMORY, target=target, pods=(one,), networkpolicies=())
    assert counted(MEMORY, target=target, pods=(one,))
