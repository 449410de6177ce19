"""Which commands may be given now: those of one lane never at the same time, and none again before it had a rest."""

from collections.abc import Mapping
from typing import Final

from gameday.engine.drill.commands import Apply, ArmFuse, Command, RemoveFuse, Revert, key_of
from gameday.model.world import CommandKey

RETRY_AFTER: Final = 0.5
"""Seconds after which the same command may be given again, whether it failed or what it did does not show yet."""


def lane_of(command: Command) -> CommandKey:
    """What concerns one entry of the undo log is one lane; every other command is one of its own."""
    match command:
        case ArmFuse(change) | Apply(change, _) | Revert(change) | RemoveFuse(change):
            return CommandKey("change", change.name)
        case _:
            return key_of(command)


class Lanes:
    """The commands of one drill that are under way. ``errors`` holds the last error of each that keeps failing.

    It is replaced, never changed: whoever was given it keeps what was so at that moment.
    """

    def __init__(self) -> None:
        self.errors: Mapping[CommandKey, str] = {}
        self._taken: set[CommandKey] = set()
        self._rests: dict[CommandKey, tuple[Command, float]] = {}

    def __bool__(self) -> bool:
        """Whether any command is under way."""
        return bool(self._taken)

    def busy(self, command: Command) -> bool:
        """Whether a command of the same lane is under way."""
        return lane_of(command) in self._taken

    def take(self, command: Command, now: float) -> bool:
        """Take a command's lane; False where it must wait. ``now`` is in seconds of a clock that does not jump."""
        lane = lane_of(command)
        last, until = self._rests.get(lane, (None, 0.0))
        if lane in self._taken or (command == last and now < until):
            return False
        self._taken.add(lane)
        return True

    def fail(self, command: Command, error: str) -> bool:
        """Keep an error of a command; whether its last one was another."""
        key = key_of(command)
        if self.errors.get(key) == error:
            return False
        self.errors = {**self.errors, key: error}
        return True

    def leave(self, command: Command, now: float, error: str = "", *, rests: bool = True, after: float = 0.0) -> None:
        """Give the lane back. Another command of the lane need not wait.

        ``after`` is for how many seconds the API server asks to be left alone with this command.
        """
        if error:
            self.fail(command, error)
        elif key_of(command) in self.errors:
            self.errors = {key: known for key, known in self.errors.items() if key != key_of(command)}
        lane = lane_of(command)
        self._taken.discard(lane)
        if rests:
            self._rests[lane] = command, now + max(RETRY_AFTER, after)
