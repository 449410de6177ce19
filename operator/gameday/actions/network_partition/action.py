"""A cut of the network, as plans have it."""

import enum
from dataclasses import dataclass
from typing import ClassVar

from gameday.model.plan import Action, Bystander, Dependency, Plan, Selector, Target, Via


class OpenConnections(enum.Enum):
    """What becomes of connections that targets hold when the cut begins."""

    CLOSE = "Close"
    KEEP = "Keep"


@dataclass(frozen=True, slots=True)
class NetworkPartition(Action):
    """Cuts the pods that ``pod_selector`` selects off from a dependency."""

    KIND: ClassVar[str] = "networkPartition"
    WITNESSED: ClassVar[bool] = True
    KEEPS: ClassVar[str] = "openConnections: Keep"

    pod_selector: Selector
    dependency: Dependency
    open_connections: OpenConnections = OpenConnections.CLOSE
    via: Via = Via.AUTO
    must_remain_reachable: tuple[Bystander, ...] = ()

    @property
    def to(self) -> Target:
        """Where the dependency is."""
        return self.dependency.target

    @property
    def cuts_off(self) -> Selector:
        """The pods that it selects."""
        return self.pod_selector

    @property
    def takes_away(self) -> Dependency:
        """See the base class."""
        return self.dependency

    @property
    def closes_connections(self) -> bool:
        """See the base class."""
        return self.open_connections is OpenConnections.CLOSE

    @property
    def spares(self) -> tuple[Bystander, ...]:
        """See the base class."""
        return self.must_remain_reachable


def cuts_of(plan: Plan) -> tuple[tuple[str, NetworkPartition], ...]:
    """The faults that are cuts of the network, by name."""
    return tuple((f.name, f.action) for f in plan.outage.faults if isinstance(f.action, NetworkPartition))
