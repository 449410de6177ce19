"""The rehearsal of a drill: the API server tries every object that any stage may create, and its answers are read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gameday.actions import job as job_step
from gameday.actions.job import RunJob
from gameday.actions.network_partition import policy
from gameday.actions.scale.kind import Scale
from gameday.cluster.client import Cluster
from gameday.cluster.kinds import CRON_JOBS, JOBS, PODS, RESOURCE_QUOTAS, Kind, Object
from gameday.controller.drill import agents
from gameday.controller.drill.agent_pods import Place, pod_of
from gameday.controller.drill.scale_fuses import scale_fuse
from gameday.engine.drill import budgets
from gameday.errors import AlreadyExists, GameDayError
from gameday.fuses import job as fuse
from gameday.fuses import pod as fuse_of_scale
from gameday.model.change import Change
from gameday.model.names import fault_fuse, job
from gameday.model.names import policy as policy_name
from gameday.model.names import scale_fuse as name_of
from gameday.model.plan import Action, Plan
from gameday.model.setup import Setup
from gameday.preflight import admitted, quota
from gameday.preflight.findings import Finding
from gameday.preflight.snapshot import Sight

AUTOPILOT: Final = re.compile(r"autogke-node-affinity|Auto GKE|GKE Warden")
"""How GKE Autopilot refuses a pod that names its node."""

MEANINGS: Final = (
    (
        AUTOPILOT,
        "GKE Autopilot chooses the nodes itself, so no witness can stand beside a target: drill elsewhere",
    ),
    (
        re.compile(r"security context constraint"),
        "OpenShift gives each namespace users of its own: leave the choice to it with an empty GAMEDAY_AGENT_USER on "
        "the operator",
    ),
    (
        re.compile(r"(minimum|maximum) \S+ usage per (Container|Pod) is|max limit to request ratio per"),
        "set what the pods of a drill request and may use with GAMEDAY_AGENT_RESOURCES on the operator",
    ),
)
"""What the refusals of known clusters mean, and what to do about them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One object that a drill may create; ``path`` is the step that asks for it, or empty."""

    kind: Kind
    body: Object
    path: str = ""
    fuse: bool = False
    """Whether it is the Job of a fuse: without a step that of the cut."""


@dataclass(slots=True)
class Rehearsal:
    """What came of it: what was refused, and what would be created; one that is there already has no answer."""

    refused: list[str] = field(default_factory=list)
    answers: list[tuple[Part, Object]] = field(default_factory=list)


def parts(plan: Plan, setup: Setup, place: Place, sight: Sight) -> Iterator[Part]:
    """Every object that a drill of this plan may create."""
    ((fault, partition),) = plan.partitions()
    fuse_name = fault_fuse(place.drill, fault, alone=len(plan.outage.faults) == 1)
    for pod in agents.pods(plan, setup, place):
        yield Part(PODS, pod)
    if setup.severs is not None:
        yield Part(PODS, agents.closer(plan, setup, place, agents.Closing((), 1.0)))
    lifts = fuse.build(place.drill, place.uid, fuse_name, budgets.fuse_of_faults(plan), place.image)
    yield Part(JOBS, lifts, fuse=True)
    for one in plan.outage.faults:
        yield from _scale(plan, place, sight, f"spec.outage.faults[{one.name}]", one.name, one.action)
    yield from _steps(plan, place, sight)
    name = policy_name(place.drill, fault)
    cut = policy.build(place.drill, name, partition, setup, fuse_name, place.uid)
    yield Part(policy.kind_of(setup.backend), cut)


def _steps(plan: Plan, place: Place, sight: Sight) -> Iterator[Part]:
    if plan.rollback is None:
        return
    for step in plan.rollback.steps:
        path = f"spec.rollback.steps[{step.name}]"
        yield from _scale(plan, place, sight, path, step.name, step.action)
        if isinstance(step.action, RunJob):
            source = _named(sight, CRON_JOBS, step.action.from_cron_job)
            yield Part(JOBS, job_step.build(source, job(place.drill, step.name), place.drill, place.uid), path)


def _scale(plan: Plan, place: Place, sight: Sight, path: str, name: str, action: Action) -> Iterator[Part]:
    """The fuse of a fault or step that scales."""
    if not isinstance(action, Scale):
        return
    replicas = _named(sight, action.workload.kind, action.workload.name)["spec"].get("replicas", 1)
    before, after = {"replicas": replicas}, {"replicas": action.replicas}
    fuse_name = name_of(place.drill, name)
    change = Change(name, Scale.KIND, *action.subject, fuse_name, before=before, wanted=after)
    puts_back = scale_fuse(place, budgets.fuse_of(plan, name), change)
    yield Part(JOBS, puts_back, path, fuse=True)
    # Admission answers for a Job without regard to its pod, and a quota holds both.
    yield Part(PODS, pod_of(puts_back), path)


def _named(sight: Sight, kind: Kind, name: str) -> Object:
    """An object that the preflight has found."""
    return next(one for one in sight.of(kind) if one["metadata"]["name"] == name)


async def rehearse(account: Cluster, namespace: str, tried: tuple[Part, ...]) -> Rehearsal:
    """Have the API server try each object by itself.

    Raises:
        GameDayError: when it does not answer; try again.

    """
    found = Rehearsal()
    for part in tried:
        try:
            answer = await account.create(part.kind, namespace, part.body, dry_run=True)
        except AlreadyExists:
            continue
        except GameDayError as error:
            if error.retry:
                raise
            said = explained(str(error))
            found.refused.append(f"{part.path}: {said}" if part.path else said)
        else:
            found.answers.append((part, answer))
    return found


def explained(refusal: str) -> str:
    """What the API server says of a pod of ours, and where that is known what it means."""
    return "; ".join([refusal, *(meaning for words, meaning in MEANINGS if words.search(refusal))])


def findings(plan: Plan, rehearsal: Rehearsal, sight: Sight) -> Iterator[Finding]:
    """What the answers say."""
    created = [(part.kind, made) for part, made in rehearsal.answers]
    yield from quota.check(sight.of(RESOURCE_QUOTAS), created)
    pods = [(part.body, made) for part, made in rehearsal.answers if part.kind is PODS]
    yield from admitted.of_pods(pods)
    injected = admitted.injected_into(made for _, made in pods)
    for part, made in rehearsal.answers:
        if part.fuse and part.path:
            yield from admitted.of_fuse(part.path, made, "put replicas back", fuse_of_scale.spoilt(made))
        elif part.fuse:
            why = fuse.spoilt(made, budgets.fuse_of_faults(plan))
            yield from admitted.of_fuse("", made, "lift the cut", why)
        elif part.kind is JOBS:
            yield from admitted.of_step(part.path, part.body, made, injected)
