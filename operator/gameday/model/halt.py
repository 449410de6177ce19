"""Whether the administrator has halted all drills."""

import enum
from dataclasses import dataclass
from typing import Final

CONFIG_MAP: Final = "gameday-halt"
"""The ConfigMap in the operator's namespace that halts all drills by being there, whatever is in it."""
REASON: Final = "reason"
"""Its key for a person's words."""


class HaltState(enum.Enum):
    """Whether drills are halted, as far as the operator knows."""

    CLEAR = "Clear"
    HALTED = "Halted"
    UNREADABLE = "Unreadable"


@dataclass(frozen=True, slots=True)
class Halt:
    """The current halt; ``why`` is the person's reason, or why it is unknown whether drills are halted."""

    state: HaltState = HaltState.CLEAR
    why: str = ""

    @property
    def halted(self) -> bool:
        """Whether every drill must be undone."""
        return self.state is HaltState.HALTED

    def __str__(self) -> str:
        if self.halted:
            return f"the administrator halted all drills{f': {self.why}' if self.why else ''}"
        return self.why


CLEAR: Final = Halt()
"""Drills may run."""
