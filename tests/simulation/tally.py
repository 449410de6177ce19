"""Which troubles of a world came, and which of them bit: a trouble that never does anything proves nothing."""

from collections import Counter
from dataclasses import dataclass, field

from simulation.scenario import Failure, What


@dataclass(slots=True)
class Tally:
    """``came`` holds the troubles that were brought about; ``bit`` counts, by kind, where somebody met one.

    A refusal bites the call that is refused, a lie the sample that is told wrong, a crash the process that it kills. A
    trouble that comes while nothing is there for it to meet bites nobody.
    """

    injected: list[Failure] = field(default_factory=list)
    effective: Counter[What] = field(default_factory=Counter)

    def took_effect(self, what: What) -> None:
        """Somebody met a trouble of this kind."""
        self.effective[what] += 1

    def missed(self, failures: tuple[Failure, ...], elapsed: float) -> tuple[Failure, ...]:
        """Those that were due before so many seconds had passed, and did not come."""
        return tuple(t for t in failures if t.at < elapsed and t not in self.injected)
