"""The dry run of a drill: the API server tries every object that any stage may create, and its answers are checked.

Admission answers for a Job without regard to its pod, so the pod of each Job is tried as well: that of a fuse as we
make it, that of a step as the API server would keep it in the Job.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from gameday.actions.kind import DryRunContext
from gameday.actions.registry import KINDS
from gameday.cluster import pod_status
from gameday.cluster.client import Cluster
from gameday.cluster.resources import CUTTING, JOBS, PODS, RESOURCE_QUOTAS, Object, Resource
from gameday.controller.drill import agents
from gameday.controller.drill.agent_pods import PodContext, agent_pod, pod_of
from gameday.controller.drill.waiting_fuses import waiting_fuse
from gameday.engine.drill import timeouts
from gameday.engine.drill.undo_log import registered
from gameday.errors import AlreadyExists, GameDayError
from gameday.fuses import job as fuse
from gameday.fuses import pod as acting_fuse
from gameday.model.labels import AGENT
from gameday.model.names import fault_fuse, step_fuse
from gameday.model.plan import Action, Plan
from gameday.model.setup import Connections, Setup
from gameday.preflight import admission, mesh, quota
from gameday.preflight.findings import Finding
from gameday.preflight.placement import mesh_of
from gameday.preflight.snapshot import NamespaceSnapshot

AUTOPILOT: Final = re.compile(r"autogke-node-affinity|Auto GKE|GKE Warden")
"""How GKE Autopilot refuses a pod that names its node."""

MEANINGS: Final = (
    (
        AUTOPILOT,
        "GKE Autopilot chooses the nodes itself, so a witness cannot run on a target's node: use another cluster",
    ),
    (
        re.compile(r"security context constraint"),
        "OpenShift gives each namespace its own user ids: set an empty GAMEDAY_AGENT_USER on the operator",
    ),
    (
        re.compile(r"(minimum|maximum) \S+ usage per (Container|Pod) is|max limit to request ratio per"),
        "set the requests and limits of a drill's pods with GAMEDAY_AGENT_RESOURCES on the operator",
    ),
    (
        re.compile(r"strict decoding error: unknown field"),
        "the CRD of CiliumNetworkPolicies is older than this field: update it with Cilium, or write via: NetworkPolicy",
    ),
)
"""What the refusals of known clusters mean, and what to do about them."""

NO_POD: Final = (
    "the API server refuses the pod of Job {}, so the step could not run: {}; correct the pod template of its CronJob, "
    "or what refuses the pod"
)
"""What the refusal of a step's pod means, whatever its words."""
JOB_CONTROLLER: Final = "kubernetes.io/job-controller"
"""What ``spec.managedBy`` of a Job says where Kubernetes' own controller makes its pods."""


@dataclass(frozen=True, slots=True)
class Part:
    """One object that a drill may create; ``path`` is the step that asks for it, or empty."""

    resource: Resource
    body: Object
    path: str = ""
    fuse: str = ""
    """What it must do by its deadline, if it is the Job of a fuse."""
    acts: bool = False
    """Whether a pod of that fuse does so."""
    of_step: bool = False
    """Whether it is a pod of a step's Job: the team has written it, so nothing of an agent is expected in it."""

    @property
    def runs_step(self) -> bool:
        """Whether it is the Job of a step, whose pods its CronJob's template describes."""
        return self.resource is JOBS and not self.fuse


@dataclass(slots=True)
class DryRunResult:
    """What was rejected, and what would be created; an object that already exists has no answer."""

    refused: list[str] = field(default_factory=list)
    answers: list[tuple[Part, Object]] = field(default_factory=list)


