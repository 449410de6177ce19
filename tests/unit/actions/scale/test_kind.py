"""What a Deployment says of its scale: nothing counts until its controller has seen the newest spec."""

import contextlib
from dataclasses import replace

import pytest

from gameday.actions.kind import ActionContext
from gameday.actions.scale.kind import Scale, ScaleKind, observed, put_back, scale
from gameday.api.undo_entries import read, shown
from gameday.api.undo_log import change_of, entry_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.engine.drill.undo_log import registered
from gameday.errors import Conflict
from gameday.model.agent import FuseConfig
from gameday.model.change import Change, ChangeState, Observed, Presence
from unit.actions.watched import Watched
from unit.api_server import ApiServer
from workloads import deployment as workload


def deployment(generation: int = 4, replicas: int = 3) -> Object:
    """One whose controller has not said anything of its pods."""
    return {
        "metadata": {"generation": generation, "resourceVersion": "7"},
        "spec": {"replicas": replicas},
        "status": {"observedGeneration": 4},
    }


CHANGE = Change(
    "stop", "scale", "Deployment", "worker", "fuse", ChangeState.ACTIVE, before={"replicas": 3}, wanted={"replicas": 0}
)
BACK = deployment() | {"status": {"observedGeneration": 4, "readyReplicas": 3, "replicas": 3}}


def seen(
    there: Object | None, change: Change | None = CHANGE, wanted: int | None = 0, left: int | None = 0
) -> Observed:
    return observed(workload("worker"), there, wanted, change, left)


def test_before_it_is_registered_it_says_what_the_undo_log_is_to_hold() -> None:
    found = seen(BACK, None)
    assert (found.presence, found.before, found.wanted) == (Presence.ABSENT, {"replicas": 3}, {"replicas": 0})
    assert (found.object_kind, found.object_name, found.version) == ("Deployment", "worker", "7")
    assert found.shown == "worker from 3 to 0 replicas"


def test_scaled_to_zero_has_no_numbers_in_its_status() -> None:
    found = seen(deployment(replicas=0))
    assert (found.presence, found.settled, found.followed) == (Presence.PRESENT, True, True)


def test_pods_that_its_controller_has_not_deleted_yet_are_waited_for() -> None:
    found = seen(deployment(replicas=0) | {"status": {"observedGeneration": 4, "replicas": 2}}, left=2)
    assert (found.presence, found.settled) == (Presence.PRESENT, False)


@pytest.mark.parametrize(
    ("left", "shown"),
    [
        (1, "worker is at 0 replicas, and 1 pod of it has not ended"),
        (3, "worker is at 0 replicas, and 3 pods of it have not ended"),
    ],
)
def test_pods_that_are_ending_are_waited_for_although_its_status_leaves_them_out(left: int, shown: str) -> None:
    found = seen(deployment(replicas=0), left=left)
    assert (found.presence, found.settled, found.shown) == (Presence.PRESENT, False, shown)


def test_fewer_pods_are_reached_when_no_other_one_is_left() -> None:
    one = replace(CHANGE, wanted={"replicas": 1})
    there = deployment(replicas=1) | {"status": {"observedGeneration": 4, "readyReplicas": 1, "replicas": 1}}
    found = seen(there, one, 1, left=3)
    assert not found.settled
    assert found.shown == "worker is at 1 replica, and 2 more pods of it have not ended"
    assert seen(there, one, 1, left=1).settled


def test_pods_that_cannot_be_seen_do_not_count_as_gone() -> None:
    found = seen(deployment(replicas=0), left=None)
    assert (found.presence, found.settled, found.followed, found.relapsed) == (Presence.PRESENT, False, False, "")


def test_pods_that_are_there_again_are_the_end_of_its_effect() -> None:
    assert seen(deployment(replicas=0), left=1).relapsed.startswith("has 1 pod again: ")
    assert seen(deployment(replicas=0), left=0).relapsed == ""


