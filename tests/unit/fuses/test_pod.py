"""The fuse of a scale as a Job: how it stands, whose its pods are, and that it is lit once."""

from typing import Any

import pytest

from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.errors import Rejected
from gameday.fuses.owner import FuseOwner
from gameday.fuses.pod import create, pods_of, state_of
from unit.api_server import ApiServer

MARKS = {"gameday.dev/drill": "first", "gameday.dev/agent": "fuse-stop"}


def job(**changes: Any) -> Object:
    metadata = {"name": "first-fuse-stop", "uid": "u", "labels": MARKS} | changes.pop("metadata", {})
    return {"metadata": metadata, "spec": {"parallelism": 1} | changes, "status": {"startTime": "2026-11-29T06:00:00Z"}}


def ended(condition: str) -> Object:
    return job() | {"status": {"conditions": [{"type": condition, "status": "True"}]}}


def test_it_is_armed_once_a_pod_of_it_runs_that_has_done_its_dry_run() -> None:
    assert not state_of(job(), runs=True, deadline=None).armed
    assert not state_of(job(), runs=False, deadline=91.5).armed
    fuse = state_of(job(), runs=True, deadline=91.5)
    assert (fuse.uid, fuse.armed, fuse.deadline, fuse.dead) == ("u", True, 91.5, None)


def test_a_lost_pod_is_no_lost_fuse() -> None:
    assert state_of(job(), runs=False, deadline=91.5).dead is None


@pytest.mark.parametrize(
    ("thing", "dead"),
    [
        (job(metadata={"deletionTimestamp": "2026-11-29T06:00:00Z"}), "it is being deleted"),
        (job(suspend=True), "it was suspended, which ends its pod"),
        (job(parallelism=0), "spec.parallelism of its Job was changed: leave the Job alone"),
        (ended("Failed"), "it failed"),
        (ended("Complete"), "its pod has ended"),
    ],
)
def test_one_that_will_not_act_any_more_is_dead(thing: Object, dead: str) -> None:
    fuse = state_of(thing, runs=True, deadline=91.5)
    assert (fuse.armed, fuse.dead) == (False, dead)


def test_one_that_is_gone_has_no_uid() -> None:
    assert state_of(None, runs=True, deadline=91.5).uid is None


def pod(name: str, made: str, owner: str = "u", *, controls: bool = True) -> Object:
    owners = [{"kind": "Job", "name": "first-fuse-stop", "uid": owner, "controller": controls}] if owner else []
    return {"metadata": {"name": name, "labels": MARKS, "creationTimestamp": made, "ownerReferences": owners}}


def test_its_pods_are_those_that_it_controls_the_newest_last() -> None:
    pods = (
        pod("b", "2026-11-29T06:02:00Z"),
        pod("a", "2026-11-29T06:01:00Z"),
        pod("c", "x", "other"),
        pod("d", "x", ""),
        pod("e", "x", controls=False),
    )
    assert [one["metadata"]["name"] for one in pods_of(job(), pods)] == ["a", "b"]


CREATED = "2026-11-24T12:00:05Z"
OWNER = FuseOwner("drill-uid", CREATED)


def body(uid: str | None = "drill-uid", **metadata: Any) -> Object:
    noted = {"annotations": {"gameday.dev/drill-uid": uid}} if uid is not None else {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "first-fuse-stop", "labels": MARKS} | noted | metadata,
        "spec": {},
    }


async def test_it_is_lit_once(api_server: ApiServer, cluster: Cluster) -> None:
    made = await create(cluster, "shop", body(), OWNER)
    api_server.objects["jobs", "shop", "first-fuse-stop"]["metadata"]["labels"] |= {"team": "shop"}
    again = await create(cluster, "shop", body(), OWNER)
    assert again["metadata"]["uid"] == made["metadata"]["uid"]


async def test_a_job_of_its_name_that_is_not_this_drills_is_refused(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.put("jobs", "shop", {"metadata": {"name": "first-fuse-stop", "labels": {"team": "shop"}}})
    with pytest.raises(Rejected, match="does not belong to this drill"):
        await create(cluster, "shop", body(), OWNER)


async def test_one_that_an_earlier_drill_of_the_same_name_left_is_refused_and_stays(
    api_server: ApiServer, cluster: Cluster
) -> None:
    left = api_server.put("jobs", "shop", body("earlier-uid"))
    with pytest.raises(Rejected, match="Job shop/first-fuse-stop is the fuse of an earlier Drill of this name") as told:
        await create(cluster, "shop", body(), OWNER)
    assert "kubectl delete job -n shop first-fuse-stop" in str(told.value)
    assert api_server.objects["jobs", "shop", "first-fuse-stop"] == left


DRILL = {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "name": "first"}


@pytest.mark.parametrize(
    ("found", "own"),
    [
        (body(), True),
        (body("earlier-uid", creationTimestamp="2026-11-24T12:10:00Z"), False),
        (body(None, creationTimestamp="2026-11-24T12:00:05Z"), True),
        (body(None, creationTimestamp="2026-11-24T12:10:00Z"), True),
        (body(None, creationTimestamp="2026-11-24T12:00:04Z"), False),
        (body(None, ownerReferences=[DRILL | {"uid": "drill-uid"}]), True),
        (body(None, ownerReferences=[DRILL | {"uid": "earlier-uid"}], creationTimestamp=CREATED), False),
    ],
    ids=[
        "its UID", "another UID", "no UID, as old", "no UID, younger", "no UID, older than the Drill",
        "owned", "owned by an earlier one",
    ],
)  # fmt: skip
def test_whose_a_fuse_is_is_said_by_the_uid_of_its_drill_or_in_earlier_versions_by_its_age(
    found: Object, own: bool
) -> None:
    assert OWNER.owns(found) is own