def parts(plan: Plan, setup: Setup, place: PodContext, snapshot: NamespaceSnapshot) -> Iterator[Part]:
    """Every object that a drill of this plan may create."""
    for pod in agents.pods(plan, setup, place):
        yield Part(PODS, pod)
    for cut in setup.cuts:
        if cut.closing is not None:
            yield Part(PODS, agents.closer(plan, setup, cut, place, agents.Closing(Connections(), 1.0)))
    alone = len(plan.outage.faults) == 1
    for fault in plan.outage.faults:
        fuse_name = fault_fuse(place.drill, fault.name, alone=alone)
        trial = _trial(snapshot, setup, place, fault.name, fuse_name)
        yield from _of_action(plan, place, trial, f"spec.outage.faults[{fault.name}]", fault.action)
    for path, step in plan.steps():
        trial = _trial(snapshot, setup, place, step.name, step_fuse(place.drill, step.name))
        yield from _of_action(plan, place, trial, f"{path}[{step.name}]", step.action)


def _trial(snapshot: NamespaceSnapshot, setup: Setup, place: PodContext, name: str, fuse_name: str) -> DryRunContext:
    return DryRunContext(snapshot, setup, place.drill, place.uid, name, fuse_name, partial(agent_pod, place))


def _of_action(plan: Plan, place: PodContext, trial: DryRunContext, path: str, action: Action) -> Iterator[Part]:
    """The fuse of a fault or step, and what it creates itself."""
    change = KINDS.changes.get(action.KIND)
    if action.BY_HAND:
        change = None
    if change is not None and change.fuse_acts:
        seen = change.registers(action, trial.snapshot)
        entry = registered(trial.name, action, seen, trial.fuse, 0.0)
        puts_back = waiting_fuse(place, timeouts.fuse_of(plan, trial.name), entry)
        yield Part(JOBS, puts_back, path, fuse=change.fuse_does, acts=True)
        # Admission answers for a Job without regard to its pod, and a quota holds both.
        yield Part(PODS, pod_of(puts_back), path)
    elif change is not None and change.fused:
        lasts = timeouts.fuse_of(plan, trial.name)
        job = fuse.build(place.drill, place.uid, trial.fuse, lasts, place.image)
        yield Part(JOBS, job, fuse=change.fuse_does)
    for resource, body in KINDS.of(action).creates(action, trial):
        yield Part(resource, body, "" if change is not None else path)


async def dry_run(account: Cluster, namespace: str, tried: tuple[Part, ...]) -> DryRunResult:
    """Have the API server try each object by itself.

    Raises:
        GameDayError: when it does not answer; try again.

    """
    found = DryRunResult()
    for part in tried:
        answer = await _try(account, namespace, part, found)
        if answer is not None and part.runs_step and _has_pods(answer["spec"]):
            await _try(account, namespace, _pod_of_step(part, answer), found)
    return found


async def _try(account: Cluster, namespace: str, part: Part, found: DryRunResult) -> Object | None:
    """What the API server answers for one object, or None where it would not create it; ``found`` has it as well."""
    try:
        # Without a field that the API server does not know another cut would be made.
        strict = part.resource in CUTTING
        answer = await account.create(part.resource, namespace, part.body, dry_run=True, strict=strict)
    except AlreadyExists:
        return None
    except GameDayError as error:
        if error.retry:
            raise
        said = NO_POD.format(part.body["metadata"]["name"], error) if part.of_step else explained(str(error))
        found.refused.append(f"{part.path}: {said}" if part.path else said)
        return None
    found.answers.append((part, answer))
    return answer


def _has_pods(job: Object) -> bool:
    """Whether Kubernetes' own controller makes any pod of a Job, and here."""
    none = job.get("parallelism") == 0 or job.get("completions") == 0
    return not none and job.get("managedBy", JOB_CONTROLLER) == JOB_CONTROLLER


