"""What the runner observes of the cluster now: states, not events, so that a restart loses nothing."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gameday.model.change import NOT_RUN, NOTHING, Observed, Ran
from gameday.model.dry_run import DryRun
from gameday.model.halt import CLEAR, Halt
from gameday.model.limits import UNLIMITED, LimitsState
from gameday.model.record import Keeping
from gameday.model.versions import Version


class CommandKey(NamedTuple):
    """The identity of a command of a drill: its kind, and its subject.

    ``subject`` is the name of the fault or step; empty for a command of the drill.
    """

    command: str
    subject: str = ""

    def __str__(self) -> str:
        """As a log shows it."""
        return "/".join(part for part in self if part)


class Lock(enum.Enum):
    """Whose the namespace is; one drill at a time."""

    UNKNOWN = "Unknown"
    """Not requested yet by this process; an earlier process may hold it."""
    FREE = "Free"
    """Released: this drill does not hold it."""
    HELD = "Held"
    BUSY = "Busy"
    FULL = "Full"
    """As many drills run as the administrator allows."""
    TAKEN = "Taken"
    """Another drill changes for everybody what this one is to change."""


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
    dry_run: DryRun | None = None
    """The findings for a dry run; None for a drill."""
    targets: tuple[Version, ...] = ()
    """What runs in the targets."""


class Life(enum.Enum):
    """The state of one of our pods."""

    ABSENT = "Absent"
    STARTING = "Starting"
    RUNNING = "Running"
    ENDED = "Ended"


@dataclass(frozen=True, slots=True)
class Leaving:
    """A pod that is deleted, and stays until its kubelet confirms that it has ended, or its Node is deleted."""

    pod: str
    node: str
    due: float
    """The Unix second at which its grace period ends, by the API server's clock."""

    def __str__(self) -> str:
        """As a message names it."""
        return f"{self.pod} on node {self.node}"


@dataclass(frozen=True, slots=True)
class Fuse:
    """A fuse as it stands. ``armed`` needs ``uid``; ``dead`` says why it will not, or did already, burn."""

    uid: str | None = None
    armed: bool = False
    deadline: float | None = None
    dead: str | None = None
    trouble: str = ""
    """What kept a fuse that acts from trying its change at the API server, so far, or ""."""
    waits: str = ""
    """What keeps the pod of a fuse that acts from running, in the cluster's words, or ""."""


@dataclass(frozen=True, slots=True)
class ConnectionsClosed:
    """What the closer pod found: connections killed, those left, and at which Unix second that was."""

    killed: int
    left: int
    error: str = ""
    at: float = 0.0
    unseen: int = 0
    """Of how many targets no connection was ever seen; ``example`` is what one is called."""
    example: str = ""
    opened: int = 0
    """How many of those left a target opened after the closing began; ``opener`` says which one, and to where."""
    opener: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection of a target that was the youngest of all when a counter looked; times are the counter's."""

    connection: str
    """Its server and its number there."""
    opened_at: float
    """The Unix second at which it was opened, to a second."""
    seen_at: float
    """When it was seen last."""
    whose: str
    """The target's address, and the one of the server."""


