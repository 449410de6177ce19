"""One result of a probe or a dial, and the line of an agent's log that carries it.

The line is JSON, at most ``LINE_BYTES`` long::

    {"n": 17, "name": "health", "sent": 1764000000.123, "received": 1764000000.131, "ok": true,
     "values": {"status": 200, "body": {"redis": "ok"}}}

``n`` counts the agent's lines from 1 without a gap. ``sent`` and ``received`` are the agent's own clock, Unix
seconds. ``error`` is a short word (``timeout``, ``refused``, ``dns``, ``reset``, ``tls``, ``protocol``, ``http``)
with an optional detail, present when ``ok`` is false. ``values`` holds only the paths that expressions use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

LINE_BYTES = 4096
"""Longest line of an agent's log, in bytes: longer ones may be split by the container runtime."""

Value = bool | int | float | str | None | Mapping[str, "Value"] | tuple["Value", ...]
"""What an expression may see."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One result, good or bad: a refused or timed-out probe is a sample too."""

    agent: str
    """Name of the agent within the drill: ``observer``, ``client``, ``witness-0``, ``control-0``."""
    n: int
    name: str
    """Name of the probe or dial."""
    sent: float
    received: float
    ok: bool
    error: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def latency(self) -> float:
        """Seconds from the request to its answer or failure."""
        return self.received - self.sent