def _pod_of_step(part: Part, job: Object) -> Part:
    """The pod of a step's Job, as Kubernetes would make it: from the template that admission leaves, owned by the Job.

    Policies may refuse pods without an owner. It does not block the Job's deletion as its controller would have it do:
    that may take a right to the Job's finalizers.
    """
    template = job["spec"]["template"]
    metadata = {key: (template.get("metadata") or {}).get(key) or {} for key in ("labels", "annotations")}
    name, uid = job["metadata"]["name"], job["metadata"].get("uid")
    owner = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "name": name, "uid": uid, "controller": True}
    owners = {"ownerReferences": [owner]} if uid else {}
    body = {
        "apiVersion": PODS.api_version,
        "kind": PODS.kind,
        "metadata": {"name": name, **metadata, **owners},
        "spec": template["spec"],
    }
    return Part(PODS, body, part.path, of_step=True)


def unchecked(tried: tuple[Part, ...], started: tuple[Object, ...]) -> Iterator[str]:
    """What pods of a drill mount and none of the dry run's does, so that nobody sees whether it is there."""
    seen = {one for pod in started for one in pod_status.mounted(pod)}
    pods = (part.body for part in tried if part.resource is PODS)
    for one in dict.fromkeys(one for pod in pods for one in pod_status.mounted(pod, optional=True)):
        if one not in seen:
            yield f"not checked: {one}: no pod of a dry run mounts it, so see that it is there and holds what is meant"


def explained(refusal: str) -> str:
    """The API server's message about an agent's pod, with its meaning if that is known."""
    return "; ".join([refusal, *(meaning for words, meaning in MEANINGS if words.search(refusal))])


def findings(plan: Plan, setup: Setup, result: DryRunResult, snapshot: NamespaceSnapshot) -> Iterator[Finding]:
    """What the answers say."""
    created = [(part.resource, made) for part, made in result.answers if not part.of_step]
    steps = [(part.path, made) for part, made in result.answers if part.of_step]
    targets = _targets(plan, snapshot)
    hit_pods = (pod for _, hit in targets.values() for pod in hit)
    yield from quota.check(snapshot.of(RESOURCE_QUOTAS), created, hit_pods, steps)
    pods = [(part.body, made) for part, made in result.answers if part.resource is PODS and not part.of_step]
    carried = frozenset(proxy for _, hit in targets.values() for pod in hit for proxy in mesh.proxies_of(pod))
    yield from admission.of_pods(pods, carried)
    yield from _outside_mesh(setup, targets, (made for _, made in pods))
    injected = admission.injected_into(made for _, made in pods)
    for part, made in result.answers:
        if part.acts:
            yield from admission.of_fuse(part.path, made, part.fuse, acting_fuse.spoilt(made))
        elif part.fuse:
            why = fuse.spoilt(made, timeouts.fuse_of_faults(plan))
            yield from admission.of_fuse("", made, part.fuse, why)
        elif part.resource in CUTTING:
            yield from admission.of_policy(part.body, made)
        elif part.runs_step:
            yield from admission.of_step(part.path, part.body, made, injected)


Targets = Mapping[str, tuple[str, tuple[Object, ...]]]
"""By the name of each fault: the path of the field that selects its targets, and these."""


def _targets(plan: Plan, snapshot: NamespaceSnapshot) -> Targets:
    found = {}
    for fault in plan.outage.faults:
        kind = KINDS.of(fault.action)
        field, pods = kind.hits(fault.action, snapshot)
        found[fault.name] = f"spec.outage.faults[{fault.name}].{kind.name}.{field}", pods
    return found


def _outside_mesh(setup: Setup, targets: Targets, pods: Iterable[Object]) -> Iterator[Finding]:
    """What is wrong with each cut of which a witness would not be in the mesh of its targets."""
    by_agent = {pod["metadata"]["labels"].get(AGENT): pod for pod in pods}
    for number, cut, pair in setup.numbered():
        witness, (path, hit) = by_agent.get(f"witness-{number}"), targets[cut.fault]
        if witness is not None:
            alike = (pod for pod in hit if pod["spec"].get("nodeName") == pair.node and mesh_of(pod) == pair.mesh)
            yield from mesh.witness_outside(path, alike, witness)
