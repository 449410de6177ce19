"""The plan of a drill, as the engine and the agents need it: a GameDay's spec, parsed, complete, immutable."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from gameday.model.destination import (
    CERTIFICATE,
    KEY,
    PUBLIC,
    SENTINEL_PORT,
    ConfigMapKey,
    Destination,
    SecretKey,
    Sentinel,
    ServiceRef,
    Trust,
)
from gameday.model.probe import INTERVALS_OF_PATIENCE, Probe, ProbeSettings, RunsIn

__all__ = [
    "CERTIFICATE",
    "INTERVALS_OF_PATIENCE",
    "KEY",
    "PUBLIC",
    "SENTINEL_PORT",
    "ConfigMapKey",
    "Destination",
    "Probe",
    "ProbeSettings",
    "RunsIn",
    "SecretKey",
    "Sentinel",
    "ServiceRef",
    "Trust",
]


class Mode(enum.Enum):
    """The verb of an expectation: how it is held against its samples.

    ``always`` is true at every sample of any stage; ``becomes`` is false before the fault and true by a deadline of the
    outage; ``eventually`` is true by a deadline of the recovery.
    """

    ALWAYS = "always"
    BECOMES = "becomes"
    EVENTUALLY = "eventually"


@dataclass(frozen=True, slots=True)
class Expectation:
    """A CEL expression and when it must hold.

    All lengths are seconds. ``within`` counts from the stage's start (None: the stage's length); ``holds`` is how long
    it must stay true. ``tolerates`` is the longest unbroken violation of an ``always``; None is three intervals for a
    guardrail, else no false value and no two samples in a row without an answer. An ``always`` of the outage counts
    from ``after`` seconds after the stage's start, and from the request where that is 0.
    """

    name: str
    mode: Mode
    expression: str
    within: float | None = None
    holds: float = 0.0
    tolerates: float | None = None
    guardrail: bool = False
    measures: str | None = None
    after: float = 0.0
    unaided: bool = False
    """Whether it counts as missed where it is met only after a mitigation has acted."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a fault or a step does; each kind has a subclass with its fields.

    ``KIND`` is its key in the registry of actions and in the CRD. One that is not ``REVERSIBLE`` runs once. ``REVERTS``
    names the kind whose earlier change of the same ``subject`` it takes back; it makes no change of its own then. The
    effect of one that is ``WITNESSED`` is shown by witnesses and controls; ``SIGNS_IN`` holds its signs' fields.
    """

    KIND: ClassVar[str] = ""
    REVERSIBLE: ClassVar[bool] = True
    REVERTS: ClassVar[str] = ""
    WITNESSED: ClassVar[bool] = False
    BY_HAND: ClassVar[bool] = False
    """Whether no fuse can undo it: a person makes the change and takes it back, or it ends by itself."""
    SIGNS_IN: ClassVar[str] = ""
    OUTSIDE: ClassVar[bool] = False
    """Whether a call makes the change, of something that no object of the cluster shows."""
    KEEPS: ClassVar[str] = ""
    """How its spec says that open connections stay; for messages."""
    NO_STEP: ClassVar[tuple[str, str]] = "", ""
    """Where no fuse can undo it and its kind may be a step: the field of the spec to look at, and what to do."""

    @property
    def subject(self) -> tuple[str, str]:
        """Kind and name of the object that it names, where another step may mean the same one."""
        return "", ""

    @property
    def takes_away(self) -> "Dependency | None":
        """The dependency that it takes away from its targets, and from no other pods."""
        return None

    @property
    def cuts_off(self) -> "Selector | None":
        """The pods from which it takes that dependency away; None where it takes none away."""
        return None

    @property
    def closes_connections(self) -> bool:
        """Whether connections that its targets have open to that dependency are to be gone as well."""
        return False

    @property
    def reaches(self) -> tuple[str, ...]:
        """Addresses of what it changes for everybody, in any namespace and outside of the cluster."""
        return ()

    def reaches_from(self, namespace: str) -> tuple[str, ...]:
        """The same for a plan of this namespace, in one form for all namespaces."""
        del namespace  # most kinds say whole addresses
        return self.reaches

    @property
    def signs(self) -> Mapping[str, str]:
        """Expressions over probes that show the change, by the field of the spec that holds them."""
        return {}

    def path_of(self, sign: str) -> str:
        """The field of a fault or step that holds one of its signs."""
        return f"{self.KIND}.{self.SIGNS_IN}{sign}"

    @property
    def patience(self) -> float | None:
        """Seconds that its effect may take from the request on; None where the engine's own budget is enough."""
        return None

    @property
    def proven_within(self) -> float | None:
        """Seconds that the proof of a fault may take from the request on; None where the engine's budget is enough."""
        return self.patience

    @property
    def spares(self) -> "tuple[Bystander, ...]":
        """What its targets must still reach."""
        return ()


