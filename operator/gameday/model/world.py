"""What the runner sees of the cluster, as it is now: facts, not events, so that a restart loses nothing."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gameday.model.halt import CLEAR, Halt
from gameday.model.limits import UNLIMITED, Ruling


class CommandKey(NamedTuple):
    """Tells one command of a drill from every other: its kind, what it is about, and for a scale the number.

    ``subject`` is the name of the fault or step, or of the Deployment that is read; empty for a command of the drill.
    """

    command: str
    subject: str = ""
    replicas: int | None = None

    def __str__(self) -> str:
        """As a log shows it."""
        return "/".join(str(part) for part in self if part not in {"", None})


class Lock(enum.Enum):
    """Whose the namespace is; one drill at a time."""

    UNKNOWN = "Unknown"
    """Not asked for yet by this process; an earlier one may have taken it."""
    FREE = "Free"
    """Given back: it is not this drill's."""
    HELD = "Held"
    BUSY = "Busy"
    FULL = "Full"
    """As many drills run as the administrator allows."""


class Planned(enum.Enum):
    """What became of the GameDay that the Drill names."""

    ABSENT = "Absent"
    INVALID = "Invalid"
    TOO_BIG = "TooBig"
    FROZEN = "Frozen"
    DELETED = "Deleted"
    """It was frozen into the drill and is gone since."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """The outcome of the preflight: ``refusals`` end the drill, ``rolling`` makes it wait, ``warnings`` do neither."""

    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rolling: tuple[str, ...] = ()
    """Workloads of targets that are in the middle of a rollout: worth another look."""


class Life(enum.Enum):
    """The state of one of our pods."""

    ABSENT = "Absent"
    STARTING = "Starting"
    RUNNING = "Running"
    ENDED = "Ended"


@dataclass(frozen=True, slots=True)
class Fuse:
    """A fuse as it stands. ``armed`` needs ``uid``; ``dead`` says why it will not, or did already, burn."""

    uid: str | None = None
    armed: bool = False
    deadline: float | None = None
    dead: str | None = None
    trouble: str = ""
    """What kept a scale's fuse from trying its change at the API server, so far, or ""."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A policy of ours as it stands; ``difference`` says what somebody else changed."""

    present: bool = False
    uid: str | None = None
    difference: str = ""
    outgrown: bool = False
    """The addresses to cut have changed since it was written."""
    made: bool = False
    """Whether we heard that it was made: where it is absent all the same, somebody took it away."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment that a step scales. ``version`` is the resourceVersion at which it was seen like this."""

    exists: bool
    replicas: int = 0
    ready: int = 0
    pods: int = 0
    version: str = ""


class JobState(enum.Enum):
    """The state of a Job that a step runs."""

    ABSENT = "Absent"
    RUNNING = "Running"
    DONE = "Done"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Severed:
    """What the severing found: connections killed, those left, and at which Unix second that was."""

    killed: int
    left: int
    error: str = ""
    at: float = 0.0
    unseen: int = 0
    """Of how many targets no connection was ever seen; ``example`` is what one is called."""
    example: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """The most connections of the targets that were seen at once, and why the last look failed, or ""."""

    most: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class World:
    """Everything the engine may look at beside the plan, the record and the samples.

    ``start_before`` is a Unix second. ``errors`` holds the last error of a command that keeps failing, by its key.
    """

    drill: str = ""
    """Name of the Drill; the names of all that it creates follow from it."""
    planned: Planned = Planned.ABSENT
    planned_why: str = ""
    start_before: float = 0.0
    abort: bool = False
    deleted: bool = False
    opted_in: bool = True
    halt: Halt = CLEAR
    ruling: Ruling = UNLIMITED
    lock: Lock = Lock.UNKNOWN
    locked_by: str = ""
    """Who has what this drill waits for."""
    preflight: Preflight | None = None
    look_again: bool = False
    """Whether the preflight is to be made again: what it found was passing, and some time has passed."""
    agents_wanted: frozenset[str] = frozenset()
    agents: Mapping[str, Life] = field(default_factory=dict)
    fuses: Mapping[str, Fuse] = field(default_factory=dict)
    cuts: Mapping[str, Cut] = field(default_factory=dict)
    severed: Severed | None = None
    closer: Life = Life.ABSENT
    """The pod that ends connections."""
    counted: Counted | None = None
    """What the counter has seen so far; None where it has not said anything."""
    arriving: bool = False
    """Whether something that was asked for, and of which nothing was heard, may still be made."""
    workloads: Mapping[str, Workload] = field(default_factory=dict)
    scaled: frozenset[str] = frozenset()
    """Names of scales that we heard were made: where the number is another all the same, somebody set it since."""
    jobs: Mapping[str, JobState] = field(default_factory=dict)
    errors: Mapping[CommandKey, str] = field(default_factory=dict)
    finalizer: bool = False
    reported: bool = False
    """Whether this process has seen to it that the GameDay shows what came of this drill."""
    overwritten: str = ""
    """Why a drill cannot go on from its status, which somebody else wrote, or ""."""
    resumed_at: float = 0.0
    """When this process took the drill over: what was asked for earlier, another process asked for."""
    skew: float = 0.0
    """Seconds by which the agents' clocks differ."""
    unusable_log: str = ""
    """Why an agent's log is read no further, or ""."""
    too_many: str = ""
    """Why a cut cannot grow any more with what it cuts off, or ""."""
    kinds: tuple[str, ...] = ()
    """Which targets each pair of witness and control stands for, in words."""
    gates: tuple[str, ...] = ()
    """The policies that decide who may reach what is cut, as far as they can be seen."""
    likely_leak: str = ""
    """What most likely lets traffic through a cut that shows no effect."""
