"""What a plan would cut, counted by workload as the administrator's limits want it."""

from dataclasses import replace
from typing import Any

import pytest

from gameday.actions.blast_radius import blast_radius
from gameday.actions.pod_delete import PodDelete
from gameday.actions.scale.kind import Scale
from gameday.cluster.resources import Object
from gameday.model.labels import DRILL
from gameday.model.limits import WorkloadImpact
from gameday.model.plan import Action, Fault, Plan, Selector
from unit.preflight.things import API, a_snapshot, partition, pod
from unit.preflight.things import plan as a_plan
from workloads import deployment, stateful_set

PLAN = a_plan()
"""It cuts ``app: api``."""


def owned(name: str, kind: str, owner: str, labels: dict[str, str] | None = None, *, ready: bool = True) -> Object:
    made = pod(name, labels or API)
    made["metadata"]["ownerReferences"] = [{"kind": kind, "name": owner, "uid": f"uid-{owner}", "controller": True}]
    made["status"]["conditions"] = [{"type": "Ready", "status": str(ready)}]
    return made


def replica_set(name: str, deployment: str) -> Object:
    owners = [{"kind": "Deployment", "name": deployment, "uid": f"uid-{deployment}", "controller": True}]
    meta = {"name": name, "uid": f"uid-{name}", "ownerReferences": owners}
    return {"metadata": meta, "spec": {"selector": {"matchLabels": {"app": "api", "pod-template-hash": name}}}}


def shares(*pods: Object, **things: Any) -> list[WorkloadImpact]:
    return [impact for _, impact in blast_radius(a_snapshot(pods=pods, **things), PLAN).workloads]


def test_a_deployment_is_one_workload_through_all_its_replica_sets() -> None:
    pods = (
        owned("api-old-1", "ReplicaSet", "api-old"),
        owned("api-new-1", "ReplicaSet", "api-new"),
        owned("api-new-2", "ReplicaSet", "api-new", {"app": "canary"}),
    )
    sets = (replica_set("api-old", "api"), replica_set("api-new", "api"))
    assert shares(*pods, replicasets=sets) == [WorkloadImpact("Deployment api", 2, 3)]


def test_each_workload_with_a_target_has_its_share_and_no_other() -> None:
    pods = (
        owned("queue-0", "StatefulSet", "queue"),
        owned("queue-1", "StatefulSet", "queue", {"app": "spare"}),
        owned("agent-a", "DaemonSet", "agent"),
        owned("web-1", "ReplicaSet", "web", {"app": "web"}),
    )
    assert shares(*pods) == [WorkloadImpact("DaemonSet agent", 1, 1), WorkloadImpact("StatefulSet queue", 1, 2)]


def test_a_pod_that_nothing_controls_is_a_workload_of_its_own() -> None:
    assert shares(pod("alone"), pod("other", {"app": "other"})) == [WorkloadImpact("Pod alone", 1, 1)]


def test_only_ready_pods_count_unless_none_is() -> None:
    up, down = owned("q-0", "StatefulSet", "q"), owned("q-1", "StatefulSet", "q", {"app": "spare"}, ready=False)
    assert shares(up, down) == [WorkloadImpact("StatefulSet q", 1, 1)]
    down_too = owned("q-0", "StatefulSet", "q", ready=False)
    assert shares(down_too, down) == [WorkloadImpact("StatefulSet q", 1, 2)]


def test_a_target_that_is_not_ready_takes_no_share_from_those_that_are() -> None:
    target, ready = owned("q-0", "StatefulSet", "q", ready=False), owned("q-1", "StatefulSet", "q", {"app": "spare"})
    found = blast_radius(a_snapshot(pods=(target, ready)), PLAN)
    assert found.pods == {"spec.outage.faults[partition].networkPartition.podSelector": 1}
    assert found.workloads == ()


