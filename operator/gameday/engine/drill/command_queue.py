"""Which commands may start now: one at a time per entry of the undo log, each only after a pause."""

from collections.abc import Mapping
from typing import Final

from gameday.engine.drill.commands import Apply, ArmFuse, Command, RemoveFuse, Revert, key_of
from gameday.model.observation import CommandKey

RETRY_AFTER: Final = 0.5
"""Seconds after which the same command may run again, whether it failed or its effect is not visible yet."""


def group_of(command: Command) -> CommandKey:
    """A command's group: all commands for one entry of the undo log; any other command is a group of its own."""
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
        """Whether a command of the same group is running."""
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
        """Finish a command. Another command of its group may start at once.

        ``after`` is for how many seconds the API server asked not to retry this command.
        """
        if error:
            self.fail(command, error)
        elif key_of(command) in self.errors:
            self.errors = {key: known for key, known in self.errors.items() if key != key_of(command)}
        lane = group_of(command)
        self._running.discard(lane)
        if rests:
            self._rests[lane] = command, now + max(RETRY_AFTER, after)
