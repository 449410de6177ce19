"""The kind ``podDelete``: which pods it chooses, that it deletes these and no other, and when it is proven and over."""

import json
from dataclasses import replace
from typing import Any, Final

import pytest

from gameday.actions.kind import ActionContext
from gameday.actions.manual import INSTRUCTIONS, Manual
from gameday.actions.pod_delete import GRACE, PodDelete, PodDeleteKind
from gameday.actions.preflight import check as preflight
from gameday.actions.registry import KINDS
from gameday.actions.scale.kind import Scale
from gameday.actions.watched_pods import ALL_PODS, SETS
from gameday.actions.workload import Workload
from gameday.api.actions import fault_model, fault_of
from gameday.api.checks import check
from gameday.api.undo_log import KINDS as OBJECTS
from gameday.api.undo_log import change_of, entry_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DEPLOYMENTS, PODS, REPLICA_SETS, STATEFUL_SETS, Object, Resource
from gameday.controller.gameday.largest import largest
from gameday.errors import Forbidden, PlanInvalid, Rejected
from gameday.model.change import Change, ChangeState, Observed, Presence
from gameday.model.labels import DRILL
from gameday.model.plan import Action, Fault, Plan
from gameday.preflight.findings import Severity
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.schema.base import MOST
from gameday.schema.bounds import NOTED
from gameday.schema.named import Dependencies
from granted import role
from unit.actions.http.test_change import CALL
from unit.actions.redis_acl.test_kind import OFF
from unit.actions.watched import Watched
from unit.api_server import ApiServer
from unit.preflight.things import a_snapshot, endpoints, plan, pod
from workloads import deployment, stateful_set

ONE: Final = PodDelete(deployment("api"), pods=1)
BOTH: Final = PodDelete(deployment("api"), pods=2)


def owned(name: str, by: str, kind: str = "ReplicaSet", *, ready: bool = True, born: str = "", **meta: Any) -> Object:
    """A pod that something controls."""
    made = pod(name)
    owners = [{"kind": kind, "name": by, "uid": f"uid-{by}", "controller": True}]
    made["metadata"] |= {"uid": f"uid-{name}", "creationTimestamp": born, "ownerReferences": owners, **meta}
    made["status"]["conditions"] = [{"type": "Ready", "status": str(ready)}]
    return made


def replica_set(name: str, by: str) -> Object:
    owners = [{"kind": "Deployment", "name": by, "uid": f"uid-{by}", "controller": True}]
    return {"metadata": {"name": name, "uid": f"uid-{name}", "ownerReferences": owners}, "spec": {}}


def workload(name: str = "api", replicas: int = 2) -> Object:
    status = {"updatedReplicas": replicas, "replicas": replicas, "availableReplicas": replicas}
    meta = {"name": name, "uid": f"uid-{name}", "resourceVersion": "7"}
    return {"metadata": meta, "spec": {"replicas": replicas}, "status": status}


SETS_OF_API: Final = (replica_set("api-1", "api"), replica_set("other-1", "other"))
TWO: Final = (owned("api-1-a", "api-1", born="2026-01-02T00:00:00Z"), owned("api-1-b", "api-1", born="2026-01-01"))
"""The second one is older."""


def there(*pods: Object, **things: Any) -> NamespaceSnapshot:
    kept: dict[str, Any] = {"pods": pods or TWO, "replicasets": SETS_OF_API, "deployments": (workload(),)}
    seen = a_snapshot(**kept | things)
    seen.rules = (*role("actions/podDelete")["rules"],)
    return seen


def planned(*actions: Action) -> Plan:
    whole = plan()
    faults = tuple(Fault(f"f{number}", action) for number, action in enumerate(actions))
    return replace(whole, outage=replace(whole.outage, faults=faults))


def found(seen: NamespaceSnapshot, *actions: Action) -> dict[str, tuple[str, str]]:
    """What the preflight finds of these faults: path and message by code."""
    every = preflight(seen, planned(*actions))
    return {f.code: (f.path, str(f)) for f in every if "podDelete" in f.path and f.severity is Severity.REFUSE}


