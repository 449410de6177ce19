"""What a drill has decided and holds: the engine's memory, saved into the Drill's status before anything is done."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from gameday.model.change import Change, State
from gameday.model.dry_run import DryRun
from gameday.model.plan import Stage
from gameday.model.versions import Version


class Phase(enum.Enum):
    """Where a drill is; the order is that of the members."""

    PENDING = "Pending"
    PREFLIGHT = "Preflight"
    STEADY_STATE = "SteadyState"
    OUTAGE = "Outage"
    RECOVERY = "Recovery"
    ROLLBACK = "Rollback"
    FINISHED = "Finished"


class Verdict(enum.Enum):
    """What a finished drill says about the system under test, never about us."""

    PASSED = "Passed"
    FAILED = "Failed"
    INCONCLUSIVE = "Inconclusive"
    ABORTED = "Aborted"


class ResultState(enum.Enum):
    """What became of an expectation; all but ``PENDING`` are final."""

    PENDING = "Pending"
    MET = "Met"
    ALWAYS_TRUE = "AlwaysTrue"
    MISSED = "Missed"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Result:
    """A decided expectation. ``at`` is the Unix second from which it was decided, for a miss its deadline.

    ``seconds`` and ``resolution`` are the measured time and how finely it is known. ``again`` is true for the second
    look at a recovery expectation, after the rollback. ``reason`` is a CamelCase word where ``Unknown`` alone says too
    little. ``late`` is for a miss the number of seconds past the deadline at which it was true after all.
    """

    stage: Stage
    name: str
    state: ResultState
    at: float
    seconds: float | None = None
    resolution: float | None = None
    why: str = ""
    again: bool = False
    reason: str = ""
    late: float | None = None
    by: str = ""
    """The mitigation that had acted before it was met, the last one where there were several."""


AGENTS_WAITING = "AgentsWaiting"
"""Reason of a line of the timeline that says what the start of the agents waits for."""
NOT_REACHED = "NotReached"
"""Reason of an expectation whose stage never began."""


class Reason(enum.Enum):
    """Why a drill undoes early or cannot pass; each has its entry in the runbook of reasons."""

    ABORTED = "Aborted"
    DELETED = "Deleted"
    GAME_DAY_DELETED = "GameDayDeleted"
    GUARDRAIL = "GuardrailViolated"
    GUARDRAIL_UNKNOWN = "GuardrailUnknown"
    NO_GAME_DAY = "NoGameDay"
    GAME_DAY_INVALID = "GameDayInvalid"
    PLAN_TOO_BIG = "PlanTooBig"
    BUSY = "Busy"
    TOO_LATE = "TooLate"
    PREFLIGHT_FAILED = "PreflightFailed"
    ROLLOUT_IN_PROGRESS = "RolloutInProgress"
    AGENTS_NOT_READY = "AgentsNotReady"
    AGENT_LOST = "AgentLost"
    LOG_UNUSABLE = "LogUnusable"
    NOT_STEADY = "NotSteady"
    EXPRESSION_FAILED = "ExpressionFailed"
    ALREADY_TRUE = "AlreadyTrue"
    FUSE_NOT_ARMED = "FuseNotArmed"
    FUSE_LOST = "FuseLost"
    INJECTION_FAILED = "InjectionFailed"
    NO_EFFECT = "NoEffect"
    NOT_PROVEN = "NotProven"
    CONNECTIONS_NOT_CLOSED = "ConnectionsNotClosed"
    CONNECTIONS_KEPT = "ConnectionsKept"
    CUT_REMOVED = "CutRemoved"
    CUT_CHANGED = "CutChanged"
    LEAK = "Leak"
    DEPENDENCY_DOWN = "DependencyDown"
    CONTROL_CUT = "ControlCut"
    NOT_ADMITTED = "NotAdmitted"
    COLLATERAL_CUT = "CollateralCut"
    BYSTANDER_DOWN = "BystanderDown"
    OPT_IN_REVOKED = "OptInRevoked"
    UNKNOWN_RESULT = "UnknownResult"
    UNDO_UNVERIFIED = "UndoUnverified"
    ROLLBACK_FAILED = "RollbackFailed"
    MITIGATION_FAILED = "MitigationFailed"
    HALTED = "Halted"
    HALT_UNKNOWN = "HaltUnknown"
    LIMITS_INVALID = "LimitsInvalid"
    LIMITS_UNKNOWN = "LimitsUnknown"
    LIMIT_EXCEEDED = "LimitExceeded"
    TOO_MANY_DRILLS = "TooManyDrills"
    TOO_MANY_ADDRESSES = "TooManyAddresses"
    ADDRESSES_UNKNOWN = "AddressesUnknown"
    STATE_UNREADABLE = "StateUnreadable"
    STATUS_OVERWRITTEN = "StatusOverwritten"
    PLANNED = "Planned"
    REFUSED = "Refused"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a drill that has not begun waits for."""

    cause: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that we do not know, or did not manage: with one of these no drill passes.

    ``since`` is the Unix second from which the cut no longer counts as proven; a miss decided before it stays one.
    """

    cause: Reason
    message: str
    since: float


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of the connections that a fault's targets had open before it; ``fault`` is the fault's name."""

    fault: str
    requested_at: float | None = None
    """When closing them at the dependency was requested."""
    answered: bool = False
    """Whether it is known what that came to, or that nobody answers any more."""
    gone: bool | None = None
    """Whether they are known to be gone or silent; False: ending them did not show it."""
    gone_at: float | None = None
    """Since when they are known to be gone, by the clock of the agent that tells."""
    doubt: Doubt | None = None
    """What ending them at the dependency came to, where it did not show that they are gone."""


