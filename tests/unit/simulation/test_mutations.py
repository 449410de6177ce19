"""The simulation finds bugs: each one that is put in on purpose breaks the promise that it is about."""

import logging
from collections.abc import Iterator

import pytest

from simulation import running
from simulation.bare import world as bare
from simulation.scenario import draw
from unit.simulation.mutations import MUTATIONS, Mutation

MOST = 400
"""Worlds within which a bug must be found."""
MOST_WHOLE = 60


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_simulation_finds(mutation: Mutation) -> None:
    with mutation.put_in():
        for seed in range(MOST_WHOLE if mutation.whole else MOST):
            drills = 2 if mutation.whole else 1
            outcome = (running if mutation.whole else bare).run(draw(seed, drills, mutation.kinds))
            if mutation.breaks & {broken.rule for broken in outcome.broken}:
                return
    pytest.fail("no world broke a promise")


def test_there_are_as_many_as_promised() -> None:
    assert len(MUTATIONS) >= 15
