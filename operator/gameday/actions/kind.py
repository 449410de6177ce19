"""The interface of a kind of action: its schema, its checks, and its work (apply, observe, revert; or run once).

The engine uses this interface and knows no kind. All requests are made as the namespace's ServiceAccount.
"""

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object, Resource
from gameday.errors import Rejected
from gameday.model.agent import AgentConfig
from gameday.model.change import Change, Observed, Ran, State
from gameday.model.finding import Finding as PlanFinding
from gameday.model.labels import Role
from gameday.model.plan import Action, ConfigMapKey, Destination, Plan, SecretKey
from gameday.model.setup import Connections, Cut, Setup
from gameday.preflight.findings import Finding
from gameday.preflight.rights import Right
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.schema.base import ApiModel
from gameday.schema.named import Dependencies

Spec = TypeVar("Spec", bound=ApiModel)
Planned = TypeVar("Planned", bound=Action)

FEW: Final[State] = {"replicas": 2_147_483_647}
"""The largest state that a kind notes before its change, and after it too where it says nothing else."""


class Use(enum.Enum):
    """What a plan may have an action as. Mitigations and the rollback have steps."""

    FAULT = "fault"
    STEP = "step"


@dataclass(frozen=True, slots=True)
class PreflightContext:
    """A fault or step in preflight; ``path`` is that of its kind's key."""

    snapshot: NamespaceSnapshot
    plan: Plan
    name: str
    path: str
    account: Object | None = None
    """The namespace's ServiceAccount, where it is known."""