class StepState(enum.Enum):
    """How far a step has come."""

    INTENDED = "Intended"
    DONE = "Done"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class StepEntry:
    """What is recorded of a step of a mitigation or the rollback, before it is taken and after."""

    name: str
    state: StepState
    at: float
    message: str = ""
    notes: State | None = None
    """What the run of an irreversible step needs to go on after a restart, until it is over."""


@dataclass(frozen=True, slots=True)
class MitigationEntry:
    """What is recorded of a mitigation from the moment on at which its condition had held for long enough.

    It is never taken up again. ``acted_at`` is the Unix second at which its first step was requested, None before that.
    ``seen_at`` is the one at which something of its steps was first seen to be carried out for certain, which may be
    long after the request.
    ``ended_at`` is the one at which its last step was done; None of one that is under way, or that the drill's end cut
    short.
    """

    name: str
    at: float
    acted_at: float | None = None
    ended_at: float | None = None
    seen_at: float | None = None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A line of the timeline; ``reason`` is a CamelCase word, as in Events."""

    at: float
    reason: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Keeping:
    """What became of the samples of a drill that has ended.

    ``why`` says why they were not kept (empty: the GameDay does not want them), or what is not as it should be.
    """

    kept: bool
    why: str = ""


AGENTS_LEFT = "AgentsLeft"
"""Reason of the line of the timeline that names the agents which a drill has left on lost nodes."""
NOT_KEPT = "SamplesNotKept"
"""Reason of the line of the timeline, and of the condition, that say that samples were not kept."""
TIMELINE_LINES = 100
"""Longest timeline kept; the oldest lines go first."""


@dataclass(frozen=True, slots=True)
class DrillRecord:
    """All that the engine knows of a drill beyond its plan and its samples. Times are Unix seconds."""

    phase: Phase = Phase.PENDING
    since: float = 0.0
    """Start of the phase."""
    started_at: float | None = None
    steady_from: float | None = None
    """First moment at which every agent was measuring."""
    expressions_tried_at: float | None = None
    """When every expression had been tried on the steady state's samples: a ``becomes`` must be false from here on."""
    inject_requested_at: float | None = None
    outage_started_at: float | None = None
    """When the first failed dial of the proving run was sent: the times of the outage count from here."""
    outage_start_resolution: float = 0.0
    proven_at: float | None = None
    closings: tuple[Closing, ...] = ()
    """Of each fault that takes a dependency away, how far the ending of open connections has come."""
    undo_requested_at: float | None = None
    recovery_started_at: float | None = None
    """When the first good witness dial after the undo was sent: the times of the recovery count from here."""
    recovery_start_resolution: float = 0.0
    rollback_done_at: float | None = None
    """When the last rollback step was done: the expectations count anew from here."""
    finishing: bool = False
    """Whether all that is left is to undo, tidy and judge."""
    stalled_by: str = ""
    """What keeps the drill from seeing, undoing or tidying up, and what would help; empty while nothing does."""
    waiting: Waiting | None = None
    aborted: Reason | None = None
    aborted_why: str = ""
    guardrail: str | None = None
    """Name of the guardrail that was violated."""
    changes: tuple[Change, ...] = ()
    steps: tuple[StepEntry, ...] = ()
    mitigations: tuple[MitigationEntry, ...] = ()
    """The mitigations that have begun, in the order in which they did."""
    results: tuple[Result, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    warnings: tuple[str, ...] = ()
    baseline: Mapping[str, float] = field(default_factory=dict)
    faults_cleared: bool | None = None
    verdict: Verdict | None = None
    reason: str = ""
    message: str = ""
    recovered_by: str | None = None
    missed_before_abort: tuple[str, ...] = ()
    finished_at: float | None = None
    keeping: Keeping | None = None
    """Whether the samples are kept; None before that is decided, and of a drill that measured nothing."""
    reported: bool = False
    """Whether the GameDay shows the drill's outcome, or is deleted; only a drill that has ended is reported."""
    agents_left: bool = False
    """Whether the ended drill waits for its agents no longer, because only nodes that are lost keep their pods."""
    timeline: tuple[TimelineEntry, ...] = ()
    targets: tuple[Version, ...] = ()
    """What ran in the targets when the drill began."""
    dry_run: DryRun | None = None
    """The findings of a dry run, which changes nothing and has no verdict; None of a drill."""
    taken_over: int = 0
    """How often a process has taken the drill over from another one."""

    def note(self, at: float, reason: str, message: str, *, warning: bool = False) -> Self:
        """The record with one more line in its timeline."""
        lines = (*self.timeline, TimelineEntry(at, reason, message, warning))
        return replace(self, timeline=lines[-TIMELINE_LINES:])

    def enter(self, phase: Phase, at: float, message: str) -> Self:
        """The record in its next phase."""
        return replace(self, phase=phase, since=at).note(at, phase.value, message)

    def doubt(self, reason: Reason, message: str, since: float, at: float) -> Self:
        """The record with one more doubt; the same cause is doubted once."""
        if any(known.cause is reason for known in self.doubts):
            return self
        return replace(self, doubts=(*self.doubts, Doubt(reason, message, since))).note(
            at, reason.value, message, warning=True
        )

    def stalled(self, why: str, at: float) -> Self:
        """The record of a drill that cannot go on, noted when that begins; with an empty ``why`` it can again."""
        if bool(why) is bool(self.stalled_by):
            return self
        record = replace(self, stalled_by=why)
        return record.note(at, "Stalled", why, warning=True) if why else record.note(at, "Resumed", "it continues")

    def wait(self, reason: Reason, message: str, at: float) -> Self:
        """The record of a drill that cannot begin yet; the same reason is noted once."""
        waiting = Waiting(reason, message)
        if self.waiting == waiting:
            return self
        return replace(self, waiting=waiting).note(at, reason.value, f"waiting: {message}", warning=True)

    def with_change(self, change: Change) -> Self:
        """The record with an entry of the undo log added, or replaced by name."""
        if any(known.name == change.name for known in self.changes):
            kept = tuple(change if known.name == change.name else known for known in self.changes)
            return replace(self, changes=kept)
        return replace(self, changes=(*self.changes, change))

    def change(self, name: str) -> Change | None:
        """The entry of the undo log of that name."""
        return next((change for change in self.changes if change.name == name), None)

    def mitigation(self, name: str) -> MitigationEntry | None:
        """What is recorded of a mitigation; None of one that has not begun."""
        return next((one for one in self.mitigations if one.name == name), None)

    def with_mitigation(self, entry: MitigationEntry) -> Self:
        """The record with a mitigation added, or replaced by name."""
        if self.mitigation(entry.name) is None:
            return replace(self, mitigations=(*self.mitigations, entry))
        return replace(self, mitigations=tuple(entry if one.name == entry.name else one for one in self.mitigations))

    def step(self, name: str) -> StepEntry | None:
        """What is recorded of a step; None before it is intended."""
        return next((one for one in self.steps if one.name == name), None)

    def with_step(self, entry: StepEntry) -> Self:
        """The record with another state of a step."""
        return replace(self, steps=(*(one for one in self.steps if one.name != entry.name), entry))

    def closing(self, fault: str) -> Closing:
        """How far the ending of the connections has come that the targets of a fault had open."""
        return next((closing for closing in self.closings if closing.fault == fault), Closing(fault))

    def with_closing(self, closing: Closing) -> Self:
        """The record with another state of the open connections of a fault's targets."""
        others = tuple(known for known in self.closings if known.fault != closing.fault)
        return replace(self, closings=(*others, closing))

    def result(self, stage: Stage, name: str, *, again: bool = False) -> Result | None:
        """The decision on an expectation, if there is one."""
        return next((r for r in self.results if r.stage is stage and r.name == name and r.again is again), None)

    @property
    def holds_anything(self) -> bool:
        """Whether any change may still be in the cluster."""
        return any(change.open for change in self.changes)
