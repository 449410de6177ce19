"""What keeps a pod from running, in the words of a kubelet: statuses as kind 1.37 shows them."""

from typing import Any

import pytest

from gameday.cluster.pod_status import trouble

PULL = 'Back-off pulling image "localhost/gameday:tpyo": ErrImagePull: failed to resolve reference: not found'


def waiting(reason: str, message: str = "", name: str = "agent") -> dict[str, Any]:
    return {"name": name, "state": {"waiting": {"reason": reason} | ({"message": message} if message else {})}}


def running(name: str = "agent") -> dict[str, Any]:
    return {"name": name, "state": {"running": {"startedAt": "2026-11-30T01:00:00Z"}}}


SECRET = {"name": "secret-0", "secret": {"secretName": "cart-store-pass", "items": [{"key": "password"}]}}
OPTIONAL = {"name": "secret-1", "secret": {"secretName": "maybe", "optional": True, "items": [{"key": "x"}]}}
CA = {"name": "configmap-0", "configMap": {"name": "ca", "items": [{"key": "ca.crt"}]}}


def pod(*containers: dict[str, Any], volumes: tuple[dict[str, Any], ...] = (), **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "drill-observer"},
        "spec": {"volumes": list(volumes)},
        "status": {"phase": "Pending", "containerStatuses": list(containers), **status},
    }


def conditions(**states: str) -> list[dict[str, str]]:
    return [{"type": kind, "status": state} for kind, state in states.items()]


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (pod(waiting("ImagePullBackOff", PULL)), f"ImagePullBackOff: {PULL}"),
        (
            pod(waiting("CreateContainerConfigError", 'secret "redis-pass" not found')),
            'CreateContainerConfigError: secret "redis-pass" not found',
        ),
        (pod(running()), ""),
        (pod(running(), waiting("ImagePullBackOff", PULL, "proxy")), ""),
        (
            pod(waiting("PodInitializing"), initContainerStatuses=[waiting("ErrImagePull", "no such", "mesh-init")]),
            "container mesh-init: ErrImagePull: no such",
        ),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3"}]),
            "Unschedulable: 0/3",
        ),
        (
            pod(
                running(),
                conditions=[
                    {
                        "type": "DisruptionTarget",
                        "status": "True",
                        "reason": "EvictionByEvictionAPI",
                        "message": "Eviction API: evicting",
                    }
                ],
            ),
            "EvictionByEvictionAPI: Eviction API: evicting",
        ),
        (pod(phase="Failed", reason="Evicted", message="the node was low on memory"), "Evicted: the node was low on"),
        (pod({"name": "agent", "state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}), "OOMKilled: exit"),
        (pod(), ""),
        ({"metadata": {"name": "new"}, "spec": {}}, ""),
    ],
)
def test_the_clusters_words_are_told(seen: dict[str, Any], why: str) -> None:
    told = trouble(seen, "agent")
    assert told.startswith(why)
    assert bool(told) is bool(why)


def test_a_pod_without_its_volumes_names_each_secret_and_key_that_it_waits_for() -> None:
    """That one is missing is an Event alone: the status of such a pod says nothing but ContainerCreating."""
    stuck = pod(
        waiting("ContainerCreating"),
        volumes=(SECRET, OPTIONAL, CA),
        conditions=conditions(PodScheduled="True", PodReadyToStartContainers="False"),
    )
    assert trouble(stuck, "agent") == (
        "ContainerCreating: its volumes or its network are not ready: check Secret cart-store-pass (key password) and "
        "ConfigMap ca (key ca.crt); `kubectl get events` of the namespace says what is missing"
    )


def test_a_pod_with_its_volumes_pulls_its_image() -> None:
    pulls = pod(
        waiting("ContainerCreating"), volumes=(SECRET,), conditions=conditions(PodReadyToStartContainers="True")
    )
    assert trouble(pulls, "agent") == "ContainerCreating: its image is being pulled"


def test_a_kubelet_that_does_not_say_which_leaves_both_open() -> None:
    told = trouble(pod(waiting("ContainerCreating"), volumes=(SECRET,)), "agent")
    assert "or its image is being pulled: check Secret cart-store-pass (key password); `kubectl" in told


def test_a_long_message_is_cut() -> None:
    assert len(trouble(pod(waiting("ErrImagePull", "x" * 5000)), "agent")) < 350
