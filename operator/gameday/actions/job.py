"""Running a CronJob's template once; its name follows from the drill, so that it cannot run twice."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from gameday.actions.kind import ActionContext, DryRunContext, PreflightContext, RunKind, Use
from gameday.cluster.client import Cluster
from gameday.cluster.resources import CRON_JOBS, DRILLS, JOBS, Object, Resource
from gameday.errors import AlreadyExists, NotFound, Rejected
from gameday.model.change import Ran, RunState, State
from gameday.model.labels import ownership_labels
from gameday.model.names import job
from gameday.model.plan import Action
from gameday.preflight.findings import Finding
from gameday.preflight.rights import Right
from gameday.schema.base import ApiModel, ObjectName
from gameday.schema.named import Dependencies

JOBS_SEEN: Final = "jobs"
"""Name of the watch of a drill's Jobs, which every drill has."""


SHOWN: Final[Mapping[RunState, str]] = {
    RunState.ABSENT: "runs once and is not repeated",
    RunState.RUNNING: "its Job {} still runs and was not stopped; see what its pods wait for",
    RunState.DONE: "its Job completed",
    RunState.FAILED: "its Job failed",
}
"""How a step stands, by its Job."""


class JobSpec(ApiModel):
    """Runs a CronJob's template once."""

    from_cron_job: ObjectName
    """Name of the CronJob; it may be suspended."""


@dataclass(frozen=True, slots=True)
class RunJob(Action):
    """Runs the Job template of a CronJob once; it cannot be undone."""

    KIND: ClassVar[str] = "job"
    REVERSIBLE: ClassVar[bool] = False

    from_cron_job: str


async def start(account: Cluster, namespace: str, cron_job: str, name: str, drill: str, drill_uid: str) -> None:
    """Create the Job; a second time finds the first.

    Raises:
        NotFound: when there is no such CronJob.
        Rejected: when a Job of its name is not this drill's.

    """
    source = await account.get(CRON_JOBS, namespace, cron_job)
    if source is None:
        raise NotFound(f"CronJob {namespace}/{cron_job} does not exist: create it, or correct the step that names it")
    try:
        await account.create(JOBS, namespace, build(source, name, drill, drill_uid))
    except AlreadyExists:
        there = await account.get(JOBS, namespace, name)
        if there is not None and not _is_of(there, drill_uid):
            text = (
                f"Job {namespace}/{name} exists and does not belong to this drill: delete it, or give the "
                "Drill another name"
            )
            raise Rejected(text) from None


def build(cron_job: Object, name: str, drill: str, drill_uid: str) -> Object:
    """The Job, as the CronJob would make it, but owned by the Drill and kept until the Drill goes.

    Without its time to live: a Job that vanishes when it ends would leave us not knowing how it ended.
    """
    template = cron_job["spec"]["jobTemplate"]
    metadata = template.get("metadata") or {}
    owner = {"apiVersion": DRILLS.api_version, "kind": DRILLS.kind, "name": drill, "uid": drill_uid}
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {
            "name": name,
            "labels": dict(metadata.get("labels") or {}) | ownership_labels(drill, "step"),
            "annotations": dict(metadata.get("annotations") or {}) | {"cronjob.kubernetes.io/instantiate": "manual"},
            "ownerReferences": [owner],
        },
        "spec": {key: value for key, value in template["spec"].items() if key != "ttlSecondsAfterFinished"},
    }


class RunJobKind(RunKind[JobSpec, RunJob]):
    """A Job from a CronJob's template. Every drill may create Jobs already."""

    name = RunJob.KIND
    description = "Run a Job."
    spec = JobSpec
    planned = RunJob
    uses = frozenset({Use.STEP})
    rules = (("!has(self.job) || self.irreversible", "a job cannot be undone: write irreversible: true"),)
    grants = (Right(CRON_JOBS, ("get", "list")),)
    reads = (CRON_JOBS,)

    def parse(self, spec: JobSpec, named: Dependencies) -> RunJob:
        """See the base class."""
        return RunJob(spec.from_cron_job)

    def preflight(self, action: RunJob, ctx: PreflightContext) -> Iterator[Finding]:
        """The CronJob is there."""
        if action.from_cron_job not in {one["metadata"]["name"] for one in ctx.snapshot.of(CRON_JOBS)}:
            text = f"CronJob {action.from_cron_job} does not exist"
            yield Finding("NoCronJob", f"{ctx.path}.fromCronJob", text, "correct the name, or create it")

    def creates(self, action: RunJob, ctx: DryRunContext) -> Iterator[tuple[Resource, Object]]:
        """The Job."""
        source = next(one for one in ctx.snapshot.of(CRON_JOBS) if one["metadata"]["name"] == action.from_cron_job)
        yield JOBS, build(source, job(ctx.drill, ctx.name), ctx.drill, ctx.uid)

    async def run(self, ctx: ActionContext, name: str, action: Action, noted: State | None) -> None:
        """Create the Job."""
        if not isinstance(action, RunJob):
            raise Rejected(f"step {name} is not a job: somebody else changed the Drill's status")
        made = job(ctx.drill, name)
        await start(ctx.account, ctx.namespace, action.from_cron_job, made, ctx.drill, ctx.uid)

    def ran(self, ctx: ActionContext, name: str, action: Action, noted: State | None) -> Ran:
        """How the step's Job stands."""
        own = job(ctx.drill, name)
        there = ctx.cache.objects(JOBS_SEEN).get(own)
        state = state_of(there if there is not None and _is_of(there, ctx.uid) else None)
        return Ran(state, shown=SHOWN[state].format(own))


def _is_of(there: Object, uid: str) -> bool:
    """Whether a Job is of the Drill with this UID: an earlier Drill of the same name may have left one that ended."""
    return any(owner.get("uid") == uid for owner in there["metadata"].get("ownerReferences") or ())


def state_of(there: Object | None) -> RunState:
    """How a Job stands."""
    if there is None:
        return RunState.ABSENT
    conditions = {c["type"] for c in there.get("status", {}).get("conditions") or () if c["status"] == "True"}
    if "Complete" in conditions:
        return RunState.DONE
    return RunState.FAILED if "Failed" in conditions else RunState.RUNNING
