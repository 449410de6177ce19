"""What ends a drill before anything is touched."""

import asyncio

import pytest

from e2e.foreign import requeue
from e2e.namespaces import POLICIES, TeamNamespace, condition, happens, kubectl, small
from gameday.cluster.informer import Informer
from gameday.cluster.resources import JOBS, PODS, RESOURCE_QUOTAS, SERVICE_ACCOUNTS

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
async def test_a_system_that_is_not_steady_is_not_touched(
    ns: TeamNamespace, reason: str, redis: int, expected: str
) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    ns.scale("redis", redis)
    made: set[str] = set()
    informers = [Informer(ns.admin, resource, ns.namespace, lambda: None) for resource in (*POLICIES, JOBS)]
    tasks = [asyncio.create_task(informer.run()) for informer in informers]
    for informer in informers:
        informer._changed = lambda mirror=informer: made.update(mirror.objects)  # type: ignore[misc]
    await ns.operator()
    await ns.start(small(steadyState__expect=[{"name": "healthy", "always": expected}]))
    status = await ns.finishes()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", reason)
    assert status["undo"] == []
    assert made == {"redis"}, "only the shop's own policy was ever there"
    await ns.nothing_is_left()


async def test_targets_already_isolated_are_refused_with_networkpolicy_and_cut_with_cilium(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    ns.apply(ISOLATED)
    await ns.operator()
    await ns.start(small(outage__faults__0__networkPartition__via="NetworkPolicy"))
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "api-egress" in status["message"]
    assert status["undo"] == []

    await ns.needs_cilium()
    await ns.start(small(), name="second")
    status = await ns.finishes("second")
    assert status["verdict"] == "Passed", status["message"]
    await ns.nothing_is_left()


async def test_a_target_on_the_hosts_network_is_refused(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
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
    ns.apply(pod)
    await ns.operator()
    await ns.start(small())
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "on-host" in status["message"]
    assert "hostNetwork" in status["message"]


async def test_targets_that_stand_behind_the_dependency_are_refused_by_name(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    everybody = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "redis"]}]}
    await ns.start(small(outage__faults__0__networkPartition__podSelector=everybody))
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "are pods of the dependency that is cut" in status["message"]
    assert "redis-" in status["message"]
    assert status["undo"] == []
    await ns.nothing_is_left()


async def test_pods_that_a_quota_has_no_room_for_together_are_refused_before_the_first(ns: TeamNamespace) -> None:
    """The API server holds each object of a dry run against the quota by itself."""
    await ns.shop(parts=("api", "redis"), replicas=1)
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": {"pods": "4"}}}
    ns.apply(quota)

    async def counted() -> bool:
        there = await ns.admin.get(RESOURCE_QUOTAS, ns.namespace, "team")
        return there is not None and there.get("status", {}).get("used") == {"pods": "2"}

    await happens(counted, "the quota counts the shop", within=60)
    await ns.operator()
    await ns.start(small())
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "ResourceQuota/team has 2 of pods left (of 4), but the drill needs" in status["message"]
    await ns.nothing_is_left()


async def test_a_job_step_whose_pod_security_refuses_is_refused_with_the_api_servers_words(ns: TeamNamespace) -> None:
    """The API server takes the Job, so nobody would know before the rollback; the drill's own pods are restricted."""
    await ns.shop(parts=("api", "redis"), replicas=1)
    kubectl("label", "namespace", ns.namespace, "pod-security.kubernetes.io/enforce=restricted")
    cron_job = requeue()
    ns.apply(cron_job)
    await ns.operator()
    steps = [{"name": "requeue", "job": {"fromCronJob": "requeue"}, "irreversible": True}]
    gameday = small(rollback={"ifMissed": ["healthy again"], "within": "1m", "steps": steps})
    await ns.start(gameday)
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed"), status["message"]
    assert "spec.rollback.steps[requeue]: the API server refuses the pod of Job first-step-requeue" in status["message"]
    assert 'violates PodSecurity "restricted:latest": runAsNonRoot != true' in status["message"]
    assert "first-witness" not in status["message"]
    assert status["undo"] == []
    await ns.nothing_is_left()

    restricted = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["securityContext"] = restricted
    ns.apply(cron_job)
    await ns.start(gameday, name="second")
    status = await ns.finishes("second")
    assert status["verdict"] == "Passed", status["message"]
    await ns.nothing_is_left()


async def test_a_stateful_set_in_a_step_is_called_what_it_is(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    labels = {"app": "queue"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "none"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "serviceName": "queue", "template": pod}
    ns.apply({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "queue"}, "spec": spec})
    await ns.operator()
    steps = [{"name": "stop", "scale": {"deployment": "queue", "replicas": 0}}]
    await ns.start(small(rollback={"ifMissed": ["healthy again"], "within": "1m", "steps": steps}))
    status = await ns.finishes()
    assert status["reason"] == "PreflightFailed"
    assert "queue is a StatefulSet: name it in the field statefulSet" in status["message"]


async def test_a_namespace_that_has_not_opted_in_is_refused_with_the_command_that_does(ns: TeamNamespace) -> None:
    await ns.admin.delete(SERVICE_ACCOUNTS, ns.namespace, "gameday")
    await ns.operator()
    await ns.start(small())
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert f"kubectl apply -n {ns.namespace} -k manifests/namespace" in status["message"]
    assert condition(status, "Passed")["status"] == "Unknown"
    pods, _ = await ns.admin.list(PODS, ns.namespace)
    assert pods == ()


async def test_a_drill_without_its_gameday_says_so_when_its_time_is_over(ns: TeamNamespace) -> None:
    await ns.operator()
    drill = {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "metadata": {"name": "first"}}
    ns.apply(drill | {"spec": {"gameDay": "nowhere", "startBefore": "2020-01-01T00:00:00Z"}})
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "NoGameDay")
    assert "nowhere" in status["message"]
