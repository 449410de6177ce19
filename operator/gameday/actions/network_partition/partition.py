"""The kind ``networkPartition``: targets are cut off by a policy, which its fuse owns."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from gameday.actions.kind import ActionKind, Asked, Scene, Use, Watch
from gameday.actions.network_partition import checks, plan_checks, policy
from gameday.actions.network_partition.spec import NetworkPartitionSpec, partition_of
from gameday.actions.network_partition.targets import targets
from gameday.cluster.kinds import (
    AUTOSCALERS,
    CILIUM_NETWORK_POLICIES,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    NETWORK_POLICIES,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
    Object,
)
from gameday.errors import Refused
from gameday.model import names
from gameday.model.change import Change, Observed, Presence
from gameday.model.finding import Finding as PlanFinding
from gameday.model.labels import DRILL
from gameday.model.plan import Action, NetworkPartition, ServiceRef, Via
from gameday.model.setup import Setup
from gameday.preflight.findings import Finding
from gameday.preflight.rights import WATCH, Right, of_cut
from gameday.preflight.snapshot import Sight
from gameday.schema.named import Dependencies

POLICIES: Final = "policies"
SLICES: Final = "slices"


class Partition(ActionKind[NetworkPartitionSpec, NetworkPartition]):
    """A cut of the network."""

    name = NetworkPartition.KIND
    description = "A cut of the network."
    spec = NetworkPartitionSpec
    planned = NetworkPartition
    uses = frozenset({Use.FAULT})
    fuse_acts = False
    objects = (NETWORK_POLICIES.name, CILIUM_NETWORK_POLICIES.name)
    plan_rules = (
        (
            "self.outage.faults.all(f, !has(f.networkPartition)"
            " || f.networkPartition.to.all(n, self.dependencies.exists(d, d.name == n)))",
            "networkPartition.to has a name that no dependency has: use a name from spec.dependencies",
        ),
    )
    grants = (
        replace(of_cut(NETWORK_POLICIES), why="Cuts. Only those by addresses grow with their far end."),
        of_cut(CILIUM_NETWORK_POLICIES),
        Right(SERVICES, ("get", "list"), why="What is cut."),
        Right(ENDPOINT_SLICES, WATCH),
    )
    reads = (DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS, AUTOSCALERS)
    """What owns pods with the targets' labels, or counts them: our own pods wear these labels."""

    def parse(self, spec: NetworkPartitionSpec, named: Dependencies) -> NetworkPartition:
        """See the base class."""
        return partition_of(spec, named)

    def check(self, action: NetworkPartition, earlier: Sequence[Action]) -> Iterator[PlanFinding]:
        """See the base class."""
        return plan_checks.check(action)

    def preflight(self, action: NetworkPartition, asked: Asked) -> Iterator[Finding]:
        """See the base class."""
        return checks.check(asked.sight, asked.plan, asked.path, action)

    def hits(self, action: NetworkPartition, sight: Sight) -> tuple[str, tuple[Object, ...]]:
        """The targets."""
        return "podSelector", targets(sight, action.pod_selector)

    def rights(self, action: NetworkPartition, sight: Sight) -> Iterator[Right]:
        """Those to one kind of policy, and to what leads to a Service that is cut."""
        cilium = checks.choose(sight, action.via) is Via.CILIUM
        yield of_cut(CILIUM_NETWORK_POLICIES if cilium else NETWORK_POLICIES)
        if isinstance(action.to, ServiceRef):
            yield Right(SERVICES, ("get", "list"))
            yield Right(ENDPOINT_SLICES, WATCH)

    def watches(self, scene: Scene, action: Action | None, change: Change | None) -> Iterator[Watch]:
        """The policies of the drill; of a Service that is cut its EndpointSlices, where a policy names addresses."""
        if scene.setup is None:
            return
        yield Watch(POLICIES, policy.kind_of(_backend(scene.setup, change)), labels=f"{DRILL}={scene.drill}")
        end = scene.setup.far_end
        grows = scene.setup.backend is Via.NETWORK_POLICY and end.selector
        if grows and isinstance(action, NetworkPartition) and isinstance(action.to, ServiceRef):
            labels = f"kubernetes.io/service-name={action.to.name}"
            yield Watch(SLICES, ENDPOINT_SLICES, labels=labels, namespace=end.namespace)

    def observe(self, scene: Scene, name: str, action: Action | None, change: Change | None) -> Observed:
        """How a cut stands; compared anew only when the policy, its fuse or what it is to cover is another."""
        if change is None:
            kind = policy.kind_of(scene.setup.backend).name if scene.setup is not None else ""
            return Observed(Presence.ABSENT, kind, names.policy(scene.drill, name))
        there = scene.seen.objects(POLICIES).get(change.object_name)
        if not isinstance(action, NetworkPartition) or scene.setup is None:
            # Only its undo is left: what it is to cover is not known any more, and nothing depends on it.
            return policy.observed(there, None)
        basis = (there, scene.setup, change.fuse_uid)
        known = scene.memo.get(name)
        if known is None or any(old is not new for old, new in zip(known[0], basis, strict=True)):
            wanted = _body(scene, scene.setup, action, change)
            known = scene.memo[name] = basis, policy.observed(there, wanted)
        seen: Observed = known[1]
        return seen

    async def apply(self, scene: Scene, action: Action, change: Change, version: str) -> None:
        """Create the policy, or have it cover addresses that have come since."""
        if not isinstance(action, NetworkPartition) or scene.setup is None:
            raise Refused(f"{change.name} is no networkPartition with a setup: its status was changed by somebody else")
        there = scene.seen.objects(POLICIES).get(change.object_name)
        if there is None or change.object_uid == there["metadata"]["uid"]:
            body = _body(scene, scene.setup, action, change)
            made = await policy.do(scene.account, scene.namespace, scene.setup, body)
            scene.seen.learn(POLICIES, made)

    async def revert(self, scene: Scene, change: Change) -> None:
        """Delete the policy."""
        backend = scene.setup.backend if scene.setup is not None else None
        name, uid = change.object_name, change.object_uid
        await policy.undo(scene.account, scene.namespace, scene.drill, name, uid, backend)
        scene.seen.forget(POLICIES, name)


def _backend(setup: Setup, change: Change | None) -> Via:
    """The kind of policy: as the undo log names it where there is an entry."""
    return Via(change.object_kind) if change is not None else setup.backend


def _body(scene: Scene, setup: Setup, action: NetworkPartition, change: Change) -> Object:
    return policy.build(scene.drill, change.object_name, action, setup, change.fuse_name, change.fuse_uid or "")
