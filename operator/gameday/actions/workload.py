"""The workloads that a fault or step may name, as a spec, a plan, the undo log and the API server name them."""

from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple

from pydantic import ConfigDict

from gameday.cluster.resources import DEPLOYMENTS, STATEFUL_SETS, Resource
from gameday.errors import PlanInvalid
from gameday.model.change import Change
from gameday.schema.base import ApiModel, ObjectName, cel
from gameday.schema.named import Dependencies
from gameday.schema.one_of import exactly_one

FIELDS: Final[Mapping[str, str]] = {DEPLOYMENTS.kind: "deployment", STATEFUL_SETS.kind: "statefulSet"}
"""The field of a spec that names a workload, by the workload's kind."""
KINDS: Final[Mapping[str, Resource]] = {resource.kind: resource for resource in (DEPLOYMENTS, STATEFUL_SETS)}
"""What may be named, by the name of its kind."""


class Workload(NamedTuple):
    """A workload: its kind and its name."""

    resource: Resource
    name: str

    def __str__(self) -> str:
        """As messages have it."""
        return f"{self.resource.kind} {self.name}"

    @property
    def field(self) -> str:
        """The field of a spec that names it."""
        return FIELDS[self.resource.kind]

    @property
    def watch(self) -> str:
        """Name of its watch."""
        return f"workload/{self.resource.kind}/{self.name}"


class Named(ApiModel):
    """What names one workload."""

    model_config: ClassVar[ConfigDict] = {"json_schema_extra": cel(exactly_one(tuple(FIELDS.values())))}

    deployment: ObjectName | None = None
    """Name of the Deployment."""
    stateful_set: ObjectName | None = None
    """Name of the StatefulSet."""

    def workload(self, named: Dependencies) -> Workload:
        """The workload.

        Raises:
            PlanInvalid: when not exactly one is named.

        """
        given = ((DEPLOYMENTS, self.deployment), (STATEFUL_SETS, self.stateful_set))
        found = [Workload(resource, name) for resource, name in given if name is not None]
        if len(found) != 1:
            _, message = exactly_one(tuple(FIELDS.values()))
            raise PlanInvalid(((named.path, message),))
        return found[0]


def changed(change: Change) -> Workload:
    """The workload of an entry of the undo log."""
    return Workload(KINDS[change.object_kind], change.object_name)
