"""The kind ``networkPartition``: targets are cut off by a policy, which its fuse owns."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gameday.actions.kind import ActionContext, ActionKind, DryRunContext, PreflightContext, Use, Watch
from gameday.actions.network_partition import checks, named, overlaps, plan_checks, policy
from gameday.actions.network_partition.action import NetworkPartition
from gameday.actions.network_partition.closing_plan import Servers, closing_plan_of, servers_of
from gameday.actions.network_partition.dials import dials
from gameday.actions.network_partition.gates import gates
from gameday.actions.network_partition.spec import NetworkPartitionSpec, partition_of
from gameday.actions.network_partition.targets import addresses, described, pairs, targets
from gameday.cluster.resources import (
    AUTOSCALERS,
    CILIUM_NETWORK_POLICIES,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    NETWORK_POLICIES,
    PODS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
    Object,
    Resource,
)
from gameday.errors import ChangedByAdmission, Rejected
from gameday.model import names
from gameday.model.change import Change, ChangeState, Observed, Presence
from gameday.model.finding import Finding as PlanFinding
from gameday.model.labels import DRILL
from gameday.model.places import name_of
from gameday.model.plan import Action, ServiceRef, Via
from gameday.model.setup import MOST_CUTS, Connections, Cut
from gameday.preflight.cut_destination import cut_destination, endpoint_addresses
from gameday.preflight.findings import Finding
from gameday.preflight.placement import placement_of
from gameday.preflight.rights import WATCH, Right, of_cut
from gameday.preflight.rollout import in_rollout
from gameday.preflight.snapshot import NamespaceSnapshot, endpoints_of
from gameday.schema.named import Dependencies


class Partition(ActionKind[NetworkPartitionSpec, NetworkPartition]):
    """A cut of the network."""

    name = NetworkPartition.KIND
    description = "A cut of the network."
    spec = NetworkPartitionSpec
    planned = NetworkPartition
    uses = frozenset({Use.FAULT})
    fuse_acts = False
    fuse_does = "remove the policy"
    objects = (NETWORK_POLICIES.kind, CILIUM_NETWORK_POLICIES.kind)
    plan_rules = (
        (
            "self.outage.faults.all(f, !has(f.networkPartition)"
            " || f.networkPartition.to.all(n, self.dependencies.exists(d, d.name == n)))",
            "networkPartition.to names a dependency that does not exist: use a name from spec.dependencies",
        ),
    )
    outage_rules = (
        (
            f"self.faults.filter(f, has(f.networkPartition)).size() <= {MOST_CUTS}",
            f"faults may have at most {MOST_CUTS} of kind networkPartition: give the others a GameDay of their own",
        ),
    )
    grants = (
        replace(of_cut(NETWORK_POLICIES), why="Cuts. Only those by addresses grow, with what they cut off."),
        of_cut(CILIUM_NETWORK_POLICIES, named=True),
        Right(SERVICES, ("get", "list"), why="What is cut."),
        Right(ENDPOINT_SLICES, WATCH),
    )
    reads = (DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS, AUTOSCALERS)
    """Controllers that own or count pods with the targets' labels, which agents have too."""

    def parse(self, spec: NetworkPartitionSpec, named: Dependencies) -> NetworkPartition:
        """See the base class."""
        return partition_of(spec, named)

    def check(self, action: NetworkPartition, earlier: Sequence[Action]) -> Iterator[PlanFinding]:
        """See the base class."""
        return plan_checks.check(action)

    def preflight(self, action: NetworkPartition, ctx: PreflightContext) -> Iterator[Finding]:
        """See the base class."""
        yield from checks.check(ctx.snapshot.at(ctx.name), ctx.plan, ctx.path, action)
        yield from overlaps.check(ctx, action)

    def hits(self, action: NetworkPartition, snapshot: NamespaceSnapshot) -> tuple[str, tuple[Object, ...]]:
        """The targets."""
        return "podSelector", targets(snapshot, action.pod_selector)

    def rolling(self, action: NetworkPartition, snapshot: NamespaceSnapshot) -> tuple[str, ...]:
        """See the base class."""
        return in_rollout(snapshot, action.pod_selector)

    def rights(self, action: NetworkPartition, snapshot: NamespaceSnapshot) -> Iterator[Right]:
        """Those to one kind of policy, and to what leads to a Service that is cut."""
        cilium = checks.choose(snapshot, action.via) is Via.CILIUM
        by_name = bool(name_of(action.to))
        yield of_cut(CILIUM_NETWORK_POLICIES if cilium else NETWORK_POLICIES, named=by_name)
        if isinstance(action.to, ServiceRef):
            yield Right(SERVICES, ("get", "list"))
            yield Right(ENDPOINT_SLICES, WATCH)

    def prepare(self, action: NetworkPartition, ctx: PreflightContext) -> Cut:
        """How the cut is made, proven and followed by the ending of connections."""
        snapshot = ctx.snapshot.at(ctx.name)
        cut_off = targets(snapshot, action.pod_selector)
        placement = placement_of(cut_off, ctx.account)
        return Cut(
            ctx.name,
            backend=checks.choose(snapshot, action.via),
            destination=cut_destination(snapshot, action.dependency),
            pairs=pairs(snapshot, action.pod_selector),
            targets=addresses(cut_off),
            closing=closing_plan_of(snapshot, action),
            dials=dials(snapshot, ctx.plan, action),
            bystanders=tuple(_bystanders(action, ctx.snapshot.namespace)),
            placement=named.asking_like(placement, cut_off) if name_of(action.to) else placement,
        )

    def creates(self, action: NetworkPartition, ctx: DryRunContext) -> Iterator[tuple[Resource, Object]]:
        """The policy."""
        cut = ctx.setup.cut(ctx.name)
        if cut is not None:
            name = names.policy(ctx.drill, ctx.name)
            tried = named.to_be_tried(cut)
            yield policy.kind_of(cut.backend), policy.build(ctx.drill, name, action, tried, ctx.fuse, ctx.uid)

    async def closing(self, ctx: ActionContext, action: NetworkPartition, cut: Cut) -> Connections:
        """The targets of this moment, at the servers of this moment."""
        pods, _ = await ctx.account.list(PODS, ctx.namespace)
        redis, servers = action.dependency.redis, Servers()
        if redis is not None and isinstance(action.to, ServiceRef):
            namespace, name = action.to.within(ctx.namespace)
            behind = await endpoints_of(ctx.account, namespace, name)
            servers = servers_of(behind, cut.destination, redis.port)
        return Connections(described(pods, action.pod_selector), servers)

    def suspected_bypass(self, action: NetworkPartition, snapshot: NamespaceSnapshot, cut: Cut) -> str:
        """See the base class."""
        return checks.suspected_bypass(snapshot.at(cut.fault), action, cut.backend)

    def gates(self, action: NetworkPartition, snapshot: NamespaceSnapshot) -> tuple[str, ...]:
        """See the base class."""
        return gates(snapshot, action)

    def watches(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Iterator[Watch]:
        """The policies of the drill; of a Service that is cut its EndpointSlices, where a policy names addresses."""
        cut = _cut(ctx, name)
        resource = _kind(cut, change)
        if resource is not None:
            yield Watch(resource.plural, resource, labels=f"{DRILL}={ctx.drill}")
        grows = cut is not None and cut.backend is Via.NETWORK_POLICY and cut.destination.selector
        if cut is not None and grows and isinstance(action, NetworkPartition) and isinstance(action.to, ServiceRef):
            labels = f"kubernetes.io/service-name={action.to.name}"
            where = cut.destination.namespace
            yield Watch(_slices(name), ENDPOINT_SLICES, labels=labels, namespace=where, blocks=False)

    def grown(self, ctx: ActionContext, cut: Cut) -> Cut:
        """A cut by addresses covers every one that the Service or the name has, or had since the drill began."""
        if found := ctx.cache.resolved(cut.fault):
            return named.grown(cut, found)
        known = cut.destination.addresses
        addresses = tuple(sorted({*known, *endpoint_addresses(ctx.cache.objects(_slices(cut.fault)).values())}))
        return replace(cut, destination=replace(cut.destination, addresses=addresses)) if addresses != known else cut

    def observe(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Observed:
        """How a cut stands; compared anew only when the policy, its fuse or what it is to cover is another."""
        cut = _cut(ctx, name)
        resource = _kind(cut, change)
        needs = (watch for watch in self.watches(ctx, name, action, change) if not watch.blocks)
        if (change is None or not change.touched) and not all(ctx.cache.listed(watch.name) for watch in needs):
            # What is to be cut is not known yet. A cut that is there grows once it is.
            return Observed()
        if change is None:
            return Observed(
                Presence.ABSENT, resource.kind if resource is not None else "", names.policy(ctx.drill, name)
            )
        there = ctx.cache.objects(resource.plural).get(change.object_name) if resource is not None else None
        undoing = change.state is ChangeState.UNDOING
        if undoing and there is not None and policy.is_anothers(there, change.object_uid, change.fuse_uid):
            # Before, it is what somebody else has made of the cut; now, it is not to be waited for.
            there = None
        if not isinstance(action, NetworkPartition) or cut is None:
            # Only its undo is left: what it is to cover is not known any more, and nothing depends on it.
            return policy.observed(there, None)
        basis = (there, cut, change.fuse_uid)
        known = ctx.memo.get(name)
        if known is None or any(old is not new for old, new in zip(known[0], basis, strict=True)):
            wanted = _body(ctx, cut, action, change)
            known = ctx.memo[name] = basis, policy.observed(there, wanted)
        seen: Observed = known[1]
        return seen

    async def apply(self, ctx: ActionContext, action: Action, change: Change, version: str) -> None:
        """Create the policy, or have it cover addresses that have come since."""
        cut = _cut(ctx, change.name)
        if not isinstance(action, NetworkPartition) or cut is None:
            raise Rejected(
                f"{change.name} is not a networkPartition with a setup: somebody else changed the Drill's status"
            )
        if named.names_nothing(cut):
            raise Rejected(
                f"no address of the dependency of {change.name} is known, and a policy without an address may cut all"
            )
        watch = policy.kind_of(cut.backend).plural
        there = ctx.cache.objects(watch).get(change.object_name)
        if there is None or change.object_uid == there["metadata"]["uid"]:
            # What it covers already it keeps, also where this process has not heard of all of that yet.
            cut = replace(cut, destination=policy.grown(there, cut.destination))
            body = _body(ctx, cut, action, change)
            try:
                made = await policy.apply(ctx.account, ctx.namespace, cut.backend, body)
            except ChangedByAdmission as error:
                if error.left is None:
                    ctx.cache.evict(watch, change.object_name)
                else:
                    ctx.cache.upsert(watch, error.left)
                raise
            ctx.cache.upsert(watch, made)

    async def revert(self, ctx: ActionContext, change: Change) -> None:
        """Delete the policy."""
        name, uid, backend = change.object_name, change.object_uid, Via(change.object_kind)
        await policy.revert(ctx.account, ctx.namespace, ctx.drill, name, uid, backend, change.fuse_uid)
        ctx.cache.evict(policy.kind_of(backend).plural, name)


def _cut(ctx: ActionContext, name: str) -> Cut | None:
    return ctx.setup.cut(name) if ctx.setup is not None else None


def _kind(cut: Cut | None, change: Change | None) -> Resource | None:
    """The kind of policy: as the undo log names it where there is an entry."""
    if change is not None:
        return policy.kind_of(Via(change.object_kind))
    return policy.kind_of(cut.backend) if cut is not None else None


def _slices(fault: str) -> str:
    """The watch of the EndpointSlices of what a fault cuts off."""
    return f"{ENDPOINT_SLICES.plural}/{fault}"


def _body(ctx: ActionContext, cut: Cut, action: NetworkPartition, change: Change) -> Object:
    return policy.build(ctx.drill, change.object_name, action, cut, change.fuse_name, change.fuse_uid or "")


def _bystanders(partition: NetworkPartition, namespace: str) -> Iterator[tuple[str, str, int]]:
    for stay in partition.must_remain_reachable:
        if stay.api_server:
            yield stay.name, "kubernetes.default.svc", 443
        elif stay.service is not None and isinstance(stay.service.port, int):
            where, name = stay.service.within(namespace)
            yield stay.name, f"{name}.{where}.svc", stay.service.port
        elif stay.host is not None and stay.port is not None:
            yield stay.name, stay.host, stay.port
