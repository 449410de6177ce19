"""When a GameDay runs by itself, and what became of each of its slots. Times are Unix seconds."""

import enum
from dataclasses import dataclass, replace
from typing import Final, Self

from gameday.model.hours import Hours


@dataclass(frozen=True, slots=True)
class Window:
    """A blackout that is once: from ``since`` until just before ``until``."""

    name: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Recurring:
    """A blackout that comes again and again, at hours of the week."""

    name: str
    hours: Hours


Blackout = Window | Recurring


@dataclass(frozen=True, slots=True)
class Schedule:
    """A calendar: ``cron`` has five fields and is read in ``zone``, an IANA name.

    A slot that cannot start within ``starting_deadline`` seconds does not start at all.
    """

    cron: str
    zone: str
    starting_deadline: float = 300.0
    blackouts: tuple[Blackout, ...] = ()
    suspend: bool = False


class Decision(enum.Enum):
    """What became of a slot. All but the first three are reasons why it did not run."""

    SCHEDULED = "Scheduled"
    """Recorded shortly before its time: its Drill is created at its time, unless something hinders it by then."""
    STARTING = "Starting"
    """Decided and recorded; its Drill is created next, by this process or the one after it."""
    STARTED = "Started"
    HALTED = "Halted"
    SUSPENDED = "Suspended"
    BLACKOUT = "Blackout"
    TOO_LATE = "TooLate"
    STILL_RUNNING = "StillRunning"
    CHANGED = "Changed"


OPEN: Final = frozenset({Decision.SCHEDULED, Decision.STARTING})
"""The Drill of such a slot has not begun yet, and may."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that was decided; a ``count`` above 1 means that many slots, of which ``at`` is the newest.

    ``drill`` is the UID of the Drill that started for it.
    """

    at: float
    decision: Decision
    message: str = ""
    count: int = 1
    drill: str = ""

    @property
    def ran(self) -> bool:
        """Whether it has, or is about to have, a Drill."""
        return self.open or self.decision is Decision.STARTED

    @property
    def open(self) -> bool:
        """Whether its Drill has not begun yet, and may."""
        return self.decision in OPEN


SLOTS_KEPT: Final = 10
"""How many decided slots a GameDay shows; older ones live on in events and metrics."""


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """What a GameDay remembers of its schedule: enough that no slot is ever decided twice.

    ``since`` is when the schedule became what it is: no slot up to then is its own. ``last_decided`` never goes back.
    """

    digest: str
    generation: int
    since: float
    last_decided: float = 0.0
    slots: tuple[Slot, ...] = ()

    @property
    def starting(self) -> Slot | None:
        """The slot whose Drill is to be created, until that Drill has been seen to begin; its time may be to come."""
        return next((slot for slot in self.slots if slot.open), None)

    def note(self, *decided: Slot) -> Self:
        """The calendar with more slots decided."""
        newest = max((slot.at for slot in decided), default=0.0)
        known = (*self.slots, *decided)
        old, new = known[:-SLOTS_KEPT], known[-SLOTS_KEPT:]
        kept = tuple(slot for slot in old if slot.open) + new
        return replace(self, slots=kept, last_decided=max(self.last_decided, newest))

    def slot(self, at: float) -> Slot | None:
        """A decided slot that is still remembered, by its time."""
        return next((slot for slot in self.slots if slot.at == at), None)

    def close(self, at: float, decision: Decision, message: str = "", drill: str = "") -> Self:
        """The calendar with its starting slot ended one way or the other; any other slot stays as it was."""
        return replace(
            self,
            slots=tuple(
                replace(slot, decision=decision, message=message, drill=drill) if slot.at == at and slot.open else slot
                for slot in self.slots
            ),
        )