class Via(enum.Enum):
    """The kind of object that makes a cut."""

    AUTO = "Auto"
    NETWORK_POLICY = "NetworkPolicy"
    CILIUM = "CiliumNetworkPolicy"


@dataclass(frozen=True, slots=True)
class HostTarget:
    """A host outside the cluster; agents look its name up. What is in ``cidrs`` is cut whatever they find.

    ``servers`` says that it leads to servers of a Redis that name others, which are cut as well.
    """

    host: str
    ports: tuple[int, ...]
    cidrs: tuple[str, ...] = ()
    servers: bool = False


@dataclass(frozen=True, slots=True)
class CidrTarget:
    """Addresses outside the cluster."""

    cidrs: tuple[str, ...]
    ports: tuple[int, ...]


Target = ServiceRef | HostTarget | CidrTarget


class Protocol(enum.Enum):
    """What is spoken at a tcp dependency."""

    NONE = "none"
    """Nothing that witnesses know: they connect and hang up."""
    TLS = "tls"
    HTTP = "http"
    POSTGRES = "postgres"


@dataclass(frozen=True, slots=True)
class Dependency:
    """What the system needs and a fault may take away: where it is, and, for a Redis, how it is asked."""

    name: str
    target: Target
    redis: Destination | None = None
    protocol: Protocol | None = None
    """What its ports speak, where a tcp dependency says so."""

    @property
    def kind(self) -> str:
        """The field that describes it: ``redis`` or ``tcp``."""
        return "redis" if self.redis is not None else "tcp"

    @property
    def path(self) -> str:
        """Path of its address within its entry of ``spec.dependencies``: ``redis.service``, ``tcp.cidrs``, ..."""
        fields: dict[type[object], str] = {ServiceRef: "service", HostTarget: "host", CidrTarget: "cidrs"}
        return f"{self.kind}.{fields[type(self.target)]}"


@dataclass(frozen=True, slots=True)
class Selector:
    """A label selector; ``expressions`` are (key, operator, values)."""

    match_labels: Mapping[str, str] = field(default_factory=dict)
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Bystander:
    """A bystander that the cut must spare: a Service, ``host``:``port``, or the API server."""

    name: str
    service: ServiceRef | None = None
    host: str | None = None
    port: int | None = None
    api_server: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """A named, reversible change that causes the failure."""

    name: str
    action: Action


@dataclass(frozen=True, slots=True)
class SteadyState:
    """The stage before anything is touched; it takes the baseline."""

    duration: float
    expect: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True)
class Outage:
    """The stage under the cut; ``duration`` counts from the first failed dial of the proof."""

    duration: float
    faults: tuple[Fault, ...]
    expect: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True)