def kind() -> PodDeleteKind:
    made = KINDS.changes["podDelete"]
    assert isinstance(made, PodDeleteKind)
    return made


def parsed(**spec: Any) -> Action:
    fault = fault_model(KINDS).model_validate({"name": "api-pods", "podDelete": spec})
    return fault_of(Dependencies((), "spec.outage.faults[0]"), fault, KINDS).action


def test_yaml_becomes_its_action() -> None:
    assert parsed(deployment="api", pods=1) == ONE
    assert parsed(statefulSet="queue", percent=50) == PodDelete(stateful_set("queue"), percent=50)


@pytest.mark.parametrize("spec", [{}, {"pods": 1, "percent": 10}], ids=["none", "both"])
def test_exactly_one_of_pods_and_percent_is_given(spec: dict[str, int]) -> None:
    with pytest.raises(PlanInvalid, match="give exactly one of pods and percent"):
        parsed(deployment="api", **spec)


@pytest.mark.parametrize(
    ("percent", "ready", "deleted"), [(1, 2, 1), (50, 2, 1), (50, 3, 2), (100, 3, 3), (33, 3, 1), (34, 3, 2)]
)
def test_a_percentage_is_rounded_up(percent: int, ready: int, deleted: int) -> None:
    pods = tuple(owned(f"api-1-{number}", "api-1") for number in range(ready))
    assert len(kind().hits(PodDelete(deployment("api"), percent=percent), there(*pods))[1]) == deleted


def test_the_oldest_ready_pods_of_the_workload_are_chosen_and_no_others() -> None:
    others = (
        owned("api-0-other", "other-1", born="2020"),
        owned("api-0-alone", "gone", born="2020"),
        owned("api-0-starts", "api-1", born="2020", ready=False),
        owned("api-0-ends", "api-1", born="2020", deletionTimestamp="2026-01-01T00:00:00Z"),
        owned("api-0-ours", "api-1", born="2020", labels={"app": "api", DRILL: "first"}),
        pod("api-0-nobody"),
    )
    field_, hit = kind().hits(ONE, there(*TWO, *others))
    assert (field_, [one["metadata"]["name"] for one in hit]) == ("deployment", ["api-1-b"])
    assert len(kind().hits(PodDelete(deployment("api"), percent=100), there(*TWO, *others))[1]) == 2


def test_all_is_well_where_the_pods_are_there() -> None:
    assert found(there(), BOTH) == {}


def test_what_cannot_be_done_is_found_before_with_path_and_remedy() -> None:
    path, text = found(there(), PodDelete(deployment("ap"), pods=1))["NoDeployment"]
    assert path == "spec.outage.faults[f0].podDelete.deployment"
    assert text.endswith("there is no Deployment ap: correct the name, or remove this entry")
    path, text = found(there(), PodDelete(deployment("api"), pods=3))["TooFewPods"]
    assert path == "spec.outage.faults[f0].podDelete.pods"
    few = "Deployment api has 2 ready pods, but the fault is to delete 3: wait until more are ready, or delete fewer"
    assert text.endswith(few)
    path, text = found(there(pod("alone")), PodDelete(deployment("api"), percent=50))["TooFewPods"]
    assert path == "spec.outage.faults[f0].podDelete.percent"
    assert text.endswith("Deployment api has 0 ready pods, but the fault is to delete 1: wait until some are ready")
    crowd = tuple(owned(f"api-1-{number}", "api-1") for number in range(2 * MOST + 2))
    _, text = found(there(*crowd), PodDelete(deployment("api"), percent=50))["TooManyPods"]
    assert text.endswith(f"the fault would delete {MOST + 1}, but at most {MOST} may be deleted: delete fewer")


def test_a_workload_in_a_rollout_is_waited_for() -> None:
    behind = workload() | {"status": {"updatedReplicas": 1, "replicas": 3}}
    seen = there(pod("alone"), deployments=(behind,))
    assert kind().rolling(BOTH, seen) == ("Deployment api",)
    assert found(seen, BOTH) == {}
    assert kind().rolling(BOTH, there()) == ()


