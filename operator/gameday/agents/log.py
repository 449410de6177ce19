"""An agent's log: one line a sample, numbered without a gap, on standard output."""

import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from gameday.model.sample import LineType, Sample, Unknown
from gameday.model.wire import encode


class SampleLog:
    """Writes samples; the reader finds a lost one by the gap in ``n``."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._n = 0

    def started(self) -> None:
        """Say that the agent runs: the first line of every log."""
        now = time.time()
        self.write("started", now, now, ok=True, kind=LineType.STARTED)

    def write(
        self,
        name: str,
        sent: float,
        received: float,
        *,
        ok: bool,
        error: str | None = None,
        values: Mapping[str, Any] | None = None,
        unknown: tuple[Unknown, ...] = (),
        kind: LineType = LineType.SAMPLE,
    ) -> None:
        """Write one line."""
        self._n += 1
        line = encode(Sample("", self._n, name, sent, received, ok, error, values or {}, unknown, kind))
        self._out.write(line + "\n")
        self._out.flush()
