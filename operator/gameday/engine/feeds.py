"""The lines of the agents' logs, put in order: one feed an agent, read again after a reconnect without harm.

A feed is ordered by the agent's own clock and number; what came before is the same however often, and in which pieces,
the log was read.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gameday.model.sample import Sample, Value


@dataclass(frozen=True, slots=True)
class Line:
    """A sample, and what expressions see of it; its values are kept only there."""

    sample: Sample
    seen: Mapping[str, Value]

    @property
    def place(self) -> tuple[float, int, float]:
        """Where it stands in its agent's feed; the number settles what the clock does not."""
        return self.sample.received, self.sample.n, self.sample.sent


@dataclass(slots=True)
class Feed:
    """The lines of one agent. ``rewritten`` counts the times that a line came to stand before another."""

    lines: list[Line] = field(default_factory=list)
    rewritten: int = 0
    _known: set[tuple[int, float]] = field(default_factory=set)

    def take(self, sample: Sample, seen: Mapping[str, Value]) -> bool:
        """Take a line in; whether it is new. A restarted agent counts from 1 again, so the time tells lines apart."""
        key = (sample.n, sample.sent)
        if key in self._known:
            return False
        self._known.add(key)
        line = Line(replace(sample, values={}), seen)
        if not self.lines or line.place > self.lines[-1].place:
            self.lines.append(line)
        else:
            self.lines.insert(bisect_left(self.lines, line.place, key=lambda known: known.place), line)
            self.rewritten += 1
        return True

    def lost_before(self, index: int) -> bool:
        """Whether lines are missing between this line and the one before it."""
        before = self.lines[index - 1].sample.n if index else 0
        return self.lines[index].sample.n != before + 1
