"""The lines of one agent's log, in order; reading them again after a reconnect changes nothing.

Lines are ordered by the agent's own clock and number. So the order is the same however often, and in which pieces, the
log was read.
"""

import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gameday.model.sample import LineType, Sample, Value

MANY: Final = 64
"""Values in a sample from which on they are kept as text: a list of small numbers takes 16 times the room of its text,
and a drill keeps every line."""

_NOTHING: Final[Mapping[str, Value]] = {}


@dataclass(frozen=True, slots=True)
class LogLine:
    """A sample, and what expressions see of it; its values are kept only there, many of them as JSON."""

    sample: Sample
    kept: Mapping[str, Value] | str

    @property
    def seen(self) -> Mapping[str, Value]:
        """The values that expressions see."""
        if isinstance(self.kept, str):
            read: Mapping[str, Value] = json.loads(self.kept)
            return read
        return self.kept

    def is_sample_of(self, probe: str) -> bool:
        """Whether this line is a sample of this probe."""
        return self.sample.type is LineType.SAMPLE and self.sample.name == probe

    @property
    def place(self) -> tuple[float, int, float]:
        """Its place in the agent's log; the number decides between lines of the same time."""
        return self.sample.received, self.sample.n, self.sample.sent


@dataclass(slots=True)
class AgentLog:
    """The lines of one agent. ``reordered`` counts the lines that were inserted before another one."""

    lines: list[LogLine] = field(default_factory=list)
    reordered: int = 0
    _known: set[tuple[int, float]] = field(default_factory=set)

    def take(self, sample: Sample, seen: Mapping[str, Value]) -> bool:
        """Add a line; whether it is new. A restarted agent counts from 1 again, so the time is compared as well."""
        key = (sample.n, sample.sent)
        if key in self._known:
            return False
        self._known.add(key)
        # Written out: every line of every agent comes through here, and ``replace`` takes three times as long.
        bare = Sample(
            sample.agent, sample.n, sample.name, sample.sent, sample.received, sample.ok, sample.error, _NOTHING,
            sample.unknown, sample.type,
        )  # fmt: skip
        line = LogLine(bare, _packed(seen))
        if not self.lines or line.place > self.lines[-1].place:
            self.lines.append(line)
        else:
            self.lines.insert(bisect_left(self.lines, line.place, key=lambda known: known.place), line)
            self.reordered += 1
        return True

    def lost_before(self, index: int) -> bool:
        """Whether lines are missing between this line and the one before it."""
        before = self.lines[index - 1].sample.n if index else 0
        return self.lines[index].sample.n != before + 1


def _packed(seen: Mapping[str, Value]) -> Mapping[str, Value] | str:
    if not seen:
        return _NOTHING
    return json.dumps(seen, separators=(",", ":")) if _more_than(MANY, seen) < 0 else seen


def _more_than(left: int, value: Value) -> int:
    """``left`` less the number of values, or the first negative number below: the rest is not counted."""
    left -= 1
    if isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            if left < 0:
                break
            left = _more_than(left, inner)
    return left
