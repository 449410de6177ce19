"""Messages about a drill: events, receivers, and what became of each message."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


class Event(enum.Enum):
    """What a message is about, in the order in which a drill comes by it."""

    COUNTDOWN = "countdown"
    CANCELLED = "cancelled"
    """The slot did not run: sent to who was sent ``countdown``."""
    STARTED = "started"
    CUT = "cut"
    GUARDRAIL = "guardrail"
    UNDONE = "undone"
    LEFTOVER = "leftover"
    VERDICT = "verdict"
    CLEARED = "cleared"
    """Nothing is left any more: sent to who was sent ``leftover``."""


class Severity(enum.Enum):
    """How bad it is, in the words of PagerDuty and Grafana."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Outcome(enum.Enum):
    """What became of a message."""

    SENT = "Sent"
    """The receiver has accepted it."""
    FAILED = "Failed"
    """It was not accepted, or never sent."""
    UNKNOWN = "Unknown"
    """It was sent, and nobody knows whether it arrived; it is not sent again."""
    UNSENT = "Unsent"
    """Nothing of it was sent: another pod may send it."""


FOLLOWS: Final[Mapping[Event, Event]] = {Event.CANCELLED: Event.COUNTDOWN, Event.CLEARED: Event.LEFTOVER}
"""Events that nobody chooses: who was sent the one is sent the other."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a message; ``why`` is a sentence where it was not sent."""

    outcome: Outcome
    why: str = ""


Notified = Mapping[str, Mapping[Event, Delivered]]
"""What became of the messages of a drill, by the name of the receiver."""


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened in a drill, at a Unix second; ``bad`` is what needs a person.

    ``until`` is the Unix second from which it is no news any more, where it has one of its own.
    """

    event: Event
    at: float
    bad: bool = False
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who gets messages, and about which events."""

    name: str
    events: frozenset[Event]
    only_on_failure: bool = False

    def wants(self, happened: Happened) -> bool:
        """Whether it gets a message about this."""
        return FOLLOWS.get(happened.event, happened.event) in self.events and (happened.bad or not self.only_on_failure)


COUNTDOWN: Final = 600.0
"""Seconds before a slot of a schedule at which it is announced."""
