"""Others beside the operator: somebody writes a Drill's status, a second operator sees the same Drills."""

import logging
from collections.abc import Iterator

import pytest

from simulation.invariants import Rule
from simulation.running import Site
from simulation.scenario import Scenario, Trial, Trouble, Vice, What, draw

GOOD, STUCK = Trial(severs=True), Trial(vice=Vice.STUCK, rollback=True)
WAYS = ["emptied", "from before", "without its changes", "damaged", "by hand"]


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def told(site: Site) -> str:
    return f"{site.scenario}: {'; '.join(str(broken) for broken in site.monitor.broken)}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("trial", [GOOD, STUCK], ids=["plain", "rollback"])
def test_whoever_writes_one_drills_status_ends_neither_the_process_nor_other_drills(trial: Trial, way: str) -> None:
    for half in range(1, 56):
        written = Trouble(What.STATUS_WRITTEN, half / 2, 0, count=half % 5, detail=way)
        site = Site(Scenario(half, (trial, GOOD), (written,)))
        site.run()
        assert not site.monitor.broken, told(site)
        assert len(site.everyone) == 1, "the process goes on"
        assert site.monitor.verdicts["drill-1"] == "Passed"


@pytest.mark.parametrize("way", WAYS)
def test_whoever_writes_a_status_again_and_again_does_not_stop_the_undo(way: str) -> None:
    often = tuple(Trouble(What.STATUS_WRITTEN, at / 2, 0, count=at % 3, detail=way) for at in range(8, 50))
    site = Site(Scenario(1, (GOOD, GOOD), often))
    site.run()
    assert not site.monitor.broken, told(site)
    assert site.monitor.verdicts["drill-1"] == "Passed"


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_of_two_operators_that_see_the_same_drills_one_acts_and_both_live(first: int) -> None:
    kinds = (
        What.WATCH_DROPS,
        What.WATCH_LATE,
        What.LOSE,
        What.REFUSE,
        What.ABORT,
        What.DRILL_DELETED,
        What.POLICY_DELETED,
    )
    for seed in range(first, first + 10):
        drawn = draw(seed, 2, kinds)
        site = Site(Scenario(seed, drawn.trials, drawn.troubles, operators=2))
        site.run()
        assert not site.monitor.broken, told(site)
        assert len(site.everyone) == 2, "both go on"
        assert all(process.operator.disputes.count == 0 for process in site.everyone), told(site)


@pytest.mark.parametrize("seconds", [0.5, 130.0])
@pytest.mark.parametrize("moment", ["before", "sent", "answered"])
def test_of_two_operators_one_is_killed_at_any_call(moment: str, seconds: float) -> None:
    for nth in range(1, 40, 3):
        crash = Trouble(What.CRASH_AT_CALL, 0.0, seconds=seconds, count=nth, detail=moment)
        site = Site(Scenario(nth, (GOOD, GOOD), (crash,), operators=2))
        site.run()
        assert not site.monitor.broken, told(site)


def test_two_operators_that_claim_nothing_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameday.controller.settings.Settings.installation", property(lambda _: ""))
    site = Site(Scenario(1, (GOOD,), (), operators=2))
    site.run()
    assert site.monitor.broken or any(process.operator.disputes.count for process in site.everyone)
    assert Rule.ENDS not in {broken.rule for broken in site.monitor.broken}