def test_an_undo_waits_for_no_pod_that_is_still_ending() -> None:
    assert seen(BACK, left=5).settled
    assert seen(BACK, left=None).settled


@pytest.mark.parametrize(
    ("to", "ready", "pods", "carried_out"),
    [
        (5, 3, 5, False),
        (5, 4, 5, True),
        (5, 2, 4, False),
        (1, 3, 3, False),
        (1, 2, 2, False),
        (1, 1, 1, True),
        (0, 0, 0, True),
    ],
)
def test_its_number_alone_has_done_nothing(to: int, ready: int, pods: int, carried_out: bool) -> None:
    """There may be no room for another pod, and the system may recover before there is."""
    scaled = replace(CHANGE, wanted={"replicas": to})
    status = {"observedGeneration": 4, "readyReplicas": ready, "replicas": pods}
    assert seen(deployment(replicas=to) | {"status": status}, scaled, to, left=3).carried_out is carried_out
    behind = deployment(generation=5, replicas=to) | {"status": status}
    assert not seen(behind, scaled, to, left=3).carried_out, "its controller has not seen the number"
    assert not seen(BACK, scaled, to).carried_out
    assert not seen(BACK, None, to).carried_out


def test_a_status_older_than_the_spec_is_not_taken_for_it() -> None:
    found = seen(deployment(generation=5, replicas=0) | {"status": {"observedGeneration": 4, "replicas": 0}})
    assert (found.settled, found.followed) == (False, False)


def test_the_number_from_before_is_back_once_its_pods_are_ready() -> None:
    assert (seen(BACK).presence, seen(BACK).settled) == (Presence.ABSENT, True)
    assert not seen(deployment() | {"status": {"observedGeneration": 4, "readyReplicas": 2, "replicas": 3}}).settled


def test_another_number_is_somebody_elses() -> None:
    found = seen(deployment(replicas=5))
    assert found.presence is Presence.TAMPERED
    assert found.detail == "is at 5: KEDA, an HPA, GitOps or a person changes its replicas"


@pytest.mark.parametrize("left", [None, 5, 7], ids=["only the workload is watched", "all there", "some end"])
@pytest.mark.parametrize(
    ("replicas", "ready", "presence", "settled"),
    [
        (5, 5, Presence.TAMPERED, True),
        (5, 4, Presence.TAMPERED, False),
        (3, 3, Presence.ABSENT, True),
        (0, 0, Presence.PRESENT, True),
    ],
    ids=["another number", "not ready yet", "the one from before", "ours, once it was put back"],
)
def test_an_undo_ends_once_the_pods_of_any_number_are_ready(
    left: int | None, replicas: int, ready: int, presence: Presence, settled: bool
) -> None:
    """Once an undo is requested a new process does not watch the pods any more, and a restore would wait in vain."""
    status = {"observedGeneration": 4, "readyReplicas": ready, "replicas": replicas}
    undoing = replace(CHANGE, state=ChangeState.UNDOING, undo_requested_at=10.0)
    found = seen(deployment(replicas=replicas) | {"status": status}, undoing, left=left)
    assert (found.presence, found.settled) == (presence, settled)


def test_the_number_of_somebody_else_is_no_end_of_a_change_that_is_not_being_undone() -> None:
    five = {"observedGeneration": 4, "readyReplicas": 5, "replicas": 5}
    assert not seen(deployment(replicas=5) | {"status": five}, left=None).settled


def test_where_the_number_that_was_set_is_not_known_any_other_is_ours() -> None:
    """The undo log of an operator that did not write it down: a workload left at 0 is worse than one put back."""
    unknown = replace(CHANGE, wanted=None)
    assert seen(deployment(replicas=0), unknown, None).presence is Presence.PRESENT
    assert seen(BACK, unknown, None).presence is Presence.ABSENT


def test_one_that_is_gone_holds_nothing() -> None:
    assert seen(None).presence is Presence.GONE


