"""What one process knows from the outcomes of its own commands alone; it is lost when the process ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gameday.engine.drill import commands as do
from gameday.engine.drill import timeouts
from gameday.model.change import Change
from gameday.model.observation import Lock
from gameday.model.record import DrillRecord, Keeping, Phase, StepEntry, StepState

CREATES: Final = (do.StartAgents, do.CloseConnections, do.ArmFuse, do.Run)
"""Commands that create an object; if the request times out, the API server may still create it."""


@dataclass(slots=True)
class CommandOutcomes:
    """The outcomes of one process's commands. The executor sets ``lock`` if another drill holds the namespace."""

    lock: Lock = Lock.UNKNOWN
    by_pods: frozenset[str] = frozenset()
    """Names of the kinds whose changes pods make and take back: both commands of such a change create a pod."""
    locked_by: str = ""
    """The holder of what this drill waits for."""
    made: frozenset[str] = frozenset()
    """Names of the faults and steps whose change, or run, the API server confirmed."""
    changed_by_admission: Mapping[str, str] = field(default_factory=dict)
    """What admission made of the changes of faults, by name, as a message; replaced and never changed in place."""
    read: frozenset[str] = frozenset()
    """Names of the faults and steps whose change is watched."""
    reported: bool = False
    """Whether the GameDay shows the drill's outcome, or is deleted."""
    keeping: Keeping | None = None
    """What came of keeping the samples; the executor sets it where they were refused, or not asked for."""
    checked_at: float = field(default=float("-inf"))
    """When the last preflight finished."""
    timed_out_at: float | None = None
    """When a request that creates an object timed out last, or may have been sent last by an earlier process."""

    @classmethod
    def after(cls, record: DrillRecord, now: float, by_pods: frozenset[str]) -> "CommandOutcomes":
        """What is known of a drill that an earlier process left in this state, and that is taken over ``now``."""
        lock = Lock.UNKNOWN if record.phase is Phase.PENDING else Lock.HELD
        changed = frozenset(change.name for change in record.changes)
        sent = [at for change in record.changes if (at := _fuse_requested_by(change, now)) is not None]
        # A step without a change runs once; for a restore, which has none either, the wait is needless and harmless.
        sent += [_run_requested_by(step, now) for step in record.steps if step.name not in changed]
        return cls(lock, by_pods, read=changed, timed_out_at=max(sent, default=None))

    def succeeded(self, command: do.Command, now: float) -> None:
        """Note that a command succeeded."""
        match command:
            case do.AcquireLock():
                self.lock = Lock.HELD
            case do.ReleaseLock():
                self.lock = Lock.FREE
            case do.CheckPreflight():
                self.checked_at = now
            case do.Apply(change):
                self.made |= {change.name}
            case do.Run(step):
                self.made |= {step}
            case do.Read(name):
                self.read |= {name}
            case do.UpdateGameDay():
                self.reported = True
            case do.KeepSamples():
                self.keeping = self.keeping or Keeping(kept=True)
            case _:
                pass

    def changed(self, command: do.Command, error: str) -> None:
        """Note that admission made something else of a change, as the error of its command says."""
        if isinstance(command, do.Apply):
            self.changed_by_admission = {**self.changed_by_admission, command.change.name: error}

    def was_changed(self, command: do.Command) -> bool:
        """Whether a command would make once more what admission makes something else of."""
        return isinstance(command, do.Apply) and command.change.name in self.changed_by_admission

    def timed_out(self, command: do.Command, now: float) -> None:
        """Note that a command's request timed out."""
        by_pod = isinstance(command, do.Apply | do.Revert) and command.change.kind in self.by_pods
        if by_pod or isinstance(command, CREATES):
            self.timed_out_at = now

    def may_still_execute(self, now: float) -> bool:
        """Whether the API server may still execute a request that timed out."""
        return self.timed_out_at is not None and now < self.timed_out_at + timeouts.LATE_REQUEST


def _run_requested_by(step: StepEntry, now: float) -> float:
    """Until when an earlier process may have sent requests that run a step: none is sent once its result is recorded.

    One that timed out may still make the Job or the pod of the step, or evict a pod, although the step was given up.
    """
    return now if step.state is StepState.INTENDED else step.at


def _fuse_requested_by(change: Change, now: float) -> float | None:
    """Until when an earlier process may have sent requests for the fuse of a change; None if they leave nothing behind.

    Before a change is requested its fuse is armed, and no request for that fuse is sent any more. An earlier request
    that timed out may still create the fuse again after it was removed. A fuse that acts would then act after the
    drill, because no Drill owns it. Where there was nothing before the change, its fuse only owns what is created.
    """
    if not change.fuse_name:
        return None
    if not change.touched:
        return now
    return change.requested_at if change.before is not None else None
