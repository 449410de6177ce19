"""Which commands may start now: one at a time per entry of the undo log, each only after a pause that grows while it
fails.
"""

from collections.abc import Mapping

from gameday.engine.drill.commands import AcquireLock, Apply, ArmFuse, Command, RemoveFuse, Revert, key_of
from gameday.engine.drill.failing import RETRY_AFTER, Failing
from gameday.model.observation import CommandKey


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
        self._failing: dict[CommandKey, Failing] = {}

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
        key, lane, pause = key_of(command), group_of(command), RETRY_AFTER
        if error:
            self.fail(command, error)
            # A drill that waits for its turn has not failed, and begins once it can.
            if not isinstance(command, AcquireLock):
                pause = self._failing.setdefault(key, Failing()).pause(now)
        else:
            self._failing.pop(key, None)
            if key in self.errors:
                self.errors = {other: known for other, known in self.errors.items() if other != key}
        self._running.discard(lane)
        if rests:
            self._rests[lane] = command, now + max(pause, after)
