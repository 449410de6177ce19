"""What a kind of action implements, for faults and for steps: apply, observe, revert; or run once.

The engine asks for these and knows no kind. Whatever is done is done as the namespace's account.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from gameday.cluster.client import Cluster
from gameday.cluster.kinds import Kind, Object
from gameday.model.change import Change, Observed, RunState
from gameday.model.plan import Action
from gameday.model.setup import Setup


class Seen(Protocol):
    """The objects that are watched for a drill, by the name of their watch."""

    def listed(self, watch: str) -> bool:
        """Whether it has listed its objects: before, nothing may be concluded from what is absent."""
        ...

    def objects(self, watch: str) -> Mapping[str, Object]:
        """Its objects by name."""
        ...

    def learn(self, watch: str, thing: Object) -> None:
        """Take an object that a call answered with."""
        ...

    def forget(self, watch: str, deleted: str) -> None:
        """Drop an object that a call deleted."""
        ...


@dataclass(frozen=True, slots=True)
class Watch:
    """Objects to watch: ``labels`` and ``fields`` select them, in ``namespace`` or in the drill's own."""

    name: str
    kind: Kind
    labels: str = ""
    fields: str = ""
    namespace: str = ""


@dataclass(slots=True)
class Scene:
    """One drill as a kind works on it. ``account`` acts as its namespace's account."""

    account: Cluster
    namespace: str
    drill: str
    uid: str
    seen: Seen
    setup: Setup | None = None
    """What the preflight decided, with all that a cut has come to cover since."""
    memo: dict[str, Any] = field(default_factory=dict)
    """What a kind keeps of its last look, by the name of the fault or step."""


class ActionKind(ABC):
    """A kind of action that can be taken back.

    ``name`` is its key in the CRD, ``fuse_acts`` whether its fuse must do something: a policy goes with the Job that
    owns it, replicas must be put back by a pod.
    """

    name: ClassVar[str]
    fuse_acts: ClassVar[bool]

    @abstractmethod
    def watches(self, scene: Scene, action: Action | None, change: Change | None) -> Iterator[Watch]:
        """What must be watched to observe a change; at least one of action and change is given."""

    @abstractmethod
    def observe(self, scene: Scene, name: str, action: Action | None, change: Change | None) -> Observed:
        """How the change of a fault or step stands; ``change`` is None before it is registered."""

    @abstractmethod
    async def apply(self, scene: Scene, action: Action, change: Change, version: str) -> None:
        """Make the change, or have it cover what it must cover now; a second time changes nothing.

        Raises:
            GameDayError: when the API server refuses or does not answer; the engine asks again.

        """

    @abstractmethod
    async def revert(self, scene: Scene, change: Change) -> None:
        """Put back what the change changed, where it is still ours; finding nothing of it is success.

        Raises:
            GameDayError: when the API server refuses or does not answer; the engine asks again.

        """

    async def look(self, scene: Scene, action: Action | None, change: Change) -> Observed:
        """How a change stands at this moment, read anew where a watch may be late.

        Raises:
            GameDayError: when it cannot be read.

        """
        return self.observe(scene, change.name, action, change)


class RunKind(ABC):
    """A kind of action that cannot be taken back: it runs once, and its result is recorded."""

    name: ClassVar[str]

    @abstractmethod
    async def run(self, scene: Scene, name: str, action: Action) -> None:
        """Start it; a second time finds the first.

        Raises:
            GameDayError: when the API server refuses or does not answer; the engine asks again.

        """

    @abstractmethod
    def ran(self, scene: Scene, name: str) -> RunState:
        """How far the run of a step has come."""
