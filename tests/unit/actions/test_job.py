"""A step's Job: the CronJob's template, once, kept until the Drill goes so that its end is known."""

import pytest

from gameday.actions import job
from gameday.cluster.resources import Object
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
