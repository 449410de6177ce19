"""A cut of the network as YAML has it."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from gameday.actions.network_partition.action import NetworkPartition, OpenConnections
from gameday.model.plan import Bystander, Via
from gameday.schema import renamed
from gameday.schema.base import ATOMIC, MOST, ApiModel, Identifier, ObjectName, Port, cel, keyed
from gameday.schema.named import Dependencies
from gameday.schema.references import ServiceReference
from gameday.schema.selectors import LabelSelector


class PodSelector(LabelSelector):
    """Which pods, by their labels."""

    model_config = {
        "json_schema_extra": cel(
            (
                "size(self.matchLabels) + size(self.matchExpressions) > 0",
                "podSelector is empty and would cut all pods: select the pods to cut by matchLabels or "
                "matchExpressions",
            )
        )
    }


class BystanderSpec(ApiModel):
    """A bystander that the cut must spare: when it is hit, the cut is reverted at once."""

    model_config = {
        "json_schema_extra": cel(
            (
                "(has(self.service) ? 1 : 0) + (has(self.host) ? 1 : 0) + (self.apiServer ? 1 : 0) == 1",
                "give exactly one of service, host (with port) and apiServer: true",
            ),
            ("has(self.host) == has(self.port)", "host and port must be given together"),
        )
    }
    name: Identifier
    """Name in findings."""
    service: ServiceReference | None = None
    """A Service, with its port."""
    host: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """A host."""
    port: Port | None = None
    """The host's port."""
    api_server: bool = False
    """The Kubernetes API server."""


class NetworkPartitionSpec(ApiModel):
    """Cuts pods off from one dependency, and from nothing else."""

    RENAMED = renamed.PARTITION

    model_config = {"json_schema_extra": cel(("size(self.to) == 1", renamed.ONE_DEPENDENCY))}

    pod_selector: PodSelector
    """The pods to cut off: the targets."""
    to: Annotated[tuple[ObjectName, ...], Field(max_length=MOST, json_schema_extra=ATOMIC)]
    """Names of the dependencies that they are cut off from: exactly one."""
    open_connections: Literal["Close", "Keep"] = "Close"
    """What becomes of open connections: Close ends them at the dependency, with its credentials.

    At any other than a redis behind a Service the drill is Inconclusive unless the network is seen to end them.
    """
    via: Literal["Auto", "NetworkPolicy", "CiliumNetworkPolicy"] = "Auto"
    """The kind of policy; Auto takes CiliumNetworkPolicy where the cluster has it and the account may write it."""
    must_remain_reachable: Annotated[tuple[BystanderSpec, ...], Field(max_length=8, json_schema_extra=keyed())] = ()
    """Bystanders to watch. DNS is always watched."""

    @field_validator("to", mode="before")
    @classmethod
    def _refuse_an_address(cls, to: Any) -> Any:
        if isinstance(to, dict):
            raise ValueError(renamed.TO)  # noqa: TRY004  pydantic makes a finding of it, and none of a TypeError
        return to


def partition_of(spec: NetworkPartitionSpec, named: Dependencies) -> NetworkPartition:
    """The cut, as the plan has it.

    Raises:
        PlanInvalid: when it does not name exactly one dependency that is there.

    """
    return NetworkPartition(
        spec.pod_selector.parsed(),
        named.cut("to", spec.to),
        OpenConnections(spec.open_connections),
        Via(spec.via),
        tuple(_bystander(stay) for stay in spec.must_remain_reachable),
    )


def _bystander(stay: BystanderSpec) -> Bystander:
    service = stay.service.parsed() if stay.service is not None else None
    return Bystander(stay.name, service, stay.host, stay.port, stay.api_server)
