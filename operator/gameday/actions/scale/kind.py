"""Scaling a Deployment, there and back: the exact number, on the version of the object that was read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, NamedTuple

from pydantic import Field

from gameday.actions.kind import ActionKind, Asked, Scene, Use, Watch
from gameday.actions.scale import owners
from gameday.actions.scale.found import READS, not_found
from gameday.cluster.client import Cluster
from gameday.cluster.kinds import AUTOSCALERS, DEPLOYMENTS, SCALED_OBJECTS, Object
from gameday.errors import Absent
from gameday.model.change import Change, Observed, Presence
from gameday.model.finding import Finding as PlanFinding
from gameday.model.plan import Action
from gameday.preflight import shut_in
from gameday.preflight.far_end import endpoint_addresses
from gameday.preflight.findings import Finding
from gameday.preflight.rights import WATCH, Right
from gameday.preflight.shares import running, workload
from gameday.preflight.snapshot import Sight
from gameday.schema.base import ApiModel, ObjectName
from gameday.schema.named import Dependencies


class ScaleSpec(ApiModel):
    """Sets a Deployment's replicas. The exact number before comes back, whatever dies."""

    deployment: ObjectName
    """Name of the Deployment."""
    replicas: Annotated[int, Field(ge=0, le=1000)]
    """Replicas to set."""


@dataclass(frozen=True, slots=True)
class Scale(Action):
    """Sets a Deployment's replicas; the exact number before is put back by a restore step or at the end."""

    KIND: ClassVar[str] = "scale"

    deployment: str
    replicas: int

    @property
    def subject(self) -> str:
        """The Deployment."""
        return self.deployment