def test_what_another_fault_acts_on_is_refused_in_either_order() -> None:
    away = Scale(deployment("api"), 0)
    _, text = found(there(), ONE, away)["SharedWorkload"]
    assert (
        "fault f1 acts on Deployment api as well, so their effects could not be told apart: name another workload"
    ) in text
    (text,) = [str(one) for one in check(planned(away, ONE)) if "podDelete" in str(one)]
    assert text.startswith(
        "spec.outage.faults[1].podDelete.deployment: an earlier fault acts on Deployment api as well"
    )
    assert found(there(), ONE, Scale(deployment("worker"), 0)) == {}


def test_what_stands_behind_a_dependency_that_is_cut_is_refused() -> None:
    seen = there()
    cut = plan().outage.faults[0].action
    seen.faults = {"f1": replace(seen, endpoints=(endpoints("10.0.0.9"),))}
    path, text = found(seen, ONE, cut)["TakesDependency"]
    assert path == "spec.outage.faults[f0].podDelete.deployment"
    assert "api is the dependency that networkPartition cuts off" in text


def test_all_findings_come_at_once() -> None:
    seen = there(deployments=())
    assert set(found(seen, BOTH, Scale(deployment("api"), 0))) == {"NoDeployment", "SharedWorkload"}


def test_a_missing_right_is_named() -> None:
    seen = there()
    seen.rules = (*role("actions/networkPartition")["rules"],)
    said = [one.message for one in preflight(seen, planned(ONE)) if one.code == "MissingRights"]
    assert any("list, watch deployments" in text or "watch deployments" in text for text in said), said
    assert not [one for one in preflight(there(), planned(ONE)) if one.code == "MissingRights"]


def test_a_stateful_set_needs_no_right_to_see_deployments() -> None:
    asked = {right.resource for right in kind().rights(PodDelete(stateful_set("queue"), pods=1), there())}
    assert asked == {STATEFUL_SETS}


def watched(*pods: Object, replicas: int = 2, by: Workload = ONE.workload) -> Watched:
    seen = Watched()
    seen.upsert(by.watch, workload(by.name, replicas))
    for one in SETS_OF_API:
        seen.upsert(SETS, one)
    for one in pods:
        seen.upsert(ALL_PODS, one)
    return seen


def scene(cluster: Cluster, seen: Watched) -> ActionContext:
    return ActionContext(cluster, "shop", "first", "drill-uid", seen)


UIDS: Final = {one["metadata"]["name"]: one["metadata"]["uid"] for one in TWO}
REGISTERED: Final = Change(
    "f0", "podDelete", "Deployment", "api", "fuse", ChangeState.ARMED, before={"readyPods": 2}, wanted={"pods": UIDS}
)
ASKED: Final = replace(REGISTERED, state=ChangeState.ACTIVE, requested_at=1.0)
UNDOING: Final = replace(ASKED, state=ChangeState.UNDOING, undo_requested_at=2.0)
NEW: Final = (owned("api-1-c", "api-1"), owned("api-1-d", "api-1"))


def ends(thing: Object) -> Object:
    return thing | {"metadata": thing["metadata"] | {"deletionTimestamp": "2026-01-01T00:00:00Z"}}


def observed(cluster: Cluster, change: Change | None, *pods: Object, replicas: int = 2) -> Observed:
    return kind().observe(scene(cluster, watched(*pods, replicas=replicas)), "f0", BOTH, change)


def test_before_it_is_registered_it_says_which_pods_by_name_and_uid(cluster: Cluster) -> None:
    seen = observed(cluster, None, *TWO)
    assert (seen.presence, seen.before, seen.wanted) == (Presence.ABSENT, {"readyPods": 2}, {"pods": UIDS})
    assert (seen.object_kind, seen.object_name, seen.uid, seen.version) == ("Deployment", "api", "uid-api", "7")


def test_too_few_pods_at_that_moment_begin_nothing(cluster: Cluster) -> None:
    seen = observed(cluster, None, TWO[0])
    assert (seen.presence, seen.detail) == (
        Presence.TAMPERED,
        "Deployment api has 1 ready pod, but the fault is to delete 2",
    )


