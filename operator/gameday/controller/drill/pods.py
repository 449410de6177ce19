"""What is seen of a drill's pods: whose they are, whether they run, may still act, or stay although deleted."""

from collections.abc import Collection, Iterable

from gameday.cluster.client import CONTAINER
from gameday.cluster.pod_status import has_ended
from gameday.cluster.resources import DRILLS, JOBS, Object
from gameday.errors import Rejected
from gameday.model.labels import CALLER, FUSE, ROLE
from gameday.model.observation import Leaving, Life
from gameday.schema.times import shown_moment


def is_of(pod: Object, uids: Collection[str | None]) -> bool:
    """Whether a pod is that of a Drill or fuse with one of these UIDs, and not of another Drill of the same name.

    One that names no owner any more is taken for the drill's own.
    """
    owners = pod["metadata"].get("ownerReferences") or ()
    named = {owner.get("uid") for owner in owners if owner.get("kind") in {DRILLS.kind, JOBS.kind}}
    return not named or not named.isdisjoint(uids)


def refuse_left(namespace: str, pods: Collection[str]) -> None:
    """Refuse to start agents while pods of their names are there that another Drill has left.

    Raises:
        Rejected: when there are such ``pods``, by name.

    """
    if pods:
        name = min(pods)
        raise Rejected(
            f"Pod {namespace}/{name} is left by another Drill of this name: if Kubernetes does not delete it by "
            f"itself, kubectl delete pod -n {namespace} {name}"
        )


def life_of(pod: Object) -> Life:
    """The state of an agent's pod, by its agent's container.

    Readiness does not count, because witnesses and controls are never ready. Injected sidecars do not count either.
    """
    status = pod.get("status", {})
    if "deletionTimestamp" in pod["metadata"] or has_ended(pod):
        return Life.ENDED
    state: Object = {}
    for listed in status.get("containerStatuses") or ():
        if listed.get("name") == CONTAINER:
            state = listed.get("state") or {}
    if "running" in state:
        return Life.RUNNING
    # A fuse of a scale is started again when its container dies; no other agent is.
    if "terminated" in state and pod["spec"].get("restartPolicy") == "Never":
        return Life.ENDED
    return Life.STARTING


def role_of(pod: Object) -> str | None:
    """What a pod is in a drill."""
    role: str | None = (pod["metadata"].get("labels") or {}).get(ROLE)
    return role


def may_act(pod: Object, jobs: Collection[str]) -> bool:
    """Whether a pod is a caller, or a fuse whose Job is gone; ``jobs`` are the UIDs of the Jobs that are there.

    Garbage collection ends such a fuse, but on a node that is lost it may go on, and act at its deadline. A caller that
    has ended counts until it is deleted: as long as its name is taken, no late request makes another one.
    """
    role = role_of(pod)
    owners = {owner.get("uid") for owner in pod["metadata"].get("ownerReferences") or ()}
    if role == CALLER:
        return not (has_ended(pod) and "deletionTimestamp" in pod["metadata"])
    return role == FUSE and not has_ended(pod) and owners.isdisjoint(jobs)


def leaving(pods: Iterable[Object]) -> tuple[Leaving, ...]:
    """The pods that are deleted and still there."""
    # The API server writes the end of the grace period into deletionTimestamp, and not the moment of the request.
    return tuple(
        Leaving(pod["metadata"]["name"], pod.get("spec", {}).get("nodeName", ""), shown_moment(due))
        for pod in pods
        if (due := pod["metadata"].get("deletionTimestamp")) is not None
    )
