"""What one process knows from the answers to its own commands, which no watch tells: it is lost with the process."""

from dataclasses import dataclass, field
from typing import Final

from gameday.engine.drill import budgets
from gameday.engine.drill import commands as do
from gameday.model.record import Keeping, Phase, Record
from gameday.model.world import Lock

CREATES: Final = (do.StartAgents, do.Sever, do.ArmFuse, do.Run)
"""Commands that create something: without an answer, it may still come into being."""


@dataclass(slots=True)
class Answers:
    """What the commands of one process were answered. The hands set ``lock`` where somebody else has the namespace."""

    lock: Lock = Lock.UNKNOWN
    locked_by: str = ""
    """Who has what this drill waits for."""
    made: frozenset[str] = frozenset()
    """Names of the faults and steps whose change was made."""
    read: frozenset[str] = frozenset()
    """Names of those whose change is watched."""
    reported: bool = False
    """Whether the drill's outcome is in its GameDay, or that is gone."""
    keeping: Keeping | None = None
    """What came of keeping the samples; the hands set it where they were refused, or not asked for."""
    checked_at: float = field(default=float("-inf"))
    """When the preflight was made last."""
    unanswered_at: float | None = None
    """When a request that creates something was given up without an answer, the last time."""

    @classmethod
    def after(cls, record: Record) -> "Answers":
        """What is known of a drill that an earlier process left with this record."""
        lock = Lock.UNKNOWN if record.phase is Phase.PENDING else Lock.HELD
        return cls(lock, read=frozenset(change.name for change in record.changes))

    def done(self, command: do.Command, now: float) -> None:
        """Take in that a command has succeeded."""
        match command:
            case do.TakeLock():
                self.lock = Lock.HELD
            case do.FreeLock():
                self.lock = Lock.FREE
            case do.CheckPreflight():
                self.checked_at = now
            case do.Apply(change):
                self.made |= {change.name}
            case do.Read(name):
                self.read |= {name}
            case do.UpdateGameDay():
                self.reported = True
            case do.KeepSamples():
                self.keeping = self.keeping or Keeping(kept=True)
            case _:
                pass

    def unanswered(self, command: do.Command, now: float) -> None:
        """Take in that a command was sent and not answered."""
        if isinstance(command, CREATES):
            self.unanswered_at = now

    def arriving(self, now: float) -> bool:
        """Whether something that was asked for without an answer may still be made."""
        return self.unanswered_at is not None and now < self.unanswered_at + budgets.ARRIVE
