"""Running a CronJob's template once; its name follows from the drill, so that it cannot run twice.

The Job is created suspended, and started by a second request. A create request that the API server carries out late
makes a Job that does not run: nobody starts it any more, and the operator deletes it. The request that starts it names
the version of the Job, so that it starts none that was started before, and comes to nothing once the Job is deleted.

A Job that admission suspends belongs to a queue such as Kueue, which alone may start it. Kueue would also start a Job
that we suspend. So such a Job is created as the CronJob has it, and nothing here starts it.
"""

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
HELD: Final = "gameday.dev/held"
"""Annotation of a Job that we have created suspended and not started yet; what suspends it later is somebody else."""


SHOWN: Final[Mapping[RunState, str]] = {
    RunState.ABSENT: "runs once and is not repeated",
    RunState.NEXT: "its Job {} was created suspended and was not started; it is deleted",
    RunState.RUNNING: "its Job {} still runs and was not stopped; see what its pods wait for",
    RunState.DONE: "its Job completed",
    RunState.FAILED: "its Job failed",
}
"""How a step stands, by its Job."""
QUEUED: Final = "its Job {} is suspended by somebody else, such as a queue, and may have run before; it is deleted"


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


async def create(
    account: Cluster, namespace: str, cron_job: str, name: str, drill: str, drill_uid: str
) -> Object | None:
    """Create the Job, held where no queue holds it; a second time finds the first, and answers None.

    Raises:
        NotFound: when there is no such CronJob.
        Rejected: when a Job of its name is not this drill's.

    """
    source = await account.get(CRON_JOBS, namespace, cron_job)
    if source is None:
        raise NotFound(f"CronJob {namespace}/{cron_job} does not exist: create it, or correct the step that names it")
    body = build(source, name, drill, drill_uid)
    try:
        tried = await account.create(JOBS, namespace, body, dry_run=True)
        return await account.create(JOBS, namespace, body if _is_suspended(tried) else held(body))
    except AlreadyExists:
        there = await account.get(JOBS, namespace, name)
        if there is not None and not _is_of(there, drill_uid):
            text = (
                f"Job {namespace}/{name} exists and does not belong to this drill: delete it, or give the "
                "Drill another name"
            )
            raise Rejected(text) from None
        return None


def held(body: Object) -> Object:
    """A Job that is created suspended, and is to be started with ``release``."""
    annotations = body["metadata"]["annotations"] | {HELD: "true"}
    return body | {
        "metadata": body["metadata"] | {"annotations": annotations},
        "spec": body["spec"] | {"suspend": True},
    }


async def release(account: Cluster, namespace: str, there: Object) -> Object:
    """Start a Job that is held, as it was seen.

    Raises:
        Conflict: when it has changed since.

    """
    metadata = {"resourceVersion": there["metadata"]["resourceVersion"], "annotations": {HELD: None}}
    body = {"metadata": metadata, "spec": {"suspend": False}}
    return await account.patch(JOBS, namespace, there["metadata"]["name"], body)


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
    """A Job from a CronJob's template. Every drill may create and delete Jobs already."""

    name = RunJob.KIND
    description = "Run a Job."
    spec = JobSpec
    planned = RunJob
    uses = frozenset({Use.STEP})
    rules = (("!has(self.job) || self.irreversible", "a job cannot be undone: write irreversible: true"),)
    grants = (
        Right(CRON_JOBS, ("get", "list")),
        Right(JOBS, ("patch",), why="A step's Job is created suspended, and is started while the step is wanted."),
    )
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
        """Create the Job, or start the one that is held."""
        if not isinstance(action, RunJob):
            raise Rejected(f"step {name} is not a job: somebody else changed the Drill's status")
        own, there = job(ctx.drill, name), _own_job(ctx, name)
        made: Object | None = None
        if there is None:
            made = await create(ctx.account, ctx.namespace, action.from_cron_job, own, ctx.drill, ctx.uid)
        elif _is_held(there):
            made = await release(ctx.account, ctx.namespace, there)
        if made is not None:
            ctx.cache.upsert(JOBS_SEEN, made)

    def ran(self, ctx: ActionContext, name: str, action: Action, noted: State | None) -> Ran:
        """How the step's Job stands."""
        there = _own_job(ctx, name)
        state, waits = state_of(there), there is not None and _has_not_begun(there)
        shown = QUEUED if waits and state is RunState.RUNNING else SHOWN[state]
        carried_out = there is not None and _has_run(there)
        return Ran(state, shown=shown.format(job(ctx.drill, name)), waits=waits, carried_out=carried_out)

    async def discard(self, ctx: ActionContext, name: str, action: Action) -> None:
        """Delete a Job that never started, at the version that was seen: one that was started since goes on."""
        there = _own_job(ctx, name)
        if there is None or not _has_not_begun(there):
            return
        own, metadata = job(ctx.drill, name), there["metadata"]
        version = metadata["resourceVersion"]
        await ctx.account.delete(JOBS, ctx.namespace, own, uid=metadata["uid"], version=version)
        ctx.cache.evict(JOBS_SEEN, own)


def _own_job(ctx: ActionContext, name: str) -> Object | None:
    """The Job of a step as it was seen."""
    there = ctx.cache.objects(JOBS_SEEN).get(job(ctx.drill, name))
    return there if there is not None and _is_of(there, ctx.uid) else None


def _is_of(there: Object, uid: str) -> bool:
    """Whether a Job is of the Drill with this UID: an earlier Drill of the same name may have left one that ended."""
    return any(owner.get("uid") == uid for owner in there["metadata"].get("ownerReferences") or ())


def _is_suspended(there: Object) -> bool:
    return bool(there["spec"].get("suspend"))


def _is_held(there: Object) -> bool:
    """Whether it waits for us to start it."""
    return _is_suspended(there) and HELD in (there["metadata"].get("annotations") or {})


def _has_not_begun(there: Object) -> bool:
    """Whether a suspended Job never had a pod, as far as it says: it gets its startTime when it is resumed."""
    status = there.get("status") or {}
    begun = any(status.get(field) for field in ("startTime", "active", "succeeded", "failed"))
    return _is_suspended(there) and "deletionTimestamp" not in there["metadata"] and not begun


def _has_run(there: Object) -> bool:
    """Whether a container of it surely ran: a pod of it is ready, or has succeeded.

    Active pods may still wait for a node or for their image, and a pod may fail before any container of it runs.
    """
    status = there.get("status") or {}
    return bool(status.get("ready") or status.get("succeeded")) or state_of(there) is RunState.DONE


def state_of(there: Object | None) -> RunState:
    """How a Job stands."""
    if there is None:
        return RunState.ABSENT
    conditions = {c["type"] for c in there.get("status", {}).get("conditions") or () if c["status"] == "True"}
    if "Complete" in conditions:
        return RunState.DONE
    if "Failed" in conditions:
        return RunState.FAILED
    return RunState.NEXT if _is_held(there) else RunState.RUNNING