def test_pods_that_end_or_are_ours_do_not_count() -> None:
    ending = owned("q-1", "StatefulSet", "q", {"app": "spare"})
    ending["metadata"]["deletionTimestamp"] = "2026-11-24T12:00:00Z"
    ours = pod("first-witness-0", API | {DRILL: "first"})
    assert shares(owned("q-0", "StatefulSet", "q"), ending, ours) == [WorkloadImpact("StatefulSet q", 1, 1)]


def test_a_scale_hits_as_many_pods_as_are_to_go() -> None:
    pods = tuple(owned(f"web-{n}", "ReplicaSet", "web-1", {"app": "web"}) for n in range(3))
    fault = Fault("fewer", Scale(deployment("web"), 1))
    faults = replace(PLAN, outage=replace(PLAN.outage, faults=(*PLAN.outage.faults, fault)))
    found = blast_radius(a_snapshot(pods=pods, replicasets=(replica_set("web-1", "web"),)), faults)
    path = "spec.outage.faults[fewer].scale.deployment"
    assert found.pods[path] == 2
    assert found.workloads == (((path,), WorkloadImpact("Deployment web", 2, 3)),)


def test_a_scale_to_more_hits_nobody() -> None:
    pods = (owned("web-0", "ReplicaSet", "web-1", {"app": "web"}),)
    faults = replace(PLAN, outage=replace(PLAN.outage, faults=(Fault("more", Scale(deployment("web"), 5)),)))
    assert blast_radius(a_snapshot(pods=pods, replicasets=(replica_set("web-1", "web"),)), faults).workloads == ()


QUEUE = tuple(owned(f"q-{n}", "StatefulSet", "q", {"app": "q", "role": role}) for n, role in enumerate("aabb"))
"""Four ready pods of a StatefulSet: of two roles, two each."""


def of_role(*roles: str) -> Action:
    return partition(selector=Selector({"app": "q"}, (("role", "In", roles),)))


def under(*actions: Action) -> Plan:
    faults = tuple(Fault(f"f{n}", action) for n, action in enumerate(actions))
    return replace(PLAN, outage=replace(PLAN.outage, faults=faults))


def test_faults_that_hit_different_pods_of_a_workload_hit_it_together() -> None:
    (found,) = blast_radius(a_snapshot(pods=QUEUE), under(of_role("a"), of_role("b"))).workloads
    field = "networkPartition.podSelector"
    paths = (f"spec.outage.faults[f0].{field}", f"spec.outage.faults[f1].{field}")
    assert found == (paths, WorkloadImpact("StatefulSet q", 4, 4))


def test_a_pod_that_two_faults_select_is_one_pod_of_its_workload() -> None:
    found = blast_radius(a_snapshot(pods=QUEUE), under(of_role("a"), of_role("a"))).workloads
    assert [impact for _, impact in found] == [WorkloadImpact("StatefulSet q", 2, 4)]


@pytest.mark.parametrize(
    "other", [Scale(stateful_set("q"), 2), PodDelete(stateful_set("q"), pods=2)], ids=["scale", "podDelete"]
)
def test_pods_of_which_only_the_number_is_known_may_be_those_that_no_other_fault_selects(other: Action) -> None:
    found = blast_radius(a_snapshot(pods=QUEUE), under(of_role("a"), other)).workloads
    assert [impact for _, impact in found] == [WorkloadImpact("StatefulSet q", 4, 4)]


def test_no_workload_has_more_pods_hit_than_it_has() -> None:
    found = blast_radius(a_snapshot(pods=QUEUE), under(of_role("a", "b"), Scale(stateful_set("q"), 1))).workloads
    assert [impact for _, impact in found] == [WorkloadImpact("StatefulSet q", 4, 4)]


def test_a_scale_may_take_the_pods_that_are_ready_whichever_are_listed_first() -> None:
    pods = tuple(owned(f"q-{n}", "StatefulSet", "q", {"app": "q"}, ready=n > 1) for n in range(4))
    found = blast_radius(a_snapshot(pods=pods), under(Scale(stateful_set("q"), 2))).workloads
    assert [impact for _, impact in found] == [WorkloadImpact("StatefulSet q", 2, 2)]