@dataclass(frozen=True, slots=True)
class AgentPod:
    """A pod of an agent that a kind needs: its program, its role, what it is given, and what is mounted into it."""

    module: str
    role: Role
    config: AgentConfig
    secrets: tuple[SecretKey, ...] = ()
    config_maps: tuple[ConfigMapKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Asks:
    """What a pod of an action must reach: ``field`` says so, below the kind's key; ``why`` is what follows if not."""

    role: Role
    to: Destination
    field: str
    why: str


MakePod = Callable[[str, AgentPod], Object]
"""Makes the manifest of an agent's pod, which its Drill owns; the first argument is the agent's name."""


def no_clock() -> float:
    """Stands for the clock where nothing is changed.

    Raises:
        RuntimeError: always.

    """
    raise RuntimeError("internal error: the time is needed where nothing is changed: please report it")


def no_pods(agent: str, _: AgentPod) -> Object:
    """Stands for ``MakePod`` where nobody knows the drill's image.

    Raises:
        RuntimeError: always.

    """
    raise RuntimeError(
        f"internal error: agent {agent} needs a pod where the image of the drill is not known: please report it"
    )


@dataclass(frozen=True, slots=True)
class DryRunContext:
    """A drill whose objects the API server dry-runs before it starts; ``name`` is that of the fault or step."""

    snapshot: NamespaceSnapshot
    setup: Setup
    drill: str
    uid: str
    name: str
    fuse: str
    """The name of the fuse that would guard the change."""
    agent_pod: MakePod = no_pods


class ObjectCache(Protocol):
    """The watched objects of a drill, by the name of their watch."""

    def listed(self, watch: str) -> bool:
        """Whether this watch has listed its objects; until then an absent object may exist."""
        ...

    def objects(self, watch: str) -> Mapping[str, Object]:
        """The objects of a watch, by name."""
        ...

    def resolved(self, fault: str) -> tuple[str, ...]:
        """The addresses that agents found for the name that a fault cuts off, and that it does not cut anyway."""
        ...

    def upsert(self, watch: str, thing: Object) -> None:
        """Store an object that a call returned."""
        ...

    def evict(self, watch: str, deleted: str) -> None:
        """Remove an object that a call deleted."""
        ...


@dataclass(frozen=True, slots=True)
class Watch:
    """Objects to watch: ``labels`` and ``fields`` select them, in ``namespace`` or in the drill's own.

    ``blocks`` is whether the whole drill decides nothing until they are listed. A kind that answers UNKNOWN until then
    sets it to False: a list that fails must not keep the drill from an abort, or from the end of its outage.
    """

    name: str
    resource: Resource
    labels: str = ""
    fields: str = ""
    namespace: str = ""
    blocks: bool = True


@dataclass(slots=True)
class ActionContext:
    """The drill that a kind works on; ``account`` acts as the namespace's ServiceAccount."""

    account: Cluster
    namespace: str
    drill: str
    uid: str
    cache: ObjectCache
    setup: Setup | None = None
    """What the preflight decided, with the destinations that cuts cover by now."""
    memo: dict[str, Any] = field(default_factory=dict)
    """What a kind caches between observations, by the name of the fault or step."""
    agent_pod: MakePod = no_pods
    clock: Callable[[], float] = no_clock
    """Unix seconds."""


class PlannedKind(ABC, Generic[Spec, Planned]):
    """A kind of action, as plans have it.

    ``Spec`` is its type in YAML, ``Planned`` its type in a plan. A kind that makes a change of its own is an
    ``ActionKind``, one that runs once a ``RunKind``; one that reverts a change of another kind is neither, and its
    ``Planned.REVERTS`` names that kind.
    """

    name: ClassVar[str]
    """The key in a GameDay's spec, and ``KIND`` of its actions."""
    beyond: ClassVar[bool] = False
    """Whether its actions change things for everybody who uses them, in any namespace and outside of the cluster. They
    run only where the administrator allows the kind; see ``Action.reaches``."""
    description: ClassVar[str]
    """The description of that key in the CRD, in one line."""
    spec: ClassVar[type[ApiModel]]
    """The type of what stands under that key; the CRD is made from it."""
    planned: ClassVar[type[Action]]
    """The type of what a plan has of it."""
    uses: ClassVar[frozenset[Use]]
    """Whether it may be a fault, a step, or both."""
    rules: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Rules on the fault or step that holds it, as (CEL, message); each must hold where the key is not given."""
    plan_rules: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Rules on the whole spec of a GameDay, as (CEL, message)."""
    outage_rules: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Rules on its outage, which has the faults."""
    grants: ClassVar[tuple[Right, ...]] = ()
    """All that any action of this kind may need of RBAC in its namespace, beyond what every drill needs.

    ``make generate`` makes a component of ``manifests/namespace`` of it.
    """
    reads: ClassVar[tuple[Resource, ...]] = ()
    """The collections that its preflight reads, beyond those of every drill; the right to list them is granted too."""

    hits_any: ClassVar[bool] = False
    """Whether a fault may hit other pods of the workload than those that ``hits`` names: only their number is known."""

    @abstractmethod
    def parse(self, spec: Spec, named: Dependencies) -> Planned:
        """The action of a spec, which the schema has admitted; ``named`` holds the plan's dependencies.

        Raises:
            PlanInvalid: when it names a dependency that it cannot act on.

        """

    def check(self, action: Planned, earlier: Sequence[Action]) -> Iterator[PlanFinding]:
        """What is wrong with an action that no schema can say; paths are below the kind's key.

        ``earlier`` are the actions before it in its list, of any kind.
        """
        return iter(())

    def preflight(self, action: Planned, ctx: PreflightContext) -> Iterator[Finding]:
        """Findings in the namespace that refuse the action, or that people should know before it."""
        return iter(())

    def asks(self, action: Planned) -> Iterator[Asks]:
        """What the pods that it makes must reach, those of its fuse among them, besides the API server."""
        return iter(())

    def hits(self, action: Planned, snapshot: NamespaceSnapshot) -> tuple[str, tuple[Object, ...]]:
        """The field below the kind's key that says which pods a fault acts on, and these pods as they are now."""
        return "", ()

    def placed_like(self, action: Planned, snapshot: NamespaceSnapshot) -> tuple[Object, ...]:
        """The pods that say where the drill's own pods may run, be they only planned: those that a fault acts on."""
        return self.hits(action, snapshot)[1]

    def rolling(self, action: Planned, snapshot: NamespaceSnapshot) -> tuple[str, ...]:
        """The workloads of these pods that are in the middle of a rollout, as ``Deployment api``: the drill waits."""
        return ()

    def rights(self, action: Planned, snapshot: NamespaceSnapshot) -> Iterator[Right]:
        """What this action needs of ``grants``."""
        return iter(self.grants)

    def prepare(self, action: Planned, ctx: PreflightContext) -> Cut | None:
        """What the preflight decides of a fault that cuts the network, for the whole drill; None for any other."""
        return None

    def creates(self, action: Planned, ctx: DryRunContext) -> Iterator[tuple[Resource, Object]]:
        """The objects that it would create, but for its fuse: the API server tries each before the drill begins."""
        return iter(())


class ActionKind(PlannedKind[Spec, Planned]):
    """A kind of action that makes a change and can take it back.

    ``fuse_acts`` says whether its fuse must do something: a policy goes with the Job that owns it, replicas must be put
    back by a pod.
    """

    fuse_acts: ClassVar[bool]
    fuse_does: ClassVar[str] = "undo the change"
    """What its fuse must do by its deadline, for messages; each kind with a fuse says its own."""
    fused: ClassVar[bool] = True
    """Whether it has a fuse at all. A change without one must say so in the plan."""
    objects: ClassVar[tuple[str, ...]]
    """Kinds of the objects that it changes, as the undo log names them."""
    by_pods: ClassVar[bool] = False
    """Whether pods make its changes and take them back: of a request that timed out, such a pod may still come."""

    @abstractmethod
    def watches(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Iterator[Watch]:
        """What must be watched to observe the change of a fault or step; of action and change one is given at least."""

    @abstractmethod
    def observe(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Observed:
        """The observed state of a fault's or step's change; ``change`` is None before it is registered."""

    @abstractmethod
    async def apply(self, ctx: ActionContext, action: Action, change: Change, version: str) -> None:
        """Make the change, or extend it to what it must cover now; a second call changes nothing.

        Raises:
            GameDayError: when the API server refuses or does not answer; the engine asks again.

        """

    @abstractmethod
    async def revert(self, ctx: ActionContext, change: Change) -> None:
        """Revert the change if it is still this drill's; finding nothing to revert is success.

        Raises:
            GameDayError: when the API server refuses or does not answer; the engine asks again.

        """

    async def read(self, ctx: ActionContext, action: Action | None, change: Change) -> Observed:
        """The current state of a change, read anew because a watch may be late.

        Raises:
            GameDayError: when it cannot be read.

        """
        return self.observe(ctx, change.name, action, change)

    def registers(self, action: Planned, snapshot: NamespaceSnapshot) -> Observed:
        """The change's undo entry as the preflight expects it; the dry run of a fuse needs it."""
        return Observed()

    def fuse_pod(self, change: Change, namespace: str, lasts: float, ends_after: float) -> AgentPod:
        """The pod of its fuse, where that acts: ``lasts`` seconds after its Job's start it undoes the change.

        Raises:
            Rejected: when the change does not say how it is undone.

        """
        raise Rejected(
            f"this version of the operator cannot undo {change.name} ({self.name}): run the version "
            "that made the change"
        )

    def guarded(self, wanted: State | None) -> bool:
        """Whether the change of an undo entry that says this has a fuse."""
        return self.fused

    def notes(self, action: Planned) -> State:
        """The largest ``wanted`` that the undo log may have to hold; a plan that needs more room is refused."""
        return FEW

    def grown(self, ctx: ActionContext, cut: Cut) -> Cut:
        """A cut extended to new destinations; it never shrinks before it is reverted."""
        return cut

    async def closing(self, ctx: ActionContext, action: Planned, cut: Cut) -> Connections:
        """Which targets' open connections to close now that the cut is proven, and at which servers.

        Raises:
            GameDayError: when that cannot be read; the engine asks again.

        """
        return Connections()

    def suspected_bypass(self, action: Planned, snapshot: NamespaceSnapshot, cut: Cut) -> str:
        """What most likely lets traffic through a cut that shows no effect."""
        return ""

    def gates(self, action: Planned, snapshot: NamespaceSnapshot) -> tuple[str, ...]:
        """The visible policies that decide who may reach the cut dependency."""
        return ()


class RunKind(PlannedKind[Spec, Planned]):
    """A kind of action that cannot be taken back: it runs once, and its result is recorded.

    One that has several parts notes beforehand what they are: ``noted`` is what was recorded before the first one, and
    None before that. So a later process goes on where an earlier one has ended.
    """

    @abstractmethod
    async def run(self, ctx: ActionContext, name: str, action: Action, noted: State | None) -> None:
        """Start it, or its next part; a second time finds the first.

        Raises:
            GameDayError: when the API server refuses or does not answer; the engine asks again.

        """

    @abstractmethod
    def ran(self, ctx: ActionContext, name: str, action: Action, noted: State | None) -> Ran:
        """The state of a step's run, from watches alone."""

    async def discard(self, ctx: ActionContext, name: str, action: Action) -> None:
        """Delete what was made for a step that is given up, if nothing of it was carried out (``Ran.waits``).

        Raises:
            GameDayError: when the API server refuses or does not answer; the engine asks again.

        """
        raise Rejected(f"step {name} has nothing that could be deleted: please report it")

    def watches(self, ctx: ActionContext, name: str, action: Action) -> Iterator[Watch]:
        """What must be watched to see that, beyond the drill's own pods and Jobs."""
        return iter(())

    def notes(self, action: Planned) -> State | None:
        """The largest notes that it may need; a plan that needs more room is refused."""
        return None
