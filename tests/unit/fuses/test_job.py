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


UNTIL = 1795464000.0 + 90
"""When the fuse of this module was armed to act."""


@pytest.mark.parametrize("seconds", [60.0, 3600.0])
def test_an_armed_fuse_is_held_against_its_own_deadline_and_not_against_the_budgets_of_this_version(
    seconds: float,
) -> None:
    state = fuse.state_of(burning(), seconds, UNTIL)
    assert (state.armed, state.deadline, state.dead) == (True, UNTIL, None)


@pytest.mark.parametrize(
    "job",
    [
        burning({"activeDeadlineSeconds": 91}),
        burning({"activeDeadlineSeconds": 89}),
        burning({"activeDeadlineSeconds": None}),
        burning({"ttlSecondsAfterFinished": 3600}),
        burning() | {"status": {"startTime": "2026-11-23T20:00:01Z"}},
    ],
    ids=["later", "earlier", "none", "kept", "suspended and resumed"],
)
def test_an_armed_fuse_whose_deadline_somebody_moved_is_dead(job: Object) -> None:
    state = fuse.state_of(job, 90.4, UNTIL)
    assert not state.armed
    assert state.dead == "its deadline was changed: leave its Job alone"


def test_a_fuse_that_was_made_with_another_budget_is_armed_by_this_version() -> None:
    made = fuse.build("first", "drill-uid", "first-fuse", 60.0, "gameday:test")
    there = made | {"metadata": made["metadata"] | {"uid": "job-uid"}, "status": {"startTime": STARTED}}
    assert fuse.state_of(there, 90.4).armed
    there["spec"]["activeDeadlineSeconds"] = 90
    assert fuse.state_of(there, 90.4).dead == "its deadline was changed: leave its Job alone"


def test_a_fuse_that_does_not_say_what_it_was_made_with_is_held_against_the_plan() -> None:
    there = burning()
    there["metadata"].pop("annotations", None)
    assert fuse.state_of(there, 90.4).armed
    assert fuse.state_of(there, 60.0).dead == "its deadline was changed: leave its Job alone"
