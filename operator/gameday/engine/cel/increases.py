"""``increase(path)``: how much a counter grew since the stage began.

It is the last value minus the last value before the stage, or minus the first value if there was none before. A value
lower than the one before it means that the counter was restarted, or belongs to another replica behind the same
Service: then the increase is unknown until the stage ends.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gameday.engine.cel.paths import Path, find, path_text
from gameday.model.sample import Sample, Value


@dataclass(slots=True)
class Increase:
    """The growth of one path; ``since`` is the Unix second at which the stage began."""

    path: Path
    since: float
    value: float | None = None
    """Growth up to the latest sample; None while that one, or every one so far, has no number there."""
    flaw: str = ""
    """Why the growth is not known until the stage ends, or ""."""
    _base: float | None = None
    _last: float | None = None

    def take(self, sample: Sample, seen: Mapping[str, Value]) -> None:
        """Take a sample in; those of other probes change nothing."""
        if sample.name != self.path[0]:
            return
        self.value = None
        there, value = find(seen, self.path[1:])
        if not there or isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return
        if sample.sent < self.since or self._base is None:
            self._base = float(value)
        elif self._last is not None and value < self._last:
            self.flaw = (
                f"{path_text(self.path)} fell from {self._last:g} to {value:g}: its counter was restarted, "
                "or another replica answered"
            )
        self._last = float(value)
        self.value = self._last - self._base
