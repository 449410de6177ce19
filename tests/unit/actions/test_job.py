"""A step's Job: the CronJob's template, once, kept until the Drill goes so that its end is known."""

import copy
from collections.abc import Awaitable, Callable

import pytest

from gameday.actions import job
from gameday.actions.kind import ActionContext
from gameday.cluster.client import Cluster
from gameday.cluster.resources import JOBS, Object
from gameday.errors import Conflict, Rejected
from gameday.model.change import RunState
from unit.actions.watched import Watched
from unit.api_server import ApiServer

CRON_JOB: Object = {
    "metadata": {"name": "clear-stalled"},
    "spec": {
        "schedule": "0 0 1 1 *",
        "suspend": True,
        "jobTemplate": {
            "metadata": {"labels": {"app": "shop"}, "annotations": {"note": "kept"}},
            "spec": {
                "backoffLimit": 0,
                "ttlSecondsAfterFinished": 0,
                "template": {"spec": {"containers": [{"name": "clear"}], "restartPolicy": "Never"}},
            },
        },
    },
}


def test_it_is_the_template_of_a_cron_job_even_of_a_suspended_one() -> None:
    body = job.build(CRON_JOB, "first-step-clear", "first", "drill-uid")
    assert body["metadata"]["name"] == "first-step-clear"
    assert body["metadata"]["labels"]["app"] == "shop"
    assert body["metadata"]["labels"]["gameday.dev/drill"] == "first"
    assert body["metadata"]["annotations"] == {"note": "kept", "cronjob.kubernetes.io/instantiate": "manual"}
    assert body["spec"]["template"] == CRON_JOB["spec"]["jobTemplate"]["spec"]["template"]
    assert body["spec"]["backoffLimit"] == 0


def test_it_does_not_vanish_when_it_ends() -> None:
    body = job.build(CRON_JOB, "first-step-clear", "first", "drill-uid")
    assert "ttlSecondsAfterFinished" not in body["spec"]
    (owner,) = body["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Drill", "drill-uid")


@pytest.mark.parametrize(
    ("conditions", "state"),
    [
        ([], RunState.RUNNING),
        ([{"type": "Complete", "status": "True"}], RunState.DONE),
        ([{"type": "SuccessCriteriaMet", "status": "True"}], RunState.RUNNING),
        ([{"type": "Failed", "status": "True"}], RunState.FAILED),
        ([{"type": "Failed", "status": "False"}], RunState.RUNNING),
    ],
)
def test_how_it_stands(conditions: list[Object], state: RunState) -> None:
    there = {"metadata": {"name": "first-step-clear"}, "spec": {}, "status": {"conditions": conditions}}
    assert job.state_of(there) is state


def test_one_that_is_not_there() -> None:
    assert job.state_of(None) is RunState.ABSENT


KIND, ACTION = job.RunJobKind(), job.RunJob("clear-stalled")
NAME = "first-step-clear"
JOB = ("jobs", "shop", NAME)


def drill_with(cluster: Cluster, *jobs: Object) -> ActionContext:
    return ActionContext(cluster, "shop", "first", "drill-uid", Watched.of({"jobs": jobs}))


def serve(api_server: ApiServer, *, queues: bool = False) -> list[str]:
    """Have a CronJob, and an admission that suspends Jobs as a queue does; the verbs of all changes from then on."""
    api_server.put("cronjobs", "shop", copy.deepcopy(CRON_JOB))
    if queues:
        api_server.admission = lambda _, body: body | {"spec": body["spec"] | {"suspend": True}}
    changed: list[str] = []
    api_server.store.listeners.append(lambda change: changed.append(change.verb))
    return changed


async def test_it_is_created_suspended_and_started_by_a_second_request(api_server: ApiServer, cluster: Cluster) -> None:
    """A create that the API server carries out late makes a Job that nobody starts."""
    changed = serve(api_server)
    ctx = drill_with(cluster)
    await KIND.run(ctx, "clear", ACTION, None)
    assert changed == ["create"], "the dry run before it changes nothing"
    assert api_server.objects[JOB]["spec"]["suspend"] is True
    seen = KIND.ran(ctx, "clear", ACTION, None)
    assert (seen.state, seen.waits) == (RunState.NEXT, True)
    await KIND.run(ctx, "clear", ACTION, None)
    assert changed == ["create", "update"]
    assert api_server.objects[JOB]["spec"]["suspend"] is False
    assert job.HELD not in api_server.objects[JOB]["metadata"]["annotations"]
    started = KIND.ran(ctx, "clear", ACTION, None)
    assert (started.state, started.waits) == (RunState.RUNNING, False)
    await KIND.run(ctx, "clear", ACTION, None)
    assert len(changed) == 2


