"""What makes a row of the chaos table bad: a table that cannot be bad proves nothing."""

import time
from pathlib import Path

import pytest

from chaos.points import FAULTS, GROUPS, ROLLBACK, Asked, point
from chaos.row import Results, Row
from chaos.watch import Span, Watcher
from gameday.model.record import DrillRecord, Phase


@pytest.mark.parametrize(
    ("row", "says"),
    [
        pytest.param(Row("g", "c", leftovers=["policy p"]), "left behind: policy p", id="something left"),
        pytest.param(Row("g", "c", doubles=1), "1 things done twice", id="something done twice"),
        pytest.param(Row("g", "c", late=5.1), "something outlived its deadline by 5.1 s", id="something late"),
        pytest.param(Row("g", "c", wrong=["never reached"]), "never reached", id="something else wrong"),
    ],
)
def test_a_row_that_is_not_as_promised_is_bad(row: Row, says: str, tmp_path: Path) -> None:
    results = Results(tmp_path / "chaos.json")
    results.add(row)
    assert Results.read(results.path).bad([row.key]) == [f"g: c: {says}"]


def test_a_good_row_is_good_and_a_missing_one_is_bad(tmp_path: Path) -> None:
    results = Results(tmp_path / "chaos.json")
    results.add(Row("g", "c", "with", late=5.0, verdict="Passed"))
    assert results.bad(["g: c, with restart"]) == []
    assert results.bad(["g: c, without restart"]) == ["g: c, without restart: was not run"]


def test_lateness_counts_from_the_api_servers_return() -> None:
    now = time.time()
    seen = Watcher.__new__(Watcher)
    seen.cuts = {"uid": Span("p", now - 100, "fuse", until=now)}
    seen.scalings, seen._job_deadlines, seen._pod_deadline = [], {"fuse": now - 30}, None
    seen.returned = 0.0
    assert seen.late() == pytest.approx(30)
    seen.returned = now - 4
    assert seen.late() == pytest.approx(4)


def test_a_second_policy_a_second_scaling_and_a_second_job_are_doubles() -> None:
    seen = Watcher.__new__(Watcher)
    seen.cuts = {"a": Span("p", 0.0), "b": Span("p", 1.0)}
    seen.to_zero, seen.step_jobs = 2, {"c", "d"}
    assert seen.doubles() == 3


def test_every_action_has_two_points_by_names_of_their_own() -> None:
    for group, actions in (("faults", FAULTS), ("rollback", ROLLBACK)):
        names = {one.name for one in GROUPS[group]}
        assert len(names) == 2 * len(actions)
        assert all(point(group, name).name == name for name in names)
    assert sum(map(len, GROUPS.values())) >= 30


def test_points_know_their_calls_and_their_records() -> None:
    created = Asked("create", "jobs", "", {"metadata": {"labels": {"gameday.dev/role": "fuse"}}})
    action = point("faults", "before the fuse is created").action
    assert action.call is not None
    assert action.call(created)
    assert not action.call(Asked("create", "jobs", "", created.body, dry_run=True))
    saved = point("faults", "after Recovery and the revert are saved").action.save
    assert saved is not None
    assert saved(DrillRecord(Phase.OUTAGE), DrillRecord(Phase.RECOVERY))
    assert not saved(DrillRecord(Phase.RECOVERY), DrillRecord(Phase.RECOVERY))
