"""The table of phases: it is whole, drills keep to it, and the diagram on the page is drawn from it."""

import pytest

from gameday.engine.drill.context import Context
from gameday.engine.drill.decide import decide
from gameday.engine.drill.phases.table import PHASES
from gameday.model.observation import Lock, Observation, Preflight
from gameday.model.record import DrillRecord, Phase
from programs.diagrams import PHASES_PAGE, drawn, phases
from simulation.bare import world as bare
from simulation.scenario import draw
from unit.engine.script import Script
from unit.engine.simulation import a_plan

DRILLS = 300
"""Drills with troubles, among which every way from one phase to another is gone; the rarest is gone in one of fifty."""


def test_every_phase_has_rules() -> None:
    assert set(PHASES) == set(Phase)


def test_drills_enter_the_phases_that_the_table_says_and_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[tuple[Phase, Phase]] = set()
    enter = DrillRecord.enter

    def watched(record: DrillRecord, phase: Phase, now: float, message: str) -> DrillRecord:
        seen.add((record.phase, phase))
        return enter(record, phase, now, message)

    monkeypatch.setattr(DrillRecord, "enter", watched)
    for seed in range(DRILLS):
        assert not bare.run(draw(seed, 1)).broken
    # The simulated namespace has nothing that a preflight refuses.
    refused = Observation(lock=Lock.HELD, preflight=Preflight(refusals=("no such Secret",)))
    decide(Context(a_plan(), DrillRecord(Phase.PREFLIGHT, since=100.0), refused, Script({}, lambda: 0.0), 101.0))
    assert seen == {(before, after) for before, rules in PHASES.items() for after in rules.leads_to}


def test_the_page_shows_the_table() -> None:
    page = PHASES_PAGE.read_text()
    assert drawn(page, phases()) == page, "run `make generate` and commit"
    assert phases() in page
