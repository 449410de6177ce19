"""What a fuse's Job says of it: armed only while its clock runs and nobody has touched it."""

import pytest

from gameday.cluster.resources import Object
from gameday.fuses import job as fuse

BUILT = fuse.build("first", "drill-uid", "first-fuse", 90.4, "gameday:test")
STARTED = "2026-11-23T20:00:00Z"


def burning(spec: Object | None = None, conditions: tuple[str, ...] = (), **metadata: str) -> Object:
    """The Job as the API server keeps it once its controller has seen it."""
    kept = BUILT["spec"] | {"suspend": False, "backoffLimit": 6, "completionMode": "NonIndexed"} | (spec or {})
    status = {"startTime": STARTED, "conditions": [{"type": c, "status": "True"} for c in conditions]}
    return BUILT | {"metadata": BUILT["metadata"] | {"uid": "job-uid"} | metadata, "spec": kept, "status": status}


def test_it_never_runs_a_pod_and_goes_the_moment_its_deadline_passes() -> None:
    spec = BUILT["spec"]
    assert (spec["parallelism"], spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (0, 90, 0)


def test_the_drill_owns_it_without_holding_up_its_deletion() -> None:
    (owner,) = BUILT["metadata"]["ownerReferences"]
    assert owner == {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "name": "first", "uid": "drill-uid"}


def test_a_burning_fuse_is_armed_until_its_deadline() -> None:
    state = fuse.state_of(burning(), 90.4)
    assert (state.uid, state.armed, state.dead) == ("job-uid", True, None)
    assert state.deadline == 1795464000.0 + 90


def test_an_absent_fuse_is_none() -> None:
    assert fuse.state_of(None, 90.4).uid is None


def test_a_fuse_whose_clock_has_not_started_is_not_armed() -> None:
    state = fuse.state_of(burning() | {"status": {}}, 90.4)
    assert (state.uid, state.armed, state.deadline, state.dead) == ("job-uid", False, None, None)


@pytest.mark.parametrize(
    ("job", "why"),
    [
        (burning({"suspend": True}), "suspended"),
        (burning({"activeDeadlineSeconds": 9000}), "deadline was changed"),
        (burning({"activeDeadlineSeconds": None}), "deadline was changed"),
        (burning({"ttlSecondsAfterFinished": 3600}), "deadline was changed"),
        (burning({"parallelism": 1}), "parallelism"),
        (burning({"completions": 0}), "parallelism"),
        (burning(conditions=("FailureTarget",)), "deadline has passed"),
        (burning(conditions=("FailureTarget", "Failed")), "deadline has passed"),
        (burning(conditions=("Complete",)), "completed it by hand"),
        (burning(deletionTimestamp=STARTED), "being deleted"),
    ],
)
def test_a_fuse_that_somebody_touched_is_dead(job: Object, why: str) -> None:
    state = fuse.state_of(job, 90.4)
    assert not state.armed
    assert state.dead is not None
    assert why in state.dead