@pytest.mark.parametrize("asked", [KIND.run, KIND.discard], ids=["started", "given up"])
async def test_one_that_was_changed_since_it_was_seen_is_left_as_it_is(
    asked: Callable[..., Awaitable[None]], api_server: ApiServer, cluster: Cluster
) -> None:
    serve(api_server)
    ctx = drill_with(cluster)
    await KIND.run(ctx, "clear", ACTION, None)
    await cluster.patch(JOBS, "shop", NAME, {"metadata": {"labels": {"by": "another"}}})
    there = api_server.objects[JOB]
    with pytest.raises(Conflict):
        await asked(ctx, "clear", ACTION, *((None,) if asked == KIND.run else ()))
    assert api_server.objects[JOB] == there


async def test_one_that_somebody_suspends_after_its_start_is_not_started_again(
    api_server: ApiServer, cluster: Cluster
) -> None:
    changed = serve(api_server)
    there = job.build(CRON_JOB, NAME, "first", "drill-uid")
    there["spec"]["suspend"], there["status"] = True, {"startTime": "2026-11-30T08:00:00Z"}
    ctx = drill_with(cluster, there)
    seen = KIND.ran(ctx, "clear", ACTION, None)
    assert (seen.state, seen.waits) == (RunState.RUNNING, False)
    await KIND.run(ctx, "clear", ACTION, None)
    await KIND.discard(ctx, "clear", ACTION)
    assert not changed


async def test_one_that_a_queue_suspends_is_left_to_the_queue(api_server: ApiServer, cluster: Cluster) -> None:
    """Kueue starts each Job that it manages, whoever suspended it, and stops one that somebody else starts."""
    changed = serve(api_server, queues=True)
    ctx = drill_with(cluster)
    await KIND.run(ctx, "clear", ACTION, None)
    assert changed == ["create"]
    assert job.HELD not in api_server.objects[JOB]["metadata"]["annotations"]
    await KIND.run(ctx, "clear", ACTION, None)
    assert len(changed) == 1
    seen = KIND.ran(ctx, "clear", ACTION, None)
    assert (seen.state, seen.waits) == (RunState.RUNNING, True)
    assert "may have run before" in seen.shown, "a queue takes startTime away when it stops a Job"


@pytest.mark.parametrize(
    ("status", "carried_out"),
    [
        ({}, False),
        ({"startTime": "2026-11-30T08:00:00Z", "active": 1, "ready": 0}, False),
        ({"startTime": "2026-11-30T08:00:00Z", "active": 1, "ready": 1}, True),
        ({"startTime": "2026-11-30T08:00:00Z", "active": 1, "succeeded": 1}, True),
        ({"active": 1, "failed": 1}, False),
        ({"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}, False),
        ({"conditions": [{"type": "Complete", "status": "True"}]}, True),
    ],
    ids=["queued", "pending", "a pod is ready", "a pod has succeeded", "a pod has failed", "failed", "complete"],
)
def test_it_has_done_something_once_a_pod_of_it_surely_ran(status: Object, carried_out: bool, cluster: Cluster) -> None:
    """An active pod may be pending, and one that failed may never have had a node."""
    there = job.build(CRON_JOB, NAME, "first", "drill-uid") | {"status": status}
    assert KIND.ran(drill_with(cluster, there), "clear", ACTION, None).carried_out is carried_out


@pytest.mark.parametrize("queues", [False, True])
async def test_one_that_never_started_is_deleted_where_the_step_is_given_up(
    queues: bool, api_server: ApiServer, cluster: Cluster
) -> None:
    serve(api_server, queues=queues)
    ctx = drill_with(cluster)
    await KIND.run(ctx, "clear", ACTION, None)
    await KIND.discard(ctx, "clear", ACTION)
    assert JOB not in api_server.objects
    assert KIND.ran(ctx, "clear", ACTION, None).state is RunState.ABSENT


@pytest.mark.parametrize("owner", ["of an earlier one", None])
async def test_one_of_an_earlier_drill_of_this_name_is_not_its_own(
    owner: str | None, api_server: ApiServer, cluster: Cluster
) -> None:
    """Kubernetes deletes it some time after its Drill, or never, where it was told to leave it."""
    serve(api_server)
    left = job.build(CRON_JOB, NAME, "first", owner or "") | {
        "status": {"conditions": [{"type": "Complete", "status": "True"}]}
    }
    if owner is None:
        del left["metadata"]["ownerReferences"]
    ctx = drill_with(cluster, api_server.put("jobs", "shop", left))
    assert KIND.ran(ctx, "clear", ACTION, None).state is RunState.ABSENT
    with pytest.raises(Rejected, match="exists and does not belong to this drill"):
        await KIND.run(ctx, "clear", ACTION, None)
    left["metadata"]["ownerReferences"] = [{"kind": "Drill", "uid": "drill-uid"}]
    ctx = drill_with(cluster, api_server.put("jobs", "shop", left))
    assert KIND.ran(ctx, "clear", ACTION, None).state is RunState.DONE
    await KIND.run(ctx, "clear", ACTION, None)


async def test_one_of_its_own_that_its_watch_has_not_shown_yet_is_not_created_again(
    api_server: ApiServer, cluster: Cluster
) -> None:
    changed = serve(api_server)
    for _ in range(2):
        await KIND.run(drill_with(cluster), "clear", ACTION, None)
    assert changed == ["create"]
