"""What the engine asks of the runner. Each command may be given twice: doing it twice equals doing it once."""

from collections.abc import Mapping
from dataclasses import dataclass

from gameday.model.change import Change
from gameday.model.world import CommandKey


@dataclass(frozen=True, slots=True)
class TakeLock:
    """Take the namespace for this drill."""


@dataclass(frozen=True, slots=True)
class CheckPreflight:
    """Look at everything that would refuse the drill, without changing anything."""


@dataclass(frozen=True, slots=True)
class StartAgents:
    """Create the observer, the twins and the counter of connections."""


@dataclass(frozen=True, slots=True)
class ArmFuse:
    """Create the fuse of a change that is registered in the undo log."""

    change: Change


@dataclass(frozen=True, slots=True)
class Apply:
    """Make a change that its armed fuse guards; also grows one that no longer covers all that it is to cover.

    With ``version``, a resourceVersion, only while it is still the one that the engine saw: a request that comes late
    then changes nothing any more.
    """

    change: Change
    version: str = ""


@dataclass(frozen=True, slots=True)
class Sever:
    """Create the pod that ends the connections that the targets of a fault still have."""

    fault: str


@dataclass(frozen=True, slots=True)
class EndSevering:
    """Delete the pod that ends connections: the cut is to go, and what targets open then is good."""

    fault: str


@dataclass(frozen=True, slots=True)
class Revert:
    """Put back what a change changed, unless somebody else has made something else of it."""

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
class RemoveFuse:
    """Delete a fuse whose change is verified undone."""

    change: Change


@dataclass(frozen=True, slots=True)
class KeepSamples:
    """Write the samples of a drill that has ended into a ConfigMap, and delete those of drills that are too old."""


@dataclass(frozen=True, slots=True)
class StopAgents:
    """Delete every pod of ours in the namespace that belongs to this drill."""


@dataclass(frozen=True, slots=True)
class FreeLock:
    """Give the namespace back."""


@dataclass(frozen=True, slots=True)
class UpdateGameDay:
    """Show in the GameDay's status what came of this drill, unless a newer one stands there or the GameDay is gone."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """Take our finalizer off: nothing of this drill is left to undo."""


Command = (
    TakeLock
    | CheckPreflight
    | StartAgents
    | ArmFuse
    | Apply
    | Sever
    | EndSevering
    | Revert
    | Read
    | Run
    | RemoveFuse
    | KeepSamples
    | StopAgents
    | FreeLock
    | UpdateGameDay
    | LetGo
)


def key_of(command: Command) -> CommandKey:
    """Under what a command runs once at a time, and its last error is kept."""
    name = type(command).__name__
    match command:
        case ArmFuse(change) | Apply(change, _) | Revert(change) | RemoveFuse(change):
            return CommandKey(name, change.name)
        case Run(subject) | Read(subject) | Sever(subject) | EndSevering(subject):
            return CommandKey(name, subject)
        case _:
            return CommandKey(name)


def error_of(errors: Mapping[CommandKey, str], *commands: Command) -> str:
    """The last error of the first of these commands that fails, or nothing."""
    return next((errors[key] for key in map(key_of, commands) if key in errors), "")
