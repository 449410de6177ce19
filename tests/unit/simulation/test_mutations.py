"""The simulation finds bugs: each one that is put in on purpose breaks the promise that it is about."""

import pytest

from simulation import running
from simulation.bare import world as bare
from simulation.invariants import Rule
from simulation.scenario import Scenario, draw
from unit.simulation import judging_mutations, loop_mutations, mitigation_mutations, proof_mutations
from unit.simulation.mutations import MUTATIONS, Mutation

MOST = 400
"""Worlds within which a bug must be found."""
MOST_WHOLE = 240


def broken_by(mutation: Mutation, scenario: Scenario) -> set[Rule]:
    """Which of the promises that it is about are broken in a world."""
    outcome = (running if mutation.whole else bare).run(scenario)
    return {broken.rule for broken in outcome.broken} & mutation.breaks


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_the_simulation_finds(mutation: Mutation) -> None:
    seeds = range(MOST_WHOLE if mutation.whole else MOST)
    scenarios = (draw(seed, 1 + mutation.whole, *mutation.worlds) for seed in seeds)
    with mutation.put_in() as calls:
        found = next((scenario for scenario in scenarios if broken_by(mutation, scenario)), None)
    assert found is not None, "no world broke a promise"
    assert [name for name, count in calls.items() if not count] == [], "nobody called what the bug replaces"
    assert broken_by(mutation, found) == set(), "without the bug the same world breaks the promise too"


def test_there_are_as_many_as_promised() -> None:
    assert len(MUTATIONS) >= 15
    for whole in (False, True):
        assert {
            mutation.name for mutation in MUTATIONS if mutation.whole is whole
        } >= judging_mutations.NAMES | proof_mutations.NAMES
    assert {mutation.name for mutation in MUTATIONS} >= loop_mutations.NAMES | mitigation_mutations.NAMES
