"""A step's Job: the CronJob's template, once, kept until the Drill goes so that its end is known."""

import copy
from typing import Any

import pytest

from gameday.actions import job
from gameday.actions.kind import ActionContext
from gameday.cluster.resources import CRON_JOBS, Object
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
    assert job.state_of({"status": {"conditions": conditions}}) is state


def test_one_that_is_not_there() -> None:
    assert job.state_of(None) is RunState.ABSENT


class Cache:
    """What the informer of Jobs has seen of the drill's name."""

    def __init__(self, *jobs: Object) -> None:
        self._jobs = {one["metadata"]["name"]: one for one in jobs}

    def objects(self, _watch: str) -> dict[str, Object]:
        return self._jobs


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

        async def create(self, *_: object) -> Object:
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
