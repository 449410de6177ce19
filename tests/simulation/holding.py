"""The connection that an agent of a pair holds in a simulated world, asked at each tick; both simulations have it."""

from dataclasses import dataclass
from typing import Any

from gameday.model import held_connection
from simulation.scenario import Connections

NOTICED = 1.5
"""Seconds of silence after which an agent's kernel gives a connection up."""

Told = tuple[str | None, dict[str, Any]]
"""How it ended, or None, and the values of the line."""


@dataclass(slots=True)
class Hold:
    """What one agent of a pair holds, and how far it has come. Times are the world's seconds."""

    way: Connections
    number: int = 0
    answered: int = 0
    open: bool = False
    silent_since: float | None = None

    def tick(self, now: float, *, cut: bool, down: bool, witness: bool) -> Told | None:
        """Ask once; None where there is nothing to tell."""
        if not self._silent(cut=cut, down=down, witness=witness):
            self.silent_since = None
            if not self.open:
                self.number, self.answered, self.open = self.number + 1, 0, True
            elif self.way is Connections.ONCE and not cut:
                return None
            self.answered += 1
            return None, self._values()
        if not self.open:
            return None
        if self.silent_since is None:
            self.silent_since = now
        if now - self.silent_since < NOTICED:
            return None
        self.open = False
        closed = self.way is Connections.CLOSED and not down
        return held_connection.CLOSED if closed else held_connection.TIMEOUT, self._values()

    def _silent(self, *, cut: bool, down: bool, witness: bool) -> bool:
        ends = self.way.ends_the_witness if witness else self.way is Connections.BOTH
        return down or (cut and ends)

    def _values(self) -> dict[str, Any]:
        local = self.way is Connections.LOCAL
        return {
            held_connection.CONNECTION: self.number,
            held_connection.ANSWERED: self.answered,
            held_connection.LOCAL: local,
        }
