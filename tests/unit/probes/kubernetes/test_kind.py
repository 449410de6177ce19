"""The kubernetes probe: what is watched, with which rights, and what a Deployment comes to."""

from gameday.probes.kind import Rule, WatchedObject
from gameday.probes.kubernetes.kind import KIND, KubernetesProbe
from gameday.probes.runner import ProbeResult

WORKER = KubernetesProbe("worker")


def test_the_operator_watches_one_deployment_and_needs_the_right_to() -> None:
    assert KIND.watched(WORKER) == WatchedObject("apps", "v1", "deployments", "worker")
    assert list(KIND.rules(WORKER)) == [Rule("apps", "deployments", ("list", "watch"))]


def test_a_deployment_gives_its_replicas_and_one_that_is_not_there_is_absent() -> None:
    thing = {"spec": {"replicas": 3}, "status": {"readyReplicas": 2, "updatedReplicas": 3}}
    values = {"replicas": 3.0, "ready": 2.0, "updated": 3.0, "available": 0.0}
    assert KIND.result(thing) == ProbeResult(ok=True, values=values)
    assert KIND.result(None) == ProbeResult(ok=False, error="absent")
