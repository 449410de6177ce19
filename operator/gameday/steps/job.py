"""Running a CronJob's template once; its name follows from the drill, so that it cannot run twice."""

from gameday.cluster.client import Cluster
from gameday.cluster.kinds import CRON_JOBS, DRILLS, JOBS, Object
from gameday.errors import Absent, AlreadyExists
from gameday.model.labels import marks
from gameday.model.world import JobState


async def start(account: Cluster, namespace: str, cron_job: str, name: str, drill: str, drill_uid: str) -> None:
    """Create the Job.

    Raises:
        Absent: when there is no such CronJob.

    """
    source = await account.get(CRON_JOBS, namespace, cron_job)
    if source is None:
        raise Absent(f"there is no CronJob {cron_job} in {namespace}")
    template = source["spec"]["jobTemplate"]
    labels = dict(template.get("metadata", {}).get("labels") or {}) | marks(drill, "step")
    owner = {"apiVersion": DRILLS.api_version, "kind": DRILLS.name, "name": drill, "uid": drill_uid}
    body = {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.name,
        "metadata": {"name": name, "labels": labels, "ownerReferences": [owner]},
        "spec": template["spec"],
    }
    try:
        await account.create(JOBS, namespace, body)
    except AlreadyExists:
        return


def state_of(job: Object | None) -> JobState:
    """How a Job stands."""
    if job is None:
        return JobState.ABSENT
    conditions = {c["type"] for c in job.get("status", {}).get("conditions", ()) if c["status"] == "True"}
    if "Complete" in conditions:
        return JobState.DONE
    return JobState.FAILED if "Failed" in conditions else JobState.RUNNING