def test_nothing_is_said_before_the_watches_have_listed(cluster: Cluster) -> None:
    seen = watched(*TWO)
    seen.synced = False
    assert kind().observe(scene(cluster, seen), "f0", BOTH, None).presence is Presence.UNKNOWN


def test_what_it_watches(cluster: Cluster) -> None:
    def of(action: PodDelete | None, change: Change | None) -> list[Resource]:
        return [watch.resource for watch in kind().watches(scene(cluster, Watched()), "f0", action, change)]

    assert of(ONE, None) == [DEPLOYMENTS, PODS, REPLICA_SETS]
    assert of(None, REGISTERED) == of(ONE, UNDOING) == [DEPLOYMENTS, PODS], "the undo log names the pods"
    assert of(PodDelete(stateful_set("queue"), pods=1), None) == [STATEFUL_SETS, PODS]


def test_no_list_of_it_keeps_the_rest_of_a_drill_waiting_nor_its_undo(cluster: Cluster) -> None:
    seen = Watched(synced=False)
    for change in (None, REGISTERED, ASKED, UNDOING):
        assert not any(watch.blocks for watch in kind().watches(scene(cluster, seen), "f0", ONE, change))
    assert kind().observe(scene(cluster, seen), "f0", ONE, ASKED).presence is Presence.UNKNOWN
    undone = kind().observe(scene(cluster, seen), "f0", ONE, UNDOING)
    assert (undone.presence, undone.may_arrive) == (Presence.ABSENT, True)
    assert undone.shown == "the pods of api were not seen; its controller creates new ones for those that are gone"


def test_a_pod_that_is_lost_before_the_request_ends_the_drill(cluster: Cluster) -> None:
    """It would be proven by what others did."""
    seen = observed(cluster, REGISTERED, TWO[0], NEW[0])
    assert (seen.presence, seen.detail) == (Presence.TAMPERED, "lost api-1-b, which this drill was about to delete")
    assert observed(cluster, REGISTERED, *TWO).presence is Presence.ABSENT


def test_that_nothing_happened_proves_nothing(cluster: Cluster) -> None:
    seen = observed(cluster, ASKED, *TWO, *NEW)
    assert (seen.presence, seen.version, seen.may_arrive) == (Presence.ABSENT, "7", True)


def test_it_is_proven_once_each_pod_is_gone(cluster: Cluster) -> None:
    going = observed(cluster, ASKED, *map(ends, TWO))
    assert (going.presence, going.settled, going.shown) == (
        Presence.PRESENT,
        False,
        "api-1-a and api-1-b of api are not deleted yet",
    )
    assert not observed(cluster, ASKED, ends(TWO[0]), *NEW).settled
    gone = observed(cluster, ASKED)
    assert (gone.presence, gone.settled, gone.shown) == (
        Presence.PRESENT,
        True,
        "api-1-a and api-1-b of api are gone",
    )


def test_new_pods_during_the_outage_change_nothing(cluster: Cluster) -> None:
    assert observed(cluster, ASKED, *NEW) == observed(cluster, ASKED)


def test_a_pod_that_came_back_under_its_name_is_another_one(cluster: Cluster) -> None:
    again = TWO[0] | {"metadata": TWO[0]["metadata"] | {"uid": "another"}}
    assert observed(cluster, ASKED, again).settled


def test_what_was_begun_and_not_finished_is_asked_for_again(cluster: Cluster) -> None:
    assert observed(cluster, ASKED, TWO[0]).presence is Presence.DRIFTED


@pytest.mark.parametrize("pods", [(), (NEW[0],), NEW, (ends(TWO[0]),)], ids=["none", "one", "all", "one ends"])
def test_once_its_undo_is_asked_for_it_is_over_whatever_pods_there_are(
    cluster: Cluster, pods: tuple[Object, ...]
) -> None:
    """How long new ones take is the system's recovery, which begins then."""
    over = observed(cluster, UNDOING, *pods)
    said = "api-1-a and api-1-b stay gone: the controller of api creates new ones"
    assert (over.presence, over.shown) == (Presence.ABSENT, said)


