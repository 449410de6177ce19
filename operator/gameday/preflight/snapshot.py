"""What the preflight reads of a namespace, as its account: few calls, each a whole collection."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from gameday.cluster.client import Cluster
from gameday.cluster.kinds import (
    CILIUM_NETWORK_POLICIES,
    ENDPOINT_SLICES,
    NAMESPACES,
    NETWORK_POLICIES,
    PODS,
    RESOURCE_QUOTAS,
    SCALED_OBJECTS,
    SERVICES,
    Kind,
    Object,
)
from gameday.errors import Absent, Forbidden
from gameday.model import names
from gameday.model.labels import STAND_IN
from gameday.model.plan import Action, Plan, ServiceRef
from gameday.preflight.policies import isolators
from gameday.preflight.policies.isolators import Isolators
from gameday.preflight.rights import may, of_cut

ESSENTIAL = (PODS, SERVICES, NETWORK_POLICIES, RESOURCE_QUOTAS)
"""What every plan's preflight reads; the kinds of a plan's actions say what else."""
IF_SERVED = (SCALED_OBJECTS,)
"""Of that, what is read only where the cluster has it."""


@dataclass(slots=True)
class Sight:
    """A namespace as the account sees it. ``things`` are by plural; ``missing`` says what could not be read, and why.

    ``cilium`` is False where the cluster has no CiliumNetworkPolicy, or the account may not write one.
    """

    namespace: str
    things: dict[str, tuple[Object, ...]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    cilium: bool = False
    rules: tuple[Object, ...] = ()
    """What RBAC lets the account do here."""
    faults: dict[str, "Sight"] = field(default_factory=dict)
    """The same namespace with what was read for each fault: all that follows here."""
    service: Object | None = None
    """The Service that the fault cuts off, which may be in another namespace."""
    endpoints: tuple[Object, ...] = ()
    neighbours: tuple[Object, ...] = ()
    """All Services of the cut Service's namespace: others may lead to the same pods."""
    service_policies: tuple[Object, ...] = ()
    """Policies of the cut Service's namespace, of both kinds, when that is another one."""
    service_unread: str = ""
    """Why Cilium's policies there could not be read, or ""."""
    policies_elsewhere: bool = False
    """Whether the targets' dependency is in another namespace whose policies are not all read."""
    stand_in: str = STAND_IN
    """The value that agents have in place of a value on which the fault selects its targets."""
    dns: str = ""
    isolators: Isolators = field(default_factory=Isolators)
    """Policies of other kinds than those in ``things`` that may isolate pods."""
    namespace_labels: Mapping[str, str] | None = None
    """The namespace's own labels; None where the account may not read them."""

    def at(self, fault: str) -> "Sight":
        """The namespace with what was read for a fault."""
        return self.faults.get(fault, self)

    def of(self, kind: Kind) -> tuple[Object, ...]:
        """The objects of a kind."""
        return self.things.get(kind.plural, ())

    def policies(self, kind: Kind) -> tuple[Object, ...]:
        """The policies of a kind."""
        return (
            self.of(kind) if kind in (NETWORK_POLICIES, CILIUM_NETWORK_POLICIES) else self.isolators.found.get(kind, ())
        )

    def unread(self, kind: Kind) -> str:
        """Why policies of a kind could not be read although the cluster has it; empty where they could."""
        if kind not in self.isolators.served or kind.full_name in self.isolators.assumed:
            return ""
        if kind is CILIUM_NETWORK_POLICIES:
            return self.missing.get(kind.plural, "")
        return self.isolators.unread.get(kind, "")

    @property
    def has_cilium_kind(self) -> bool:
        """Whether the cluster knows CiliumNetworkPolicy and the account may read it."""
        return CILIUM_NETWORK_POLICIES.plural in self.things


def labels_of(thing: Object) -> Mapping[str, str]:
    """An object's labels."""
    labels: Mapping[str, str] = thing["metadata"].get("labels") or {}
    return labels


