"""A StatefulSet is scaled as a Deployment is, and neither is ever taken for the other one of the same name."""

from dataclasses import replace

import pytest

from gameday.actions.preflight import check, needed
from gameday.actions.registry import KINDS
from gameday.actions.scale.kind import Scale, put_back, scale
from gameday.actions.scale.restore import Restore
from gameday.actions.workload import Workload
from gameday.api.checks import check as check_plan
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.engine.drill import steps
from gameday.errors import PlanInvalid
from gameday.model.change import Change
from gameday.model.plan import Step
from gameday.model.record import DrillRecord
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.schema.named import Dependencies
from unit.api_server import ApiServer
from unit.preflight.things import a_snapshot, owner, plan
from workloads import deployment, stateful_set

PATH = "spec.rollback.steps[1]"
STOP = Step("stop", Scale(stateful_set("queue"), 0))
QUEUE = owner("queue", {"app": "queue"})


def with_(collections: dict[str, tuple[Object, ...]]) -> NamespaceSnapshot:
    there = a_snapshot()
    there.things = there.things | collections
    return there


def parsed(**named: str) -> object:
    kind = KINDS.changes["scale"]
    spec = kind.spec.model_validate(named | {"replicas": 0})
    return kind.parse(spec, Dependencies((), "spec.outage.faults[1].scale"))


def test_a_spec_names_the_one_or_the_other() -> None:
    assert parsed(statefulSet="queue") == Scale(stateful_set("queue"), 0)
    assert parsed(deployment="queue") == Scale(deployment("queue"), 0)


@pytest.mark.parametrize("named", [{}, {"deployment": "queue", "statefulSet": "queue"}], ids=["none", "both"])
def test_a_spec_that_names_none_or_both_is_refused_also_without_the_crd(named: dict[str, str]) -> None:
    with pytest.raises(PlanInvalid, match="give exactly one of deployment and statefulSet") as refused:
        parsed(**named)
    assert str(refused.value).startswith("spec.outage.faults[1].scale: ")


def test_two_of_one_name_are_two_workloads() -> None:
    both = (STOP, Step("other", Scale(deployment("queue"), 0)))
    assert not [one for one in check_plan(plan(None, *both)) if one.path.startswith("spec.rollback")]
    mixed = (STOP, Step("start", Restore(deployment("queue"))))
    (found,) = [one for one in check_plan(plan(None, *mixed)) if one.path.startswith("spec.rollback")]
    assert found.path == f"{PATH}.restore.deployment"


def test_a_restore_takes_back_what_was_scaled_of_its_kind() -> None:
    def entry(kind: str) -> Change:
        return Change(kind, "scale", kind, "queue", f"fuse-{kind}")

    record = replace(DrillRecord(), changes=(entry("Deployment"), entry("StatefulSet")))
    back = Step("start", Restore(stateful_set("queue")))
    assert [one.object_kind for one in steps._reverted_by(record, back)] == ["StatefulSet"]


@pytest.mark.parametrize(
    ("workload", "there", "told"),
    [
        (stateful_set("queue"), {"statefulsets": (QUEUE,)}, None),
        (stateful_set("queue"), {"deployments": (QUEUE,)}, "queue is a Deployment: name it in the field deployment"),
        (deployment("queue"), {"statefulsets": (QUEUE,)}, "queue is a StatefulSet: name it in the field statefulSet"),
        (
            stateful_set("queue"),
            {"daemonsets": (QUEUE,)},
            "queue is a DaemonSet, but only Deployments",
        ),
        (stateful_set("queue"), {}, "there is no StatefulSet queue"),
    ],
    ids=["there", "a deployment", "a statefulset", "a daemonset", "nothing"],
)
def test_the_preflight_says_in_which_field_it_belongs(
    workload: Workload, there: dict[str, tuple[Object, ...]], told: str | None
) -> None:
    found = [
        str(one)
        for one in check(with_(there), plan(None, Step("stop", Scale(workload, 0))))
        if one.path.startswith("spec.rollback")
    ]
    assert len(found) == (told is not None)
    assert told is None or told in found[0]


def test_only_the_rights_of_its_own_kind_are_asked_for() -> None:
    rights = {
        (right.resource.plural, right.subresource): set(right.verbs)
        for right in needed(a_snapshot(statefulsets=(QUEUE,)), plan(None, STOP, probes=()))
        if right.resource.group == "apps"
    }
    assert rights == {("statefulsets", ""): {"list", "watch"}, ("statefulsets", "scale"): {"get", "patch"}}


async def test_its_scale_is_set_and_put_back(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.put("deployments", "shop", {"metadata": {"name": "queue"}, "spec": {"replicas": 5}})
    there = api_server.put("statefulsets", "shop", {"metadata": {"name": "queue"}, "spec": {"replicas": 3}})
    await scale(cluster, "shop", stateful_set("queue"), 0, there["metadata"]["resourceVersion"])
    assert api_server.objects["statefulsets", "shop", "queue"]["spec"]["replicas"] == 0
    await put_back(cluster, "shop", stateful_set("queue"), 3, 0)
    assert api_server.objects["statefulsets", "shop", "queue"]["spec"]["replicas"] == 3
    assert api_server.objects["deployments", "shop", "queue"]["spec"]["replicas"] == 5
