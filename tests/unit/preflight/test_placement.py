"""What our pods take over from the targets, what enrols a witness in a mesh, and the nodes where no witness can run."""

from typing import Any

import pytest

from gameday.actions.network_partition.targets import pairs
from gameday.actions.preflight import check
from gameday.cluster.resources import Object
from gameday.model.labels import STAND_IN
from gameday.model.placement import Mesh, Placement
from gameday.model.plan import Selector
from gameday.preflight.placement import mesh_of, placement_of
from unit.preflight.things import API, a_snapshot, plan, pod

DEDICATED = {"key": "dedicated", "operator": "Equal", "value": "shop", "effect": "NoSchedule"}
UNREACHABLE = {
    "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
}  # fmt: skip
SELECTOR = Selector({"app": "api"})


def test_tolerations_node_selector_and_pull_secrets_are_taken_over() -> None:
    one = pod(
        "api-1",
        tolerations=[DEDICATED, UNREACHABLE],
        nodeSelector={"pool": "shop"},
        priorityClassName="high",
        imagePullSecrets=[{"name": "registry"}],
    )
    assert placement_of((one,), None) == Placement((DEDICATED,), {"pool": "shop"}, ("registry",))


def test_one_that_tolerates_everything_names_no_key() -> None:
    every = {"operator": "Exists"}
    assert placement_of((pod("api-1", tolerations=[every]),), None).tolerations == (every,)


def test_of_several_targets_the_first_by_name_says_where_and_all_say_with_which_secrets() -> None:
    two = pod("api-2", nodeSelector={"pool": "two"}, imagePullSecrets=[{"name": "b"}])
    one = pod("api-1", nodeSelector={"pool": "one"}, imagePullSecrets=[{"name": "a"}])
    found = placement_of((two, one), {"imagePullSecrets": [{"name": "accounts"}, {"name": "b"}]})
    assert (found.node_selector, found.pull_secrets) == ({"pool": "one"}, ("accounts", "b", "a"))


def test_nothing_is_taken_over_where_there_is_nothing() -> None:
    assert placement_of((pod("api-1"),), {}) == placement_of((), None) == Placement()


def meshed(name: str, annotations: dict[str, str], labels: dict[str, str] | None = None, **more: Any) -> Object:
    one = pod(name, API | (labels or {}), **more)
    return one | {"metadata": one["metadata"] | {"annotations": annotations}}


def test_what_enrols_a_pod_is_taken_over_and_what_a_mesh_has_written_is_not() -> None:
    one = meshed(
        "api-1",
        {"linkerd.io/inject": "enabled", "linkerd.io/proxy-version": "2.18", "prometheus.io/scrape": "true"},
        {"istio.io/dataplane-mode": "ambient", "istio.io/rev": "canary"},
    )
    assert mesh_of(one) == Mesh(
        {"istio.io/dataplane-mode": "ambient", "istio.io/rev": "canary"}, {"linkerd.io/inject": "enabled"}
    )


def test_targets_in_a_mesh_and_outside_have_a_witness_each() -> None:
    pods = (pod("api-1"), meshed("api-2", {"linkerd.io/inject": "enabled"}))
    found = pairs(a_snapshot(pods=pods), SELECTOR)
    assert [(pair.node, dict(pair.labels), dict(pair.mesh.annotations)) for pair in found] == [
        # A mesh's rules may ask for labels, and are not read.
        ("node-a", {"app": "api"}, {"linkerd.io/inject": "enabled"}),
        ("node-a", {"app": STAND_IN}, {}),
    ]


@pytest.mark.parametrize(
    ("there", "code"),
    [
        pytest.param(pod("api-1", os={"name": "windows"}), "WindowsTargets", id="a Windows pod"),
        pytest.param(
            pod("api-1", nodeSelector={"kubernetes.io/os": "windows"}), "WindowsTargets", id="on Windows nodes"
        ),
        pytest.param(pod("api-1", API | {"eks.amazonaws.com/fargate-profile": "shop"}), "FargateTargets", id="Fargate"),
        pytest.param(pod("api-1", schedulerName="fargate-scheduler"), "FargateTargets", id="Fargate's scheduler"),
        pytest.param(pod("api-1", node="fargate-ip-10-0-1-2.ec2.internal"), "FargateTargets", id="a node of Fargate"),
    ],
)
def test_targets_that_no_witness_can_stand_beside_are_refused(there: Object, code: str) -> None:
    redis = pod("redis-1", {"app": "redis"}, ip="10.0.0.3")
    (finding,) = check(a_snapshot(pods=(there, redis)), plan())
    assert (finding.code, finding.path) == (code, "spec.outage.faults[partition].networkPartition.podSelector")
    assert finding.message.startswith("api-1 run")


def test_targets_on_linux_are_not() -> None:
    ours = pod("api-1", os={"name": "linux"}, nodeSelector={"kubernetes.io/os": "linux"})
    assert check(a_snapshot(pods=(ours, pod("redis-1", {"app": "redis"}, ip="10.0.0.3"))), plan()) == ()
