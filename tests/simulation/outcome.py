"""What came of a world."""

from collections import Counter
from dataclasses import dataclass, field

from simulation.invariants import Broken
from simulation.scenario import Scenario


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
