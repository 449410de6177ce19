"""A snapshot of a namespace, read as its ServiceAccount with few calls, each of a whole collection."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from gameday.cluster.client import Cluster
from gameday.cluster.resources import (
    CILIUM_ENDPOINTS,
    CILIUM_NETWORK_POLICIES,
    ENDPOINT_SLICES,
    NAMESPACES,
    NETWORK_POLICIES,
    PODS,
    RESOURCE_QUOTAS,
    SCALED_OBJECTS,
    SERVICES,
    Object,
    Resource,
)
from gameday.errors import Forbidden, NotFound, Rejected
from gameday.model import names
from gameday.model.labels import STAND_IN
from gameday.model.limits import NAMED
from gameday.model.plan import Action, Plan, ServiceRef
from gameday.preflight.policies import isolators
from gameday.preflight.policies.isolators import Isolators
from gameday.preflight.rights import may, of_cut

ESSENTIAL = (PODS, SERVICES, NETWORK_POLICIES, RESOURCE_QUOTAS)
"""What every plan's preflight reads; the kinds of a plan's actions say what else."""
IF_SERVED = (SCALED_OBJECTS,)
"""Of that, what is read only where the cluster has it."""

SERVICE_NAME = "kubernetes.io/service-name"
"""Label of an EndpointSlice: the Service that it is of."""


@dataclass(slots=True)
class NamespaceSnapshot:
    """A namespace as the account sees it. ``things`` are by plural; ``missing`` says what could not be read, and why.

    ``cilium`` is False where the cluster has no CiliumNetworkPolicy, or the account may not write one.
    """

    namespace: str
    things: dict[str, tuple[Object, ...]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    cilium: bool = False
    on_cilium: bool = False
    """Whether Cilium runs here, be it without its own policies, as GKE's Dataplane V2 does."""
    rules: tuple[Object, ...] = ()
    """What RBAC lets the account do here."""
    faults: dict[str, "NamespaceSnapshot"] = field(default_factory=dict)
    """The same namespace with what was read for each fault: all that follows here."""
    service: Object | None = None
    """The Service that the fault cuts off, which may be in another namespace."""
    endpoints: tuple[Object, ...] = ()
    neighbours: tuple[Object, ...] = ()
    """All Services of the cut Service's namespace: others may lead to the same pods."""
    slices: Mapping[str, tuple[Object, ...]] = field(default_factory=dict)
    """The EndpointSlices of these Services, by the Service's name."""
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

    def at(self, fault: str) -> "NamespaceSnapshot":
        """The namespace with what was read for a fault."""
        return self.faults.get(fault, self)

    def of(self, resource: Resource) -> tuple[Object, ...]:
        """The objects of a kind."""
        return self.things.get(resource.plural, ())

    def named(self, resource: Resource, name: str) -> Object | None:
        """The object of a kind with this name, or None."""
        return next((one for one in self.of(resource) if one["metadata"]["name"] == name), None)

    def policies(self, resource: Resource) -> tuple[Object, ...]:
        """The policies of a kind."""
        return (
            self.of(resource)
            if resource in (NETWORK_POLICIES, CILIUM_NETWORK_POLICIES)
            else self.isolators.found.get(resource, ())
        )

    def unread(self) -> Iterator[tuple[Resource, str]]:
        """Every kind of policies that the cluster has and that could not be read, and why."""
        for resource in sorted(self.isolators.served, key=lambda one: one.full_name):
            cilium = resource == CILIUM_NETWORK_POLICIES
            why = self.missing.get(resource.plural) if cilium else self.isolators.unread.get(resource)
            if why and resource.full_name not in self.isolators.assumed:
                yield resource, why

    @property
    def has_cilium_kind(self) -> bool:
        """Whether the cluster knows CiliumNetworkPolicy and the account may read it."""
        return CILIUM_NETWORK_POLICIES.plural in self.things


def labels_of(thing: Object) -> Mapping[str, str]:
    """An object's labels."""
    labels: Mapping[str, str] = thing["metadata"].get("labels") or {}
    return labels


async def take_snapshot(
    account: Cluster,
    operator: Cluster,
    namespace: str,
    plan: Plan,
    reads: Collection[Resource],
    assumed: Collection[str] = (),
) -> NamespaceSnapshot:
    """Read all that the preflight judges.

    ``reads`` are the collections that the plan's actions need beyond those of every plan. ``assumed`` are the kinds of
    policies, by full name, that isolate no pod according to the administrator.

    Raises:
        ClusterUnreachable: when the API server did not answer; look again.

    """
    snapshot = NamespaceSnapshot(namespace)
    snapshot.rules = await account.rules(namespace)
    wanted = dict.fromkeys((*ESSENTIAL, *reads, CILIUM_NETWORK_POLICIES))
    await asyncio.gather(*(_collect(snapshot, account, resource) for resource in wanted if resource not in IF_SERVED))
    right = of_cut(CILIUM_NETWORK_POLICIES)
    snapshot.cilium = snapshot.has_cilium_kind and all(
        may(snapshot.rules, verb, right.resource) for verb in right.verbs
    )
    snapshot.dns = await _dns(operator)
    snapshot.namespace_labels = await _own_labels(account, namespace)
    served, named = await _served(snapshot, operator)
    snapshot.on_cilium = snapshot.has_cilium_kind or CILIUM_ENDPOINTS in served
    await asyncio.gather(
        *(_collect(snapshot, account, resource) for resource in IF_SERVED if resource in wanted and resource in served)
    )
    snapshot.isolators = await isolators.read(account, operator, namespace, served, named, assumed)
    for number, fault in enumerate(f for f in plan.outage.faults if f.action.takes_away is not None):
        snapshot.faults[fault.name] = await _of_fault(snapshot, account, number, fault.action, served)
    return snapshot