async def look(
    account: Cluster,
    operator: Cluster,
    namespace: str,
    plan: Plan,
    reads: Collection[Kind],
    assumed: Collection[str] = (),
) -> Sight:
    """Read all that the preflight judges.

    ``reads`` are the collections that the plan's actions need beyond those of every plan. ``assumed`` are the kinds of
    policies, by full name, that isolate no pod according to the administrator.

    Raises:
        ClusterUnreachable: when the API server did not answer; look again.

    """
    sight = Sight(namespace)
    sight.rules = await account.rules(namespace)
    wanted = dict.fromkeys((*ESSENTIAL, *reads, CILIUM_NETWORK_POLICIES))
    await asyncio.gather(*(_collect(sight, account, kind) for kind in wanted if kind not in IF_SERVED))
    right = of_cut(CILIUM_NETWORK_POLICIES)
    sight.cilium = sight.has_cilium_kind and all(may(sight.rules, verb, right.kind) for verb in right.verbs)
    sight.dns = await _dns(operator)
    sight.namespace_labels = await _own_labels(account, namespace)
    served = await _served(sight, operator)
    await asyncio.gather(*(_collect(sight, account, kind) for kind in IF_SERVED if kind in wanted and kind in served))
    sight.isolators = await isolators.read(account, operator, namespace, served, assumed)
    for number, fault in enumerate(f for f in plan.outage.faults if f.action.takes_away is not None):
        sight.faults[fault.name] = await _of_fault(sight, account, number, fault.action, served)
    return sight


async def _of_fault(sight: Sight, account: Cluster, number: int, action: Action, served: Collection[Kind]) -> Sight:
    own = replace(sight, stand_in=names.numbered(STAND_IN, number))
    away = action.takes_away
    if away is not None and isinstance(away.target, ServiceRef):
        await _service(own, account, away.target)
    own.policies_elsewhere = _elsewhere(own, action, served)
    return own


def _elsewhere(sight: Sight, action: Action, served: Collection[Kind]) -> bool:
    """Of the cut Service's namespace Kubernetes' own policies are read, and Cilium's where granted; of others none."""
    namespace, dependency = sight.namespace, action.takes_away
    to = dependency.target if dependency is not None else None
    away = isinstance(to, ServiceRef) and to.within(namespace)[0] != namespace
    unread = bool(sight.service_unread) or any(kind in served for kind in isolators.OF_NAMESPACE)
    stays = (stay.service.within(namespace)[0] for stay in action.spares if stay.service is not None)
    return (away and unread) or any(where != namespace for where in stays)


async def _served(sight: Sight, operator: Cluster) -> frozenset[Kind]:
    try:
        return await operator.served((*isolators.ISOLATORS, *IF_SERVED))
    except Forbidden as error:
        sight.missing["the list of API groups"] = str(error)
        return frozenset()


async def _collect(sight: Sight, account: Cluster, kind: Kind) -> None:
    try:
        sight.things[kind.plural], _ = await account.list(kind, sight.namespace)
    except (Forbidden, Absent) as error:
        sight.missing[kind.plural] = str(error)


async def _service(sight: Sight, account: Cluster, ref: ServiceRef) -> None:
    namespace = ref.namespace or sight.namespace
    try:
        sight.service = await account.get(SERVICES, namespace, ref.name)
        sight.endpoints = await endpoints_of(account, namespace, ref.name)
        if namespace == sight.namespace:
            sight.neighbours = sight.of(SERVICES)
        else:
            sight.neighbours, _ = await account.list(SERVICES, namespace)
            policies, _ = await account.list(NETWORK_POLICIES, namespace)
            sight.service_policies = (*policies, *await _of_cilium(sight, account, namespace))
    except Forbidden as error:
        sight.missing[f"Service {namespace}/{ref.name}"] = str(error)


async def _of_cilium(sight: Sight, account: Cluster, namespace: str) -> tuple[Object, ...]:
    """Cilium's policies of the cut Service's namespace; without the right to read them a drill may do as well."""
    if not sight.has_cilium_kind:
        return ()
    try:
        found, _ = await account.list(CILIUM_NETWORK_POLICIES, namespace)
    except Forbidden as error:
        sight.service_unread = str(error)
        return ()
    return found


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


async def _own_labels(account: Cluster, namespace: str) -> Mapping[str, str] | None:
    """The labels of the namespace; a Role in a namespace may grant reading the Namespace of that name."""
    try:
        found = await account.get(NAMESPACES, None, namespace)
    except Forbidden:
        return None
    return labels_of(found) if found is not None else None
