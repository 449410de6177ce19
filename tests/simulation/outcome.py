"""What came of a world."""

from collections import Counter
from dataclasses import dataclass, field

from simulation.invariants import Broken
from simulation.scenario import Failure, Scenario, What


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a world."""

    scenario: Scenario
    broken: tuple[Broken, ...]
    verdicts: Counter[str] = field(default_factory=Counter)
    samples: int = 0
    seconds: float = 0.0
    trace: int = 0
    """A digest of all that was written: equal for equal worlds."""
    missed: tuple[Failure, ...] = ()
    """Troubles that were due and did not come: a fault of the simulation."""
    effective: Counter[What] = field(default_factory=Counter)
    """How often somebody met a trouble, by its kind."""
