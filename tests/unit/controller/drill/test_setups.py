"""Whose tolerations, node selector and pull secrets the pods of a drill take over, by what its faults act on."""

from dataclasses import replace
from typing import Any

import pytest

from gameday.actions.manual import Manual
from gameday.actions.pod_delete import PodDelete
from gameday.actions.scale.kind import Scale
from gameday.actions.workload import Workload
from gameday.cluster.resources import Object
from gameday.controller.drill.setups import setup_of
from gameday.model.placement import Placement
from gameday.model.plan import Action, Fault, Outage, Plan
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.preflight.things import a_snapshot, owner, partition, plan, pod
from workloads import deployment, stateful_set

OLD, NEW = {"key": "old", "operator": "Exists"}, {"key": "new", "operator": "Exists"}
PLANNED = {"tolerations": [NEW], "nodeSelector": {"pool": "new"}, "imagePullSecrets": [{"name": "new"}]}
ACCOUNT: Object = {"imagePullSecrets": [{"name": "account"}]}


def workload(spec: dict[str, Any]) -> Object:
    """Deployment or StatefulSet ``worker``, whose template says that."""
    there = owner("worker", {"app": "worker"})
    there["spec"] |= {"replicas": 0, "template": {"metadata": {"labels": {"app": "worker"}}, "spec": spec}}
    return there


def running(name: str, **spec: Any) -> Object:
    """A pod of Deployment ``worker``."""
    one = pod(name, {"app": "worker"}, **spec)
    one["metadata"]["ownerReferences"] = [{"controller": True, "kind": "ReplicaSet", "name": "worker-1"}]
    return one


def seen(*pods: Object) -> NamespaceSnapshot:
    behind: Object = {"metadata": {"name": "worker-1"}}
    behind["metadata"]["ownerReferences"] = [{"controller": True, "kind": "Deployment", "name": "worker"}]
    there = workload(PLANNED)
    return a_snapshot(
        pods=(pod("api-1", tolerations=[OLD]), *pods),
        deployments=(there,),
        statefulsets=(there,),
        replicasets=(behind,),
    )


def of(*actions: Action) -> Plan:
    faults = tuple(Fault(f"fault-{n}", action) for n, action in enumerate(actions))
    return replace(plan(), outage=Outage(60, faults))


def placed(there: NamespaceSnapshot, *actions: Action, account: Object | None = None) -> Placement:
    return setup_of(there, of(*actions), account).placement


@pytest.mark.parametrize("scaled", [deployment("worker"), stateful_set("worker")], ids=str)
def test_a_workload_without_pods_is_scaled_up_by_a_drill_that_runs_where_its_template_says(scaled: Workload) -> None:
    found = placed(seen(), Scale(scaled, 3), account=ACCOUNT)
    assert found == Placement((NEW,), {"pool": "new"}, ("account", "new"))


@pytest.mark.parametrize("replicas", [0, 1, 3], ids=["down", "as it is", "up"])
def test_where_a_scaled_workload_has_pods_they_say_where(replicas: int) -> None:
    there = seen(running("worker-1-a", tolerations=[OLD], nodeSelector={"pool": "old"}))
    assert placed(there, Scale(deployment("worker"), replicas)) == Placement((OLD,), {"pool": "old"})


def test_nothing_is_taken_over_where_no_fault_names_pods_or_the_workload_is_not_there() -> None:
    by_hand = Manual("pull the plug", "plug it in", "probe.ok")
    assert placed(seen(), by_hand) == placed(seen(), Scale(deployment("gone"), 3)) == Placement()
    assert placed(seen(), by_hand, Scale(deployment("worker"), 3)).tolerations == (NEW,)


def test_targets_of_a_partition_come_before_what_is_scaled() -> None:
    assert placed(seen(), Scale(deployment("worker"), 3), partition()).tolerations == (OLD,)


def test_the_pods_that_are_deleted_say_where() -> None:
    one = running("worker-1-a", tolerations=[OLD])
    one["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    assert placed(seen(one), PodDelete(deployment("worker"), 1)).tolerations == (OLD,)
