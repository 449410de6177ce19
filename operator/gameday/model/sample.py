"""One result of a probe or a dial, and the line of an agent's log that carries it.

The line is JSON, at most ``LINE_BYTES`` long::

    {"n": 17, "type": "sample", "name": "health", "sent": 1764000000.123, "received": 1764000000.131, "ok": true,
     "values": {"status": 200, "body": {"redis": "ok"}}, "unknown": [[["body", "notes"], "longer than 256 characters"]]}

``type`` is one of ``LineType``. ``n`` counts the agent's lines from 1 without a gap. ``sent`` and ``received`` are the
agent's own clock, Unix seconds. ``error`` is a short word (``timeout``, ``refused``, ``dns``, ``reset``, ``tls``,
``protocol``, ``http``) with an optional detail, present when ``ok`` is false. ``values`` holds only the paths that
expressions use, ``unknown`` those that the agent could not report, each with the reason.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

LINE_BYTES = 4096
"""Longest line of an agent's log, in bytes: longer ones may be split by the container runtime."""

Value = bool | int | float | str | None | Mapping[str, "Value"] | tuple["Value", ...]
"""What an expression may see."""


class LineType(enum.Enum):
    """What a line of an agent's log is; an agent is believed only the types of its own role."""

    STARTED = "started"
    SAMPLE = "sample"
    DIAL = "dial"
    HELD = "held"
    ADDRESSES = "addresses"
    CONNECTIONS = "connections"
    CONNECTIONS_CLOSED = "closed"
    ARMED = "armed"
    FIRED = "fired"


UNANSWERED = frozenset({"timeout", "refused", "reset", "unreachable", "dns", "tls", "protocol"})
"""Errors of requests to which no answer came; any other error is what an answer said."""

Unknown = tuple[tuple[str | int, ...], str]
"""A path below a sample that we do not know, and why; the empty path is the whole sample, ``ok`` included."""


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
    unknown: tuple[Unknown, ...] = ()
    """Values that are unknown for a reason of the agent's: cut short, not read, not sent or not looked up."""
    type: LineType = LineType.SAMPLE

    @property
    def answered(self) -> bool:
        """Whether the other end answered, be it with an error."""
        return self.ok or self.error not in UNANSWERED

    @property
    def latency(self) -> float:
        """Seconds from the request to its answer or failure."""
        return self.received - self.sent