async def _of_fault(
    snapshot: NamespaceSnapshot, account: Cluster, number: int, action: Action, served: Collection[Resource]
) -> NamespaceSnapshot:
    own = replace(snapshot, stand_in=names.numbered(STAND_IN, number))
    away = action.takes_away
    if away is not None and isinstance(away.target, ServiceRef):
        await _service(own, account, away.target)
    own.policies_elsewhere = _elsewhere(own, action, served)
    return own


def _elsewhere(snapshot: NamespaceSnapshot, action: Action, served: Collection[Resource]) -> bool:
    """Of the cut Service's namespace Kubernetes' own policies are read, and Cilium's where granted; of others none."""
    namespace, dependency = snapshot.namespace, action.takes_away
    to = dependency.target if dependency is not None else None
    away = isinstance(to, ServiceRef) and to.within(namespace)[0] != namespace
    may_admit = (resource for resource in isolators.OF_NAMESPACE if resource not in isolators.BY_DOMAIN)
    unread = bool(snapshot.service_unread) or any(resource in served for resource in may_admit)
    stays = (stay.service.within(namespace)[0] for stay in action.spares if stay.service is not None)
    return (away and unread) or any(where != namespace for where in stays)


async def _served(
    snapshot: NamespaceSnapshot, operator: Cluster
) -> tuple[frozenset[Resource], Mapping[Resource, bool]]:
    """The kinds that are served of those that are known, and all that say that they are network policies."""
    try:
        named = await operator.kinds_ending(NAMED)
        return await operator.served((*isolators.ISOLATORS, *IF_SERVED, CILIUM_ENDPOINTS)), named
    except (Forbidden, Rejected) as error:
        snapshot.missing["the list of API groups"] = str(error)
        return frozenset(), {}


async def _collect(snapshot: NamespaceSnapshot, account: Cluster, resource: Resource) -> None:
    try:
        snapshot.things[resource.plural], _ = await account.list(resource, snapshot.namespace)
    except (Forbidden, NotFound) as error:
        snapshot.missing[resource.plural] = str(error)


async def _service(snapshot: NamespaceSnapshot, account: Cluster, ref: ServiceRef) -> None:
    namespace = ref.namespace or snapshot.namespace
    try:
        snapshot.service = await account.get(SERVICES, namespace, ref.name)
        snapshot.slices = await _slices(account, namespace)
        snapshot.endpoints = snapshot.slices.get(ref.name, ())
        if namespace == snapshot.namespace:
            snapshot.neighbours = snapshot.of(SERVICES)
        else:
            snapshot.neighbours, _ = await account.list(SERVICES, namespace)
            policies, _ = await account.list(NETWORK_POLICIES, namespace)
            snapshot.service_policies = (*policies, *await _of_cilium(snapshot, account, namespace))
    except Forbidden as error:
        snapshot.missing[f"Service {namespace}/{ref.name}"] = str(error)


async def _of_cilium(snapshot: NamespaceSnapshot, account: Cluster, namespace: str) -> tuple[Object, ...]:
    """Cilium's policies of the cut Service's namespace; without the right to read them a drill may do as well."""
    if not snapshot.has_cilium_kind:
        return ()
    try:
        found, _ = await account.list(CILIUM_NETWORK_POLICIES, namespace)
    except Forbidden as error:
        snapshot.service_unread = str(error)
        return ()
    return found


async def endpoints_of(account: Cluster, namespace: str, service: str) -> tuple[Object, ...]:
    """The EndpointSlices of a Service."""
    slices, _ = await account.list(ENDPOINT_SLICES, namespace, labels=f"{SERVICE_NAME}={service}")
    return slices


async def _slices(account: Cluster, namespace: str) -> dict[str, tuple[Object, ...]]:
    """The EndpointSlices of every Service of a namespace, by the Service's name."""
    slices, _ = await account.list(ENDPOINT_SLICES, namespace)
    found: dict[str, list[Object]] = {}
    for one in slices:
        found.setdefault(labels_of(one).get(SERVICE_NAME, ""), []).append(one)
    return {name: tuple(ones) for name, ones in found.items()}


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
