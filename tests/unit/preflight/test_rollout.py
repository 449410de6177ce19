"""When a workload counts as rolling out."""

from typing import Any

import pytest

from gameday.actions.preflight import check
from gameday.cluster.resources import DAEMON_SETS, DEPLOYMENTS, STATEFUL_SETS, Object, Resource
from gameday.model.plan import Selector
from gameday.preflight.rollout import in_rollout
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.preflight.things import plan

API = Selector({"app": "api"})
DONE = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
GOING = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}


def workload(status: Object, generation: int = 2, labels: dict[str, str] | None = None, **spec: Any) -> Object:
    template = {"metadata": {"labels": labels or {"app": "api", "team": "shop"}}}
    return {
        "metadata": {"name": "api", "generation": generation},
        "spec": {"replicas": 3, "template": template, **spec},
        "status": {"observedGeneration": 2, **status},
    }


def deployment(updated: int, total: int, available: int, progress: Object = DONE, **more: Any) -> Object:
    status = {"updatedReplicas": updated, "replicas": total, "availableReplicas": available, "conditions": [progress]}
    return workload(status, **more)


def seen(resource: Resource, thing: Object) -> tuple[str, ...]:
    return in_rollout(NamespaceSnapshot("shop", things={resource.plural: (thing,)}), API)


@pytest.mark.parametrize(
    "thing",
    [
        deployment(3, 3, 3, generation=3),
        deployment(1, 4, 3, GOING),
        deployment(3, 4, 3, GOING),
        deployment(3, 3, 2, GOING),
    ],
    ids=["unseen", "begun", "old ones left", "new ones not available"],
)
def test_a_deployment_rolls_out(thing: Object) -> None:
    assert seen(DEPLOYMENTS, thing) == ("Deployment api",)


@pytest.mark.parametrize(
    "thing",
    [
        deployment(3, 3, 3),
        deployment(3, 3, 1),
        deployment(1, 4, 3, GOING, labels={"app": "other"}),
    ],
    ids=["done", "lost a pod since", "of other pods"],
)
def test_a_deployment_does_not(thing: Object) -> None:
    assert seen(DEPLOYMENTS, thing) == ()


def test_stateful_sets_and_daemon_sets_count_too() -> None:
    half = workload({"updateRevision": "b", "currentRevision": "a", "updatedReplicas": 1, "replicas": 3})
    assert seen(STATEFUL_SETS, half) == ("StatefulSet api",)
    held = {"rollingUpdate": {"partition": 2}}
    assert seen(STATEFUL_SETS, half | {"spec": half["spec"] | {"updateStrategy": held}}) == ()
    assert seen(DAEMON_SETS, workload({"updatedNumberScheduled": 1, "desiredNumberScheduled": 2})) == ("DaemonSet api",)
    by_hand = workload({"desiredNumberScheduled": 2}, updateStrategy={"type": "OnDelete"})
    assert seen(DAEMON_SETS, by_hand) == ()


def test_targets_that_are_all_being_replaced_are_waited_for_and_not_refused() -> None:
    snapshot = NamespaceSnapshot("shop", things={DEPLOYMENTS.plural: (deployment(0, 0, 0, GOING),)})
    assert "NoTargets" not in {finding.code for finding in check(snapshot, plan(None))}