async def scale(account: Cluster, namespace: str, name: str, replicas: int, version: str) -> None:
    """Set the replicas where ``version`` is still the Deployment's; one that is gone holds nothing any more.

    Raises:
        Conflict: when the Deployment changed in between; the caller looks again.

    """
    body = {"metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}}
    try:
        await account.patch(DEPLOYMENTS, namespace, name, body, "scale")
    except Absent:
        return


async def put_back(account: Cluster, namespace: str, name: str, before: int, wanted: int) -> None:
    """Set the number from before where the newest one is ours, ``wanted``; any other is somebody else's, and stays.

    Raises:
        Conflict: when the Deployment changed in between; the caller looks again.

    """
    current = await account.get(DEPLOYMENTS, namespace, name, "scale")
    if current is not None and current["spec"].get("replicas", 0) == wanted:
        await scale(account, namespace, name, before, current["metadata"]["resourceVersion"])


class ScaleKind(ActionKind[ScaleSpec, Scale]):
    """A Deployment at another number of replicas."""

    name = Scale.KIND
    description = "Scale a Deployment."
    spec = ScaleSpec
    planned = Scale
    uses = frozenset({Use.FAULT, Use.STEP})
    fuse_acts = True
    grants = (
        Right(DEPLOYMENTS, WATCH),
        Right(
            DEPLOYMENTS,
            ("get", "patch"),
            "scale",
            why="Not the Deployments themselves: whoever can change those can run anything.",
        ),
    )
    reads = (*READS, AUTOSCALERS, SCALED_OBJECTS)

    def parse(self, spec: ScaleSpec, named: Dependencies) -> Scale:
        """See the base class."""
        return Scale(spec.deployment, spec.replicas)

    def check(self, action: Scale, earlier: Sequence[Action]) -> Iterator[PlanFinding]:
        """A Deployment is scaled once: a second number from before would be that of the first step."""
        if any(isinstance(one, Scale) and one.deployment == action.deployment for one in earlier):
            yield PlanFinding("deployment", f"{action.deployment} is scaled twice: restore it once instead")

    def preflight(self, action: Scale, asked: Asked) -> Iterator[Finding]:
        """What keeps the Deployment from being scaled, whoever else scales it, and what its fuse cannot reach."""
        path = f"{asked.path}.deployment"
        if (missing := not_found(asked.sight, path, action.deployment)) is not None:
            yield missing
        else:
            yield from owners.check(asked.sight, path, action.deployment, action.replicas)
            yield from _is_cut_off_from(asked, path, action)
        scaled = [name for name, one in asked.plan.actions() if isinstance(one, Scale)]
        if asked.name == scaled[0]:
            # All fuses are alike to policies, so one finding says it for all.
            yield from shut_in.of_api_server(asked.sight, asked.path, "no step could scale anything")

    def hits(self, action: Scale, sight: Sight) -> tuple[str, tuple[Object, ...]]:
        """As many pods of the Deployment as are to go."""
        own = _pods(sight, action)
        return "deployment", own[: max(0, len(own) - action.replicas)]

    def watches(self, scene: Scene, action: Action | None, change: Change | None) -> Iterator[Watch]:
        """The Deployment."""
        name = change.object_name if change is not None else action.subject if action is not None else ""
        yield Watch(watch_of(name), DEPLOYMENTS, fields=f"metadata.name={name}")

    def observe(self, scene: Scene, name: str, action: Action | None, change: Change | None) -> Observed:
        """How the Deployment stands."""
        deployment = change.object_name if change is not None else action.subject if action is not None else ""
        watch = watch_of(deployment)
        if not scene.seen.listed(watch):
            return Observed()
        return observed(deployment, scene.seen.objects(watch).get(deployment), _wanted(action, change), change)

    async def apply(self, scene: Scene, action: Action, change: Change, version: str) -> None:
        """Scale away, then read what became of it: who scales back at once would else never be seen."""
        wanted = (change.wanted or {})["replicas"]
        await scale(scene.account, scene.namespace, change.object_name, wanted, version)
        await self.look(scene, action, change)

    async def revert(self, scene: Scene, change: Change) -> None:
        """Scale back, where the number is still the one that was set; where that is not known, to the one before."""
        before = (change.before or {})["replicas"]
        if change.wanted is None:
            await scale(scene.account, scene.namespace, change.object_name, before, "")
        else:
            wanted = change.wanted["replicas"]
            await put_back(scene.account, scene.namespace, change.object_name, before, wanted)

    async def look(self, scene: Scene, action: Action | None, change: Change) -> Observed:
        """How the Deployment stands at this moment; it is known from then on."""
        name = change.object_name
        found, _ = await scene.account.list(DEPLOYMENTS, scene.namespace, fields=f"metadata.name={name}")
        for there in found:
            scene.seen.learn(watch_of(name), there)
        return observed(name, next(iter(found), None), _wanted(action, change), change)


def _is_cut_off_from(asked: Asked, path: str, action: Scale) -> Iterator[Finding]:
    """A fault must not take from everybody what a cut takes from the targets: no control could tell the two apart."""
    behind = set(endpoint_addresses(asked.sight.endpoints))
    listed = (pod.get("status", {}).get("podIPs") or () for pod in _pods(asked.sight, action))
    own = {entry.get("ip") for entries in listed for entry in entries}
    if behind & own and any(fault.name == asked.name for fault in asked.plan.outage.faults):
        text = f"{action.deployment} is what the networkPartition cuts off, so nobody could tell the two faults apart"
        yield Finding("TakesDependency", path, text, "scale another Deployment, or take this fault out")


def _pods(sight: Sight, action: Scale) -> tuple[Object, ...]:
    return tuple(pod for pod in running(sight) if workload(sight, pod) == f"{DEPLOYMENTS.name} {action.deployment}")


def watch_of(deployment: str) -> str:
    """Name of the watch of a Deployment."""
    return f"workload/{deployment}"


def observed(name: str, there: Object | None, wanted: int | None, change: Change | None) -> Observed:
    """How a Deployment stands that is, or is to be, at ``wanted``; None where the number is not known any more.

    KEDA, an HPA, a GitOps controller or a person may set its number at any moment: a drill never fights for it.
    """
    if there is None:
        gone = "is gone: somebody deleted it" if change is not None else f"there is no Deployment {name}"
        return Observed(Presence.GONE, DEPLOYMENTS.name, name, detail=gone, shown="its workload is gone")
    stands = _stands(there)
    before = change.before["replicas"] if change is not None and change.before else stands.replicas
    seen = Observed(
        _presence(stands.replicas, before, wanted),
        DEPLOYMENTS.name,
        name,
        before={"replicas": stands.replicas},
        wanted={"replicas": wanted},
        version=there["metadata"].get("resourceVersion", ""),
        detail=f"is at {stands.replicas}: KEDA, an HPA, GitOps or a person owns its replicas",
        shown=f"{name} is at {stands.replicas} replicas",
        settled=stands.pods == stands.ready == stands.replicas,
        followed=stands.pods >= 0,
        may_arrive=True,
    )
    if wanted == 0 and stands.pods > 0 and stands.replicas == 0:
        again = f"has {stands.pods} pods again: KEDA, an HPA, GitOps or a person scaled it in between"
        seen = replace(seen, relapsed=again)
    if change is None:
        return replace(seen, shown=f"{name} from {stands.replicas} to {wanted} replicas")
    if seen.presence is Presence.ABSENT:
        # It is back with as many pods as it wants, whatever else of it is still ending.
        return replace(seen, shown=f"{name} is back at {before} replicas", settled=stands.ready >= stands.replicas)
    if seen.presence is Presence.TAMPERED:
        text = f"{name} stays at {stands.replicas} replicas, which somebody else has set; before the drill it had"
        return replace(seen, shown=f"{text} {before}")
    return seen


def _presence(replicas: int, before: int, wanted: int | None) -> Presence:
    if replicas == wanted:
        return Presence.PRESENT
    if replicas == before:
        return Presence.ABSENT
    return Presence.TAMPERED if wanted is not None else Presence.PRESENT


def _wanted(action: Action | None, change: Change | None) -> int | None:
    if change is not None:
        return change.wanted["replicas"] if change.wanted else None
    return action.replicas if isinstance(action, Scale) else None


class _Stands(NamedTuple):
    """Replicas that are wanted; pods that are ready and that are there, -1 while its controller is behind."""

    replicas: int
    ready: int
    pods: int


def _stands(deployment: Object) -> _Stands:
    status = deployment.get("status", {})
    behind = status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0)
    replicas = deployment["spec"].get("replicas", 1)
    ready, pods = status.get("readyReplicas", 0), status.get("replicas", 0)
    return _Stands(replicas, -1, -1) if behind else _Stands(replicas, ready, pods)
