"""Which commands may start now: one at a time per entry of the undo log, each only after a pause."""

from collections.abc import Mapping
from typing import Final

from gameday.engine.drill.commands import Apply, ArmFuse, Command, RemoveFuse, Revert, key_of
from gameday.model.observation import CommandKey

RETRY_AFTER: Final = 0.5
"""Seconds after which the same command may run again, whether it failed or its effect is not visible yet."""


def group_of(command: Command) -> CommandKey:
    """What concerns one entry of the undo log is one lane; every other command is one of its own."""
    match command:
        case ArmFuse(change) | Apply(change, _) | Revert(change) | RemoveFuse(change):
            return CommandKey("change", change.name)
        case _:
            return key_of(command)


class CommandQueue:
    """The running commands of one drill. ``errors`` holds the last error of each command that keeps failing.

    ``errors`` is replaced and never changed in place, so a reader keeps a consistent copy.
    """

    def __init__(self) -> None:
        self.errors: Mapping[CommandKey, str] = {}
        self._running: set[CommandKey] = set()
        self._rests: dict[CommandKey, tuple[Command, float]] = {}

    def __bool__(self) -> bool:
        """Whether any command is running."""
        return bool(self._running)

    def busy(self, command: Command) -> bool:
        """Whether a command of the same lane is under way."""
        return group_of(command) in self._running

    def start(self, command: Command, now: float) -> bool:
        """Start a command; False if it must wait. ``now`` is in seconds of a monotonic clock."""
        lane = group_of(command)
        last, until = self._rests.get(lane, (None, 0.0))
        if lane in self._running or (command == last and now < until):
            return False
        self._running.add(lane)
        return True

    def fail(self, command: Command, error: str) -> bool:
        """Keep a command's error; whether it differs from the last one."""
        key = key_of(command)
        if self.errors.get(key) == error:
            return False
        self.errors = {**self.errors, key: error}
        return True

    def finish(self, command: Command, now: float, error: str = "", *, rests: bool = True, after: float = 0.0) -> None:
        """Give the lane back. Another command of the lane need not wait.

        ``after`` is for how many seconds the API server asks to be left alone with this command.
        """
        if error:
            self.fail(command, error)
        elif key_of(command) in self.errors:
            self.errors = {key: known for key, known in self.errors.items() if key != key_of(command)}
        lane = group_of(command)
        self._running.discard(lane)
        if rests:
            self._rests[lane] = command, now + max(RETRY_AFTER, after)
