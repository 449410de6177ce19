"""What the engine asks of the runner. Each command may be given twice: doing it twice equals doing it once."""

from collections.abc import Mapping
from dataclasses import dataclass

from gameday.model.record import Hold
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

    hold: Hold


@dataclass(frozen=True, slots=True)
class Inject:
    """Create the policy of a cut, owned by its armed fuse; also grows a cut whose endpoints changed."""

    hold: Hold


@dataclass(frozen=True, slots=True)
class Sever:
    """Create the pod that ends the connections that targets still have."""


@dataclass(frozen=True, slots=True)
class EndSevering:
    """Delete the pod that ends connections: the cut is to go, and what targets open then is good."""


@dataclass(frozen=True, slots=True)
class Lift:
    """Delete the policy of a cut."""

    hold: Hold


@dataclass(frozen=True, slots=True)
class ReadWorkload:
    """Read the replicas of a Deployment."""

    deployment: str


@dataclass(frozen=True, slots=True)
class ScaleTo:
    """Set a Deployment to ``replicas``.

    With ``version``, a resourceVersion, only while it is still the one that the engine saw: a request that comes late
    then changes nothing any more. There is none for the way back.
    """

    hold: Hold
    replicas: int
    version: str = ""


@dataclass(frozen=True, slots=True)
class StartJob:
    """Create the Job of a step from its CronJob."""

    step: str
    cron_job: str


@dataclass(frozen=True, slots=True)
class RemoveFuse:
    """Delete a fuse whose change is verified undone."""

    hold: Hold


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
    | Inject
    | Sever
    | EndSevering
    | Lift
    | ReadWorkload
    | ScaleTo
    | StartJob
    | RemoveFuse
    | StopAgents
    | FreeLock
    | UpdateGameDay
    | LetGo
)


def key_of(command: Command) -> CommandKey:
    """Under what a command runs once at a time, and its last error is kept."""
    name = type(command).__name__
    match command:
        case ArmFuse(hold) | Inject(hold) | Lift(hold) | RemoveFuse(hold):
            return CommandKey(name, hold.name)
        case ScaleTo(hold, replicas, _):
            return CommandKey(name, hold.name, replicas)
        case StartJob(step, _):
            return CommandKey(name, step)
        case ReadWorkload(deployment):
            return CommandKey(name, deployment)
        case _:
            return CommandKey(name)


def error_of(errors: Mapping[CommandKey, str], *commands: Command) -> str:
    """The last error of the first of these commands that fails, or nothing."""
    return next((errors[key] for key in map(key_of, commands) if key in errors), "")