def test_an_undo_of_what_was_never_done_holds_nothing(cluster: Cluster) -> None:
    seen = observed(cluster, UNDOING, *TWO)
    assert (seen.presence, seen.shown) == (Presence.ABSENT, "no pod of api was deleted")


def test_a_workload_that_is_gone_holds_nothing(cluster: Cluster) -> None:
    seen = Watched()
    found_ = kind().observe(scene(cluster, seen), "f0", None, ASKED)
    assert (found_.presence, found_.detail) == (Presence.GONE, "was deleted by somebody else")
    assert kind().observe(scene(cluster, seen), "f0", BOTH, None).detail == "Deployment api does not exist"


def test_without_a_plan_it_is_observed_from_the_undo_log(cluster: Cluster) -> None:
    assert kind().observe(scene(cluster, watched(*NEW)), "f0", None, ASKED).settled


async def test_it_deletes_the_pods_of_the_undo_log_and_no_other(api_server: ApiServer, cluster: Cluster) -> None:
    spared = owned("api-1-z", "api-1")
    for one in (*TWO, spared):
        api_server.put("pods", "shop", one)
    here = scene(cluster, watched(*TWO, spared))
    assert kind().observe(here, "f0", BOTH, ASKED).presence is Presence.ABSENT
    for _ in range(2):
        await kind().apply(here, BOTH, ASKED, "7")
    assert set(api_server.objects) == {("pods", "shop", "api-1-z")}
    late = kind().observe(here, "f0", BOTH, ASKED)
    assert (late.presence, late.settled) == (Presence.PRESENT, False), "the watch is behind, and nobody took it back"
    await kind().revert(here, UNDOING)
    assert kind().observe(here, "f0", BOTH, UNDOING).presence is Presence.ABSENT


async def test_a_new_pod_under_the_name_is_spared(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.put("pods", "shop", owned("api-1-a", "api-1", uid="another"))
    api_server.put("pods", "shop", TWO[1])
    await kind().apply(scene(cluster, watched()), BOTH, ASKED, "")
    assert set(api_server.objects) == {("pods", "shop", "api-1-a")}


async def test_an_undo_log_that_names_no_pods_deletes_none(cluster: Cluster) -> None:
    with pytest.raises(Rejected, match="the undo log does not name the pods that f0 deletes"):
        await kind().apply(scene(cluster, watched(*TWO)), BOTH, replace(ASKED, wanted=None), "")


async def test_what_the_api_server_refuses_is_not_taken_for_done(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, uid: str, grace: int) -> bool:
        assert (uid in UIDS.values(), grace) == (True, GRACE)
        raise Forbidden("admission says no")

    here = scene(cluster, watched(*TWO))
    monkeypatch.setattr(here.account, "delete", refuse)
    with pytest.raises(Forbidden):
        await kind().apply(here, BOTH, ASKED, "")
    assert kind().observe(here, "f0", BOTH, ASKED).presence is Presence.ABSENT


def test_the_undo_log_has_room_for_all_that_may_be_deleted() -> None:
    most = PodDelete(deployment("api"), percent=100)
    assert len(kind().notes(most)["pods"]) == MOST
    asks = Manual("\N{BROKEN HEART}", "\N{BROKEN HEART}" * INSTRUCTIONS, "redis.ok")
    for one in KINDS.changes.values():
        action = {"podDelete": most, "manual": asks, "http": CALL, "redisAcl": OFF}.get(
            one.name, plan().outage.faults[0].action
        )
        assert len(json.dumps(one.notes(action))) <= NOTED
    (change,) = largest(planned(most), "").changes
    assert change.wanted == kind().notes(most)


def test_an_entry_of_the_undo_log_is_read_back() -> None:
    read = change_of(entry_of(ASKED))
    assert (read.before, read.wanted) == (ASKED.before, ASKED.wanted)


def test_a_kind_of_object_that_two_kinds_of_actions_change_is_listed_once() -> None:
    """An API server may refuse a CRD whose enum names one value twice."""
    assert len(set(OBJECTS)) == len(OBJECTS)
