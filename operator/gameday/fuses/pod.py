"""The fuse that acts, a Job with one pod: created once, watched, and removed once its change is verified undone."""

from collections.abc import Iterable, Iterator, Mapping

from gameday.cluster.client import Cluster
from gameday.cluster.resources import JOBS, Object
from gameday.errors import AlreadyExists, Rejected
from gameday.fuses.owner import FuseOwner
from gameday.model.labels import AGENT, DRILL
from gameday.model.observation import Fuse

ENDINGS: Mapping[str, str] = {
    "FailureTarget": "it failed",
    "Failed": "it failed",
    "SuccessCriteriaMet": "its pod has ended",
    "Complete": "its pod has ended",
}
"""Conditions of a Job that is over, and what they mean for a fuse that acts."""


async def create(account: Cluster, namespace: str, fuse: Object, owner: FuseOwner) -> Object:
    """Light the fuse; a second time finds the first.

    Raises:
        Rejected: when a Job of its name is not this drill's, also where it is that of an earlier Drill of the same
            name: its deadline and what it would put back are the earlier one's.

    """
    name = fuse["metadata"]["name"]
    try:
        return await account.create(JOBS, namespace, fuse)
    except AlreadyExists:
        there = await account.get(JOBS, namespace, name)
        if there is None:
            return await account.create(JOBS, namespace, fuse)
        labels, ours = there["metadata"].get("labels") or {}, fuse["metadata"]["labels"]
        named_alike = all(labels.get(key) == ours[key] for key in (DRILL, AGENT))
        if named_alike and owner.owns(there):
            return there
        if named_alike:
            raise Rejected(
                f"Job {namespace}/{name} is the fuse of an earlier Drill of this name, and puts back what that one "
                f"changed: let it do so, or put it back yourself and delete the Job (kubectl delete job -n {namespace} "
                f"{name}), or give the Drill another name"
            ) from None
        raise Rejected(
            f"Job {namespace}/{name} exists and does not belong to this drill: delete it, or give the "
            "Drill another name"
        ) from None


def pods_of(job: Object, pods: Iterable[Object]) -> tuple[Object, ...]:
    """The pods of a fuse, the newest last: those that its Job controls, whatever others are labelled."""
    uid = job["metadata"]["uid"]
    owned = (p for p in pods if _is_controlled_by(p, uid))
    return tuple(sorted(owned, key=lambda pod: str(pod["metadata"].get("creationTimestamp", ""))))


def _is_controlled_by(pod: Object, uid: str) -> bool:
    """Whether a Job made this pod: what only goes with the Job, as a caller's pod, names it as an owner as well."""
    return any(o["uid"] == uid and o.get("controller") for o in pod["metadata"].get("ownerReferences") or ())


def state_of(job: Object | None, *, runs: bool, deadline: float | None) -> Fuse:
    """How a fuse stands: it is armed once a pod of it has done its dry run, which is when its deadline is known."""
    if job is None:
        return Fuse()
    dead = spoilt(job) or None
    armed = runs and deadline is not None and dead is None
    return Fuse(uid=job["metadata"]["uid"], armed=armed, deadline=deadline, dead=dead)


def spoilt(job: Object) -> str:
    """Why a fuse would not act, or ""."""
    return "; ".join(_faults(job))


def _faults(job: Object) -> Iterator[str]:
    if "deletionTimestamp" in job["metadata"]:
        yield "it is being deleted"
    if job["spec"].get("suspend"):
        yield "it was suspended, which ends its pod"
    if job["spec"].get("parallelism") != 1:
        yield "spec.parallelism of its Job was changed: leave the Job alone"
    ended = {c["type"] for c in job.get("status", {}).get("conditions") or () if c["status"] == "True"}
    yield from dict.fromkeys(meaning for kind, meaning in ENDINGS.items() if kind in ended)
