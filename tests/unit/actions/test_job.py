"""A step's Job: the CronJob's template, once, kept until the Drill goes so that its end is known."""

import copy
from typing import Any

import pytest

from gameday.actions import job
from gameday.actions.kind import ActionContext
from gameday.cluster.resources import CRON_JOBS, Object, Resource
from gameday.errors import AlreadyExists, Rejected
from gameday.model.change import RunState

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


class Cache:
    """What the informer of Jobs has seen of the drill's name."""

    def __init__(self, *jobs: Object) -> None:
        self._jobs = {one["metadata"]["name"]: one for one in jobs}

    def objects(self, _watch: str) -> dict[str, Object]:
        return self._jobs

    def upsert(self, _watch: str, thing: Object) -> None:
        self._jobs[thing["metadata"]["name"]] = thing

    def evict(self, _watch: str, deleted: str) -> None:
        self._jobs.pop(deleted, None)


class Server:
    """An API server with one CronJob, whose admission may suspend Jobs as a queue does."""

    def __init__(self, cron_job: Object, *, queues: bool = False) -> None:
        self.cron_job, self.queues = cron_job, queues
        self.asked: list[tuple[str, Object]] = []

    async def get(self, resource: Resource, _namespace: str, _name: str) -> Object | None:
        return copy.deepcopy(self.cron_job) if resource is CRON_JOBS else None

    async def create(self, _resource: Resource, _namespace: str, body: Object, *, dry_run: bool = False) -> Object:
        made = copy.deepcopy(body)
        made["metadata"] |= {"uid": "job-uid", "resourceVersion": "7"}
        if self.queues:
            made["spec"]["suspend"] = True
        if not dry_run:
            self.asked.append(("create", body))
        return made

    async def patch(self, _resource: Resource, _namespace: str, name: str, body: Object) -> Object:
        self.asked.append(("patch", body))
        return {"metadata": {"name": name, "ownerReferences": [OWNER]}, "spec": {"suspend": False}}

    async def delete(self, _resource: Resource, _namespace: str, name: str, **only: str) -> bool:
        self.asked.append(("delete", {"name": name} | only))
        return True


OWNER: Object = {"kind": "Drill", "uid": "drill-uid"}
KIND, ACTION = job.RunJobKind(), job.RunJob("clear-stalled")


def drill_with(server: Server, *jobs: Object) -> ActionContext:
    account: Any = server
    return ActionContext(account, "shop", "first", "drill-uid", Cache(*jobs))  # type: ignore[arg-type]  # what is asked


async def test_it_is_created_suspended_and_started_by_a_second_request_that_names_its_version() -> None:
    """A create that the API server carries out late makes a Job that nobody starts."""
    server = Server(CRON_JOB)
    ctx = drill_with(server)
    await KIND.run(ctx, "clear", ACTION, None)
    ((verb, body),) = server.asked
    assert (verb, body["spec"]["suspend"]) == ("create", True)
    seen = KIND.ran(ctx, "clear", ACTION, None)
    assert (seen.state, seen.waits) == (RunState.NEXT, True)
    await KIND.run(ctx, "clear", ACTION, None)
    verb, body = server.asked[1]
    assert (verb, body["spec"], body["metadata"]["resourceVersion"]) == ("patch", {"suspend": False}, "7")
    assert body["metadata"]["annotations"] == {job.HELD: None}
    started = KIND.ran(ctx, "clear", ACTION, None)
    assert (started.state, started.waits) == (RunState.RUNNING, False)
    await KIND.run(ctx, "clear", ACTION, None)
    assert len(server.asked) == 2


async def test_one_that_somebody_suspends_after_its_start_is_not_started_again() -> None:
    server = Server(CRON_JOB)
    there = job.build(CRON_JOB, "first-step-clear", "first", "drill-uid")
    there["spec"]["suspend"], there["status"] = True, {"startTime": "2026-11-30T08:00:00Z"}
    ctx = drill_with(server, there)
    seen = KIND.ran(ctx, "clear", ACTION, None)
    assert (seen.state, seen.waits) == (RunState.RUNNING, False)
    await KIND.run(ctx, "clear", ACTION, None)
    await KIND.discard(ctx, "clear", ACTION)
    assert not server.asked


async def test_one_that_a_queue_suspends_is_left_to_the_queue() -> None:
    """Kueue starts each Job that it manages, whoever suspended it, and stops one that somebody else starts."""
    server = Server(CRON_JOB, queues=True)
    ctx = drill_with(server)
    await KIND.run(ctx, "clear", ACTION, None)
    ((verb, body),) = server.asked
    assert verb == "create"
    assert "suspend" not in body["spec"]
    assert job.HELD not in body["metadata"]["annotations"]
    await KIND.run(ctx, "clear", ACTION, None)
    assert len(server.asked) == 1
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
def test_it_has_done_something_once_a_pod_of_it_surely_ran(status: Object, carried_out: bool) -> None:
    """An active pod may be pending, and one that failed may never have had a node."""
    there = job.build(CRON_JOB, "first-step-clear", "first", "drill-uid") | {"status": status}
    assert KIND.ran(drill_with(Server(CRON_JOB), there), "clear", ACTION, None).carried_out is carried_out


@pytest.mark.parametrize("queues", [False, True])
async def test_one_that_never_started_is_deleted_where_the_step_is_given_up(queues: bool) -> None:
    server = Server(CRON_JOB, queues=queues)
    ctx = drill_with(server)
    await KIND.run(ctx, "clear", ACTION, None)
    await KIND.discard(ctx, "clear", ACTION)
    assert server.asked[1] == ("delete", {"name": "first-step-clear", "uid": "job-uid", "version": "7"})
    assert KIND.ran(ctx, "clear", ACTION, None).state is RunState.ABSENT


@pytest.mark.parametrize("owner", ["of an earlier one", None])
async def test_one_of_an_earlier_drill_of_this_name_is_not_its_own(owner: str | None) -> None:
    """Kubernetes deletes it some time after its Drill, or never, where it was told to leave it."""
    left = job.build(CRON_JOB, "first-step-clear", "first", owner or "") | {
        "status": {"conditions": [{"type": "Complete", "status": "True"}]}
    }
    if owner is None:
        del left["metadata"]["ownerReferences"]

    class Account:
        async def get(self, *names: object) -> Object:
            return copy.deepcopy(CRON_JOB) if names[0] is CRON_JOBS else left

        async def create(self, *_: object, dry_run: bool = False) -> Object:
            raise AlreadyExists("there is one")

    account: Any = Account()
    ctx = ActionContext(account, "shop", "first", "drill-uid", Cache(left))  # type: ignore[arg-type]  # what is asked
    kind, action = job.RunJobKind(), job.RunJob("clear-stalled")
    assert kind.ran(ctx, "clear", action, None).state is RunState.ABSENT
    with pytest.raises(Rejected, match="exists and does not belong to this drill"):
        await kind.run(ctx, "clear", action, None)
    left["metadata"]["ownerReferences"] = [{"kind": "Drill", "uid": "drill-uid"}]
    assert kind.ran(ctx, "clear", action, None).state is RunState.DONE
    await kind.run(ctx, "clear", action, None)
