"""What the preflight reads of a namespace, as its account: few calls, each a whole collection."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from gameday.cluster.client import Cluster
from gameday.cluster.kinds import (
    CILIUM_NETWORK_POLICIES,
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    NETWORK_POLICIES,
    PODS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
    Kind,
    Object,
)
from gameday.errors import Absent, Forbidden
from gameday.model.plan import NetworkPartition, ServiceRef

ESSENTIAL = (PODS, SERVICES, NETWORK_POLICIES, REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS, DEPLOYMENTS, CRON_JOBS)


@dataclass(slots=True)
class Sight:
    """A namespace as the account sees it. ``things`` are by plural; ``missing`` says what could not be read, and why.

    ``cilium`` is False where the cluster has no CiliumNetworkPolicy, or the account may not write one.
    """

    namespace: str
    things: dict[str, tuple[Object, ...]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    cilium: bool = False
    service: Object | None = None
    """The Service that is cut, which may stand in another namespace."""
    endpoints: tuple[Object, ...] = ()
    service_policies: tuple[Object, ...] = ()
    """Policies of the cut Service's namespace, when that is another one."""
    dns: str = ""

    def of(self, kind: Kind) -> tuple[Object, ...]:
        """The objects of a kind."""
        return self.things.get(kind.plural, ())


async def look(account: Cluster, operator: Cluster, namespace: str, partition: NetworkPartition) -> Sight:
    """Read all that the preflight judges."""
    sight = Sight(namespace)
    await asyncio.gather(*(_collect(sight, account, kind) for kind in ESSENTIAL))
    await _cilium(sight, account)
    if isinstance(partition.to, ServiceRef):
        await _service(sight, account, partition.to)
    sight.dns = await _dns(operator)
    return sight


async def _collect(sight: Sight, account: Cluster, kind: Kind) -> None:
    try:
        sight.things[kind.plural], _ = await account.list(kind, sight.namespace)
    except (Forbidden, Absent) as error:
        sight.missing[kind.plural] = str(error)


async def _cilium(sight: Sight, account: Cluster) -> None:
    try:
        sight.things[CILIUM_NETWORK_POLICIES.plural], _ = await account.list(CILIUM_NETWORK_POLICIES, sight.namespace)
    except (Forbidden, Absent) as error:
        sight.missing[CILIUM_NETWORK_POLICIES.plural] = str(error)
        return
    rules = await account.rules(sight.namespace)
    sight.cilium = may(rules, "create", CILIUM_NETWORK_POLICIES) and may(rules, "delete", CILIUM_NETWORK_POLICIES)


async def _service(sight: Sight, account: Cluster, ref: ServiceRef) -> None:
    namespace = ref.namespace or sight.namespace
    try:
        sight.service = await account.get(SERVICES, namespace, ref.name)
        sight.endpoints = await endpoints_of(account, namespace, ref.name)
        if namespace != sight.namespace:
            sight.service_policies, _ = await account.list(NETWORK_POLICIES, namespace)
    except Forbidden as error:
        sight.missing[f"services in {namespace}"] = str(error)


async def endpoints_of(account: Cluster, namespace: str, service: str) -> tuple[Object, ...]:
    """The EndpointSlices of a Service."""
    slices, _ = await account.list(ENDPOINT_SLICES, namespace, labels=f"kubernetes.io/service-name={service}")
    return slices


async def _dns(operator: Cluster) -> str:
    """The cluster's DNS Service, by the name that every distribution keeps for it."""
    try:
        service = await operator.get(SERVICES, "kube-system", "kube-dns")
    except Forbidden:
        return ""
    return str(service["spec"].get("clusterIP", "")) if service is not None else ""


def may(rules: tuple[Object, ...], verb: str, kind: Kind, subresource: str = "") -> bool:
    """Whether RBAC rules allow a verb on a kind."""
    resource = f"{kind.plural}/{subresource}" if subresource else kind.plural
    return any(_allows(rule, verb, kind.group, resource) for rule in rules)


def _allows(rule: dict[str, Any], verb: str, group: str, resource: str) -> bool:
    return (
        not rule.get("resourceNames")
        and bool({verb, "*"} & set(rule.get("verbs", ())))
        and bool({group, "*"} & set(rule.get("apiGroups", ())))
        and bool({resource, "*"} & set(rule.get("resources", ())))
    )
