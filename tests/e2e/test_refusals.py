"""What ends a drill before anything is touched."""

import asyncio

import pytest

from e2e.stage import POLICIES, Stage, condition, small
from gameday.cluster.kinds import JOBS, PODS, SERVICE_ACCOUNTS
from gameday.cluster.streams import Mirror

pytestmark = pytest.mark.e2e

ISOLATED = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "api-egress"},
    "spec": {
        "podSelector": {"matchLabels": {"app": "api"}},
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"podSelector": {}}]}, {"to": [{"namespaceSelector": {}}]}],
    },
}


@pytest.mark.parametrize(
    ("reason", "redis", "expected"),
    [("NotSteady", 1, "health.body.buffered > 0"), ("DependencyDown", 0, "health.body.redis == 'ok'")],
)
async def test_a_system_that_is_not_steady_is_not_touched(town: Stage, reason: str, redis: int, expected: str) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    town.scale("redis", redis)
    made: set[str] = set()
    mirrors = [Mirror(town.admin, kind, town.namespace, lambda: None) for kind in (*POLICIES, JOBS)]
    tasks = [asyncio.create_task(mirror.run()) for mirror in mirrors]
    for mirror in mirrors:
        mirror._changed = lambda mirror=mirror: made.update(mirror.objects)  # type: ignore[misc]
    await town.operator()
    await town.start(small(steadyState__expect=[{"name": "healthy", "always": expected}]))
    status = await town.finishes()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", reason)
    assert status["undo"] == []
    assert made == {"redis"}, "only the shop's own policy was ever there"
    await town.nothing_is_left()


async def test_targets_already_isolated_are_refused_with_networkpolicy_and_cut_with_cilium(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    town.apply(ISOLATED)
    await town.operator()
    await town.start(small(outage__faults__0__networkPartition__via="NetworkPolicy"))
    status = await town.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "api-egress" in status["message"]
    assert status["undo"] == []

    await town.needs_cilium()
    await town.start(small(), name="second")
    status = await town.finishes("second")
    assert status["verdict"] == "Passed", status["message"]
    await town.nothing_is_left()


async def test_a_target_on_the_hosts_network_is_refused(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "on-host", "labels": {"app": "api"}},
        "spec": {
            "hostNetwork": True,
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {"name": "c", "image": "localhost/gameday-shop:dev", "command": ["sleep", "600"],
                 "imagePullPolicy": "IfNotPresent"}
            ],
        },
    }  # fmt: skip
    town.apply(pod)
    await town.operator()
    await town.start(small())
    status = await town.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "on-host" in status["message"]
    assert "hostNetwork" in status["message"]


async def test_targets_that_stand_behind_the_dependency_are_refused_by_name(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    await town.operator()
    everybody = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "redis"]}]}
    await town.start(small(outage__faults__0__networkPartition__podSelector=everybody))
    status = await town.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "are pods of the dependency that is cut" in status["message"]
    assert "redis-" in status["message"]
    assert status["undo"] == []
    await town.nothing_is_left()


async def test_a_stateful_set_in_a_step_is_called_what_it_is(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    labels = {"app": "queue"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "none"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "serviceName": "queue", "template": pod}
    town.apply({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "queue"}, "spec": spec})
    await town.operator()
    steps = [{"name": "stop", "scale": {"deployment": "queue", "replicas": 0}}]
    await town.start(small(rollback={"ifMissed": ["healthy again"], "within": "1m", "steps": steps}))
    status = await town.finishes()
    assert status["reason"] == "PreflightFailed"
    assert "queue is a StatefulSet: name it in the field statefulSet" in status["message"]


async def test_a_namespace_that_has_not_opted_in_is_refused_with_the_command_that_does(town: Stage) -> None:
    await town.admin.delete(SERVICE_ACCOUNTS, town.namespace, "gameday")
    await town.operator()
    await town.start(small())
    status = await town.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert f"kubectl apply -n {town.namespace} -k manifests/namespace" in status["message"]
    assert condition(status, "Passed")["status"] == "Unknown"
    pods, _ = await town.admin.list(PODS, town.namespace)
    assert pods == ()


async def test_a_drill_without_its_gameday_says_so_when_its_time_is_over(town: Stage) -> None:
    await town.operator()
    drill = {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "metadata": {"name": "first"}}
    town.apply(drill | {"spec": {"gameDay": "nowhere", "startBefore": "2020-01-01T00:00:00Z"}})
    status = await town.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "NoGameDay")
    assert "nowhere" in status["message"]
