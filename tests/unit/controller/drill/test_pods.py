"""What a drill's pods say of themselves: which may still act, and until when one that is deleted has time."""

from typing import Any

import pytest

from gameday.api.record import moment
from gameday.controller.drill.pods import leaving, may_act
from gameday.model.labels import CALLER, ROLE
from gameday.model.observation import Leaving

DUE = "2026-11-29T06:00:01Z"
JOBS = frozenset({"uid-of-job"})


def pod(role: str, *, owner: str = "uid-of-job", phase: str = "Running", **metadata: Any) -> dict[str, Any]:
    owners = [{"kind": "Job", "name": "it", "uid": owner, "controller": True}]
    return {
        "metadata": {"name": "it", "labels": {ROLE: role}, "ownerReferences": owners, **metadata},
        "spec": {"nodeName": "node-b"},
        "status": {"phase": phase},
    }


@pytest.mark.parametrize(
    ("there", "acts"),
    [
        (pod(CALLER), True),
        (pod(CALLER, phase="Succeeded"), True),
        (pod(CALLER, deletionTimestamp=DUE), True),
        (pod(CALLER, phase="Succeeded", deletionTimestamp=DUE, finalizers=["example.com/keep"]), False),
        (pod("fuse"), False),
        (pod("fuse", owner="uid-of-a-job-that-is-gone"), True),
        (pod("fuse", owner="uid-of-a-job-that-is-gone", phase="Succeeded"), False),
        (pod("witness", owner="uid-of-a-drill"), False),
    ],
    ids=[
        "a caller",
        "a caller keeps its name",
        "one that is ending",
        "one that a finalizer keeps",
        "a fuse",
        "a fuse without its Job",
        "one that has acted",
        "an agent",
    ],
)
def test_callers_and_fuses_without_their_job_are_ended_before_the_namespace_is_given_back(
    there: dict[str, Any], acts: bool
) -> None:
    assert may_act(there, JOBS) is acts


def test_a_pod_that_is_deleted_says_where_it_is_and_when_its_grace_period_ends() -> None:
    assert leaving([pod(CALLER), pod(CALLER, deletionTimestamp=DUE)]) == (Leaving("it", "node-b", moment(DUE)),)