async def test_what_was_meant_for_an_older_version_changes_nothing_any_more(
    api_server: ApiServer, cluster: Cluster
) -> None:
    seen = api_server.put("deployments", "shop", {"metadata": {"name": "worker"}, "spec": {"replicas": 3}})
    api_server.put("deployments", "shop", {"metadata": {"name": "worker"}, "spec": {"replicas": 5}})
    with pytest.raises(Conflict):
        await scale(cluster, "shop", workload("worker"), 0, seen["metadata"]["resourceVersion"])
    assert api_server.objects["deployments", "shop", "worker"]["spec"]["replicas"] == 5


@pytest.mark.parametrize(("there", "left"), [(0, 3), (3, 3), (5, 5)], ids=["ours", "from before", "somebody else's"])
async def test_the_number_from_before_is_put_back_only_where_ours_is_there(
    there: int, left: int, api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.put("deployments", "shop", {"metadata": {"name": "worker"}, "spec": {"replicas": there}})
    await put_back(cluster, "shop", workload("worker"), 3, 0)
    assert api_server.objects["deployments", "shop", "worker"]["spec"]["replicas"] == left


@pytest.mark.parametrize("wanted", [0, None], ids=["known", "unknown"])
async def test_a_workload_that_was_deleted_and_created_again_is_not_put_back(
    wanted: int | None, api_server: ApiServer, cluster: Cluster
) -> None:
    """It stands at the very number that the fault set, but it was never scaled."""
    key = ("deployments", "shop", "worker")
    body = {"metadata": {"name": "worker"}, "spec": {"replicas": 0}}
    old = api_server.put("deployments", "shop", body)
    api_server.drop(*key)
    new = api_server.put("deployments", "shop", body)
    change = replace(CHANGE, object_uid=old["metadata"]["uid"], wanted=None if wanted is None else {"replicas": wanted})
    found = seen(new, change, wanted)
    assert (found.presence, found.detail) == (
        Presence.GONE, "was deleted by somebody else, who created another one of its name"
    )  # fmt: skip
    assert found.shown == ("its workload is gone; another Deployment worker, which was created since, is left alone")
    ctx = ActionContext(cluster, "shop", "first", "uid", Watched())
    with contextlib.nullcontext() if wanted is not None else pytest.raises(Conflict):
        await ScaleKind().revert(ctx, change)
    with pytest.raises(Conflict):
        await scale(cluster, "shop", workload("worker"), 3, new["metadata"]["resourceVersion"], change.object_uid)
    assert api_server.objects[key] == new
    await ScaleKind().revert(ctx, replace(change, object_uid=new["metadata"]["uid"], wanted={"replicas": 0}))
    assert api_server.objects[key]["spec"]["replicas"] == 3


def test_the_undo_log_and_the_fuse_name_the_very_workload() -> None:
    there = BACK | {"metadata": BACK["metadata"] | {"uid": "worker-uid"}}
    entry = registered("stop", Scale(workload("worker"), 0), seen(there, None), "fuse", 1.0)
    assert change_of(read(shown(entry_of(entry)))).object_uid == "worker-uid"
    config = ScaleKind().fuse_pod(entry, "shop", 90.0, 99.0).config
    assert isinstance(config, FuseConfig)
    assert config.uid == "worker-uid"


def test_an_entry_that_names_no_uid_is_of_any_workload_of_its_name() -> None:
    """An operator of an earlier version noted none."""
    one = BACK | {"metadata": BACK["metadata"] | {"uid": "any"}, "spec": {"replicas": 0}}
    assert (seen(one).presence, seen(one).uid) == (Presence.PRESENT, None)
    assert seen(one, None).uid == "any"
    assert seen(one, replace(CHANGE, object_uid="any")).uid == "any"


async def test_what_is_gone_needs_nothing(api_server: ApiServer, cluster: Cluster) -> None:
    await put_back(cluster, "shop", workload("worker"), 3, 0)
    await scale(cluster, "shop", workload("worker"), 0, "7")
    assert ("deployments", "shop", "worker") not in api_server.objects
