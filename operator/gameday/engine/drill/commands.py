"""The engine's commands. Each is idempotent: the runner may execute it twice."""

from collections.abc import Mapping
from dataclasses import dataclass

from gameday.model.change import Change
from gameday.model.observation import CommandKey


@dataclass(frozen=True, slots=True)
class AcquireLock:
    """Acquire the namespace's lock for this drill."""


@dataclass(frozen=True, slots=True)
class CheckPreflight:
    """Look at everything that would refuse the drill, without changing anything."""


@dataclass(frozen=True, slots=True)
class StartAgents:
    """Create the observer, the witnesses and controls, and the counter of connections."""


@dataclass(frozen=True, slots=True)
class ArmFuse:
    """Create the fuse of a change that is registered in the undo log."""

    change: Change


@dataclass(frozen=True, slots=True)
class Apply:
    """Make a change whose fuse is armed, or extend it to targets and addresses that it does not cover yet.

    With ``version``, the change is made only at this resourceVersion, which the engine saw; a request that arrives late
    then changes nothing.
    """

    change: Change
    version: str = ""


@dataclass(frozen=True, slots=True)
class CloseConnections:
    """Create the pod that closes the remaining open connections of a fault's targets."""

    fault: str


@dataclass(frozen=True, slots=True)
class StopClosing:
    """Delete the pod that closes connections, because targets reconnect once the cut is reverted."""

    fault: str


@dataclass(frozen=True, slots=True)
class Revert:
    """Revert a change, unless somebody else has changed the object since."""

    change: Change


@dataclass(frozen=True, slots=True)
class Read:
    """Read what a fault or step is to change, or has changed."""

    name: str


@dataclass(frozen=True, slots=True)
class Run:
    """Run an irreversible step, once."""

    step: str


@dataclass(frozen=True, slots=True)
class Discard:
    """Delete what an irreversible step that is given up has made, unless something of it was carried out."""

    step: str


@dataclass(frozen=True, slots=True)
class RemoveFuse:
    """Delete a fuse whose change is verified undone."""

    change: Change


@dataclass(frozen=True, slots=True)
class KeepSamples:
    """Write the samples of a drill that has ended into a ConfigMap, and delete those of drills that are too old."""


@dataclass(frozen=True, slots=True)
class StopAgents:
    """Delete every agent's pod of this drill."""


@dataclass(frozen=True, slots=True)
class StopCallers:
    """Delete the pods that actions of this drill have made, such as those that call an API."""


@dataclass(frozen=True, slots=True)
class ReleaseLock:
    """Release the namespace's lock."""


@dataclass(frozen=True, slots=True)
class UpdateGameDay:
    """Write this drill's outcome into the GameDay's status, unless it shows a newer drill or is deleted."""


@dataclass(frozen=True, slots=True)
class RemoveFinalizer:
    """Remove the operator's finalizer: nothing of this drill is left to undo."""


Command = (
    AcquireLock
    | CheckPreflight
    | StartAgents
    | ArmFuse
    | Apply
    | CloseConnections
    | StopClosing
    | Revert
    | Read
    | Run
    | Discard
    | RemoveFuse
    | KeepSamples
    | StopAgents
    | StopCallers
    | ReleaseLock
    | UpdateGameDay
    | RemoveFinalizer
)


def key_of(command: Command) -> CommandKey:
    """The key under which a command's last error is kept."""
    name = type(command).__name__
    match command:
        case ArmFuse(change) | Apply(change, _) | Revert(change) | RemoveFuse(change):
            return CommandKey(name, change.name)
        case Run(subject) | Discard(subject) | Read(subject) | CloseConnections(subject) | StopClosing(subject):
            return CommandKey(name, subject)
        case _:
            return CommandKey(name)


def error_of(errors: Mapping[CommandKey, str], *commands: Command) -> str:
    """The last error of the first of these commands that fails, or nothing."""
    return next((errors[key] for key in map(key_of, commands) if key in errors), "")
