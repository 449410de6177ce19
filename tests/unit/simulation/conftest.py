"""What all tests of the simulation have in common."""

from collections.abc import Iterator

import pytest

from simulation.silence import silent


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    with silent():
        yield