class Recovery:
    """The stage after the cut; ``within`` is the RTO, counted from the first good dial after the undo."""

    within: float
    expect: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a mitigation or of the rollback."""

    name: str
    action: Action
    irreversible: bool = False


@dataclass(frozen=True, slots=True)
class Rollback:
    """What repairs the system when an expectation named in ``if_missed`` was definitely missed."""

    if_missed: tuple[str, ...]
    within: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Mitigation:
    """What the team does under the fault when the condition ``when`` has been true for ``holds`` seconds.

    It acts at most once, between the proof of the last fault and the end of the recovery. ``within`` is how many
    seconds all its steps may take.
    """

    name: str
    when: str
    steps: tuple[Step, ...]
    holds: float = 0.0
    within: float = 120.0


class Stage(enum.Enum):
    """The stages that hold expectations."""

    STEADY_STATE = "SteadyState"
    OUTAGE = "Outage"
    RECOVERY = "Recovery"


class Aggregate(enum.Enum):
    """How the samples of a stage become one figure."""

    MAX = "max"
    MIN = "min"
    MEAN = "mean"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Measurement:
    """A figure taken over a stage; ``path`` begins with the probe's name."""

    name: str
    stage: Stage
    path: str
    aggregate: Aggregate = Aggregate.MAX
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole drill, as it was when the drill began."""

    gameday: str
    probes: tuple[Probe, ...]
    steady_state: SteadyState
    outage: Outage
    recovery: Recovery
    rollback: Rollback | None = None
    measurements: tuple[Measurement, ...] = ()
    description: str = ""
    dependencies: tuple[Dependency, ...] = ()
    mitigations: tuple[Mitigation, ...] = ()

    @property
    def length(self) -> float:
        """Seconds that all stages may last, the rollback included: for so long probes send samples."""
        repair = self.rollback.within if self.rollback is not None else 0.0
        waits = max((one.within for one in self.mitigations), default=0.0)
        return self.steady_state.duration + self.outage.duration + self.recovery.within + waits + repair

    def actions(self) -> tuple[tuple[str, Action], ...]:
        """Every fault and every step by name, in their order."""
        faults = tuple((fault.name, fault.action) for fault in self.outage.faults)
        return (*faults, *((step.name, step.action) for _, step in self.steps()))

    def steps(self) -> tuple[tuple[str, Step], ...]:
        """Every step of mitigations and of the rollback, with the path of the list in which it stands."""
        lists = [(f"spec.mitigations[{one.name}].steps", one.steps) for one in self.mitigations]
        if self.rollback is not None:
            lists.append(("spec.rollback.steps", self.rollback.steps))
        return tuple((path, step) for path, steps in lists for step in steps)

    def mitigation_of(self, step: str) -> Mitigation | None:
        """The mitigation that has a step of that name."""
        return next((one for one in self.mitigations if any(known.name == step for known in one.steps)), None)

    def texts(self) -> tuple[str, ...]:
        """Every expression of the plan."""
        expected = (one.expression for _, one in self.all_expectations())
        return (*expected, *self.signs(), *(one.when for one in self.mitigations))

    def reaches_from(self, namespace: str) -> tuple[str, ...]:
        """Every address of what it changes for everybody in a drill of this namespace, each once."""
        every = (address for _, action in self.actions() for address in action.reaches_from(namespace))
        return tuple(dict.fromkeys(every))

    def signs(self) -> tuple[str, ...]:
        """Every expression by which a fault or a step is seen."""
        return tuple(text for _, action in self.actions() for text in action.signs.values())

    def all_expectations(self) -> tuple[tuple[Stage, Expectation], ...]:
        """Every expectation with its stage, in the order of the stages."""
        return tuple((stage, expectation) for stage in Stage for expectation in self.expectations(stage))

    def expectations(self, stage: Stage) -> tuple[Expectation, ...]:
        """The expectations of one stage, in the plan's order."""
        match stage:
            case Stage.STEADY_STATE:
                return self.steady_state.expect
            case Stage.OUTAGE:
                return self.outage.expect
            case Stage.RECOVERY:
                return self.recovery.expect


NO_PLAN: Final = Plan("", (), SteadyState(0.0), Outage(0.0, ()), Recovery(0.0))
"""The plan of a drill that waits for one, or whose plan cannot be read."""
