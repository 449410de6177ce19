"""The sentence about a drill that people paste, and whether anything was touched."""

from dataclasses import replace

import pytest

from gameday.api.record import changed
from gameday.api.summary import summary_of
from gameday.model.change import Change, ChangeState
from gameday.model.record import DrillRecord, Phase, StepEntry, StepState, Verdict
from gameday.schema.bounds import LINE

BEGAN = 1_800_000_000.0
PASSED = DrillRecord(
    Phase.FINISHED, started_at=BEGAN, finished_at=BEGAN + 112, verdict=Verdict.PASSED, reason="AllExpectationsMet",
    message="12 of 12 expectations met",
)  # fmt: skip
FIGURES: tuple[dict[str, str | float], ...] = (
    {"name": "timeToDetect", "value": 4.218, "unit": "seconds", "resolution": 1.004},
    {"name": "peakMemory", "value": 41_000_000.0, "unit": "bytes"},
    {"name": "replicas", "value": 2.0, "unit": ""},
)


def test_it_says_what_came_of_which_plan_when_and_why_and_what_was_measured() -> None:
    assert summary_of(PASSED, "shop", "redis-failover", FIGURES) == (
        "GameDay redis-failover in shop passed on 2027-01-15 at 08:00 UTC, after 1m52s: 12 of 12 expectations met; "
        "timeToDetect 4.218 seconds, peakMemory 41000000 bytes, replicas 2"
    )


@pytest.mark.parametrize(
    ("verdict", "verb"),
    [(Verdict.FAILED, "failed"), (Verdict.INCONCLUSIVE, "was inconclusive"), (Verdict.ABORTED, "was aborted")],
)
def test_a_drill_that_never_began_says_when_it_ended(verdict: Verdict, verb: str) -> None:
    record = replace(PASSED, verdict=verdict, started_at=None, message="no such GameDay")
    assert summary_of(record, "shop", "x", ()) == (
        f"GameDay x in shop {verb} on 2027-01-15 at 08:01 UTC: no such GameDay"
    )


def test_a_drill_under_way_has_none() -> None:
    assert summary_of(DrillRecord(Phase.OUTAGE, started_at=BEGAN), "shop", "x", ()) == ""


def test_a_long_reason_is_cut_before_the_figures_are() -> None:
    text = summary_of(replace(PASSED, message="no " * 500), "shop", "redis-failover", FIGURES)
    assert text.endswith("replicas 2")
    assert len(text) <= LINE
    many: list[dict[str, str | float]] = [{"name": f"figure{n}", "value": 1.0, "unit": "seconds"} for n in range(100)]
    assert len(summary_of(PASSED, "shop", "redis-failover", many)) == LINE


STOP = Change("stop", "scale", "Deployment", "worker", "d-fuse-stop", ChangeState.ARMED)


def test_something_is_changed_as_soon_as_a_change_may_have_reached_the_cluster() -> None:
    assert not changed(DrillRecord())
    assert not changed(DrillRecord(changes=(STOP,)))
    asked = replace(STOP, state=ChangeState.REQUESTED, requested_at=5.0)
    assert changed(DrillRecord(changes=(asked,)))
    assert changed(DrillRecord(changes=(replace(asked, state=ChangeState.UNDONE, undone_at=6.0),)))
    assert changed(DrillRecord(steps=(StepEntry("clear", StepState.INTENDED, 1.0),))), "a Job may run already"