@dataclass(frozen=True, slots=True)
class ConnectionsCounted:
    """The most connections of the targets that were seen at once, and why the last look failed, or ""."""

    most: int = 0
    error: str = ""
    opened: tuple[Opened, ...] = ()
    """The youngest ones of all looks, in the order in which they were seen."""
    direct: bool = False
    """Whether each server shows the counter by its own address, so that it would show a target as well."""
    unseen: int = 0
    """The number of targets of which no look has shown a connection."""
    example: str = ""
    """The name of one of them, or ""."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that the engine reads in addition to the plan, the record and the samples.

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
    limits_state: LimitsState = UNLIMITED
    lock: Lock = Lock.UNKNOWN
    locked_by: str = ""
    """The holder of what this drill waits for."""
    preflight: Preflight | None = None
    look_again: bool = False
    """Whether the preflight is to be made again: what it found was passing, and some time has passed."""
    agents_wanted: frozenset[str] = frozenset()
    agents: Mapping[str, Life] = field(default_factory=dict)
    agent_troubles: Mapping[str, str] = field(default_factory=dict)
    """What keeps agents from running, in the cluster's words; an agent of which nothing is known is absent."""
    callers: frozenset[str] = frozenset()
    """The names of the pods that may still act: those that actions have made, such as those that call an API, and those
    of fuses whose Job is gone."""
    agents_leaving: tuple[Leaving, ...] = ()
    """The agents that are deleted and still there, with those that end connections."""
    callers_leaving: tuple[Leaving, ...] = ()
    """The callers that are deleted, still there, and not known to have ended."""
    fuses: Mapping[str, Fuse] = field(default_factory=dict)
    changes: Mapping[str, Observed] = field(default_factory=dict)
    """What each fault and step changes, as it stands, by its name."""
    put_back: Mapping[str, float] = field(default_factory=dict)
    """When this process first saw of each change that its object is put back, or its call answered: a Unix second."""
    closing_faults: frozenset[str] = frozenset()
    """The faults of which connections that targets had are ended at the dependency, as the preflight decided."""
    connections_closed: Mapping[str, ConnectionsClosed] = field(default_factory=dict)
    """What the ending of connections found, by fault."""
    closers: Mapping[str, Life] = field(default_factory=dict)
    """The pods that end connections, by fault."""
    connections_counted: Mapping[str, ConnectionsCounted] = field(default_factory=dict)
    """What the counters have seen so far, by fault; one that has not said anything is not there."""
    arriving: bool = False
    """Whether the API server may still execute a request that timed out, or that an earlier process sent."""
    made: frozenset[str] = frozenset()
    """The faults and steps whose change or run the API server confirmed. One that is absent was removed."""
    changed_by_admission: Mapping[str, str] = field(default_factory=dict)
    """The faults of whose change admission made something else, which was taken back, with a message for each."""
    runs: Mapping[str, Ran] = field(default_factory=dict)
    """How far each irreversible step has come, by its name."""
    errors: Mapping[CommandKey, str] = field(default_factory=dict)
    finalizer: bool = False
    reported: bool = False
    """Whether this process has written the drill's outcome into its GameDay."""
    read_again: bool = True
    """Whether all was read that the logs of agents have to say; after a restart they are read from their beginning."""
    keeping: Keeping | None = None
    """The result of keeping the samples of a drill that has ended, if this process knows it."""
    overwritten: str = ""
    """Why a drill cannot go on from its status, which somebody else wrote, or ""."""
    resumed_at: float = 0.0
    """When this process took the drill over; earlier requests are another process's."""
    skew: float = 0.0
    """Seconds by which the clocks of the agents differ."""
    offset: float = 0.0
    """Seconds by which the clocks of the agents differ from the operator's."""
    unusable_log: str = ""
    """Why an agent's log is not read any further, or ""."""
    too_many_addresses: str = ""
    """Why a cut cannot grow any more with what it cuts off, or ""."""
    kinds: tuple[str, ...] = ()
    """Which targets each pair of witness and control represents, in words."""
    confirmed: Mapping[str, str] = field(default_factory=dict)
    """What a person says of each fault that a person makes: ``done`` or ``undone``."""
    gates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The visible policies that decide who may reach the dependency that a fault cuts."""
    unlisted: str = ""
    """Why a collection could not be listed yet without which something counts as unknown, or ""."""
    unlisted_long: bool = False
    """Whether that lasts for so long that people are to know."""
    suspected_bypasses: Mapping[str, str] = field(default_factory=dict)
    """What most likely lets traffic through a cut that shows no effect, by fault."""

    @property
    def skew_to_own(self) -> float:
        """Seconds by which clocks differ where a moment of the operator's is held against those of agents."""
        return max(self.skew, self.offset)

    def explained(self, why: str) -> str:
        """Why something is not done, as a message; what could not be listed may be behind it."""
        return "; ".join(filter(None, (why, self.unlisted)))

    def change(self, name: str) -> Observed:
        """How what a fault or step changes stands; nothing is known of it where it was not looked at."""
        return self.changes.get(name, NOTHING)

    def run(self, name: str) -> Ran:
        """How far an irreversible step has come."""
        return self.runs.get(name, NOT_RUN)

    def fuse(self, name: str) -> Fuse:
        """A fuse by its own name; one that is not there is neither armed nor dead."""
        return self.fuses.get(name, Fuse())
