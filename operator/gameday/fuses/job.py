"""The fuse of a cut: a Job that never runs a pod, whose deadline makes Kubernetes itself revert the cut.

The Job owns the policy. When its deadline passes, the Job controller fails it, the TTL controller deletes it, and
garbage collection deletes the policy: no operator need be alive (measured: within 0.5 s of the deadline). A policy that
names a deleted fuse is collected at once, so a write that arrives late cannot last.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, JOBS, Object
from gameday.errors import AlreadyExists, Rejected
from gameday.fuses.owner import FuseOwner
from gameday.model.labels import DRILL, ownership_labels
from gameday.model.observation import Fuse

SECONDS: Final = "gameday.dev/fuse-seconds"
"""Annotation with the seconds that the version which made the fuse gave it: a later one may give others."""
ENDINGS = {
    "FailureTarget": "its deadline has passed",
    "Failed": "its deadline has passed",
    "SuccessCriteriaMet": "somebody completed it by hand",
    "Complete": "somebody completed it by hand",
}
"""Conditions of a Job that is over, and what they mean for one that has no pod."""


def build(drill: str, drill_uid: str, name: str, seconds: float, image: str) -> Object:
    """The Job. ``image`` is never pulled, but must be named; ``seconds`` count from the Job controller's start."""
    owner = {"apiVersion": DRILLS.api_version, "kind": DRILLS.kind, "name": drill, "uid": drill_uid}
    container = {
        "name": "fuse",
        "image": image,
        "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}, "limits": {"cpu": "1m", "memory": "8Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {
            "name": name,
            "labels": ownership_labels(drill, "fuse"),
            "annotations": {SECONDS: str(round(seconds))},
            "ownerReferences": [owner],
        },
        "spec": {
            "parallelism": 0,
            "completions": 1,
            "activeDeadlineSeconds": round(seconds),
            "ttlSecondsAfterFinished": 0,
            "template": {
                "metadata": {"labels": ownership_labels(drill, "fuse")},
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [container],
                    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                },
            },
        },
    }


async def create(account: Cluster, namespace: str, fuse: Object) -> Object:
    """Light the fuse; a second time finds the first.

    Raises:
        Rejected: when a Job of its name is not this drill's.

    """
    name = fuse["metadata"]["name"]
    try:
        return await account.create(JOBS, namespace, fuse)
    except AlreadyExists:
        there = await account.get(JOBS, namespace, name)
        if there is None or (there["metadata"].get("ownerReferences") == fuse["metadata"]["ownerReferences"]):
            return there or await account.create(JOBS, namespace, fuse)
        raise Rejected(
            f"Job {namespace}/{name} exists and does not belong to this drill: delete it, or give the "
            "Drill another name"
        ) from None


async def delete(account: Cluster, namespace: str, name: str, owner: FuseOwner) -> None:
    """Delete a Drill's fuse of a change that is verified gone; finding it gone, or another's in its place, is success.

    That of an earlier Drill of the same name stays: what it guards may still be there.
    """
    there = await account.get(JOBS, namespace, name)
    if there is not None and DRILL in (there["metadata"].get("labels") or {}) and owner.owns(there):
        await account.delete(JOBS, namespace, name, uid=there["metadata"]["uid"])


def state_of(job: Object | None, seconds: float, until: float | None = None) -> Fuse:
    """How a fuse stands: it is armed once the Job controller has started its clock.

    ``until`` is the Unix second until which it was armed, where it was. ``seconds`` are those that this version would
    give it, which count only where nothing says what it was given.
    """
    if job is None:
        return Fuse()
    started, dead = job.get("status", {}).get("startTime"), spoilt(job, seconds, until) or None
    return Fuse(
        uid=job["metadata"]["uid"], armed=started is not None and dead is None, deadline=_deadline(job), dead=dead
    )


def spoilt(job: Object, seconds: float, until: float | None = None) -> str:
    """Why a fuse would not revert its cut in time, or ""; see ``state_of``."""
    return "; ".join(_faults(job, seconds, until))


def _deadline(job: Object) -> float | None:
    """The Unix second at which it acts, or None while its clock does not run."""
    allowed, started = job["spec"].get("activeDeadlineSeconds"), job.get("status", {}).get("startTime")
    if started is None or allowed is None:
        return None
    return float(datetime.fromisoformat(started).timestamp() + allowed)


def _moved(job: Object, seconds: float, until: float | None) -> bool:
    """Whether it acts at another time than it was armed for, or was made for: a resumed Job's clock starts anew."""
    allowed, deadline = job["spec"].get("activeDeadlineSeconds"), _deadline(job)
    if until is not None and deadline is not None:
        return round(deadline) != round(until)
    given: str = (job["metadata"].get("annotations") or {}).get(SECONDS, str(round(seconds)))
    return str(allowed) != given


def _faults(job: Object, seconds: float, until: float | None) -> Iterator[str]:
    metadata, spec = job["metadata"], job["spec"]
    if "deletionTimestamp" in metadata:
        yield "it is being deleted"
    if spec.get("suspend"):
        yield "it was suspended, which stops its clock"
    if _moved(job, seconds, until) or spec.get("ttlSecondsAfterFinished") != 0:
        yield "its deadline was changed: leave its Job alone"
    if spec.get("parallelism") != 0 or spec.get("completions") != 1:
        yield "spec.parallelism or spec.completions of its Job was changed: leave the Job alone"
    ended = {c["type"] for c in job.get("status", {}).get("conditions") or () if c["status"] == "True"}
    yield from dict.fromkeys(meaning for kind, meaning in ENDINGS.items() if kind in ended)
