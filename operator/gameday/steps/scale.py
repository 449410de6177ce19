"""Scaling a Deployment, there and back: the exact number, on the version of the object that was read."""

from gameday.cluster.client import Cluster
from gameday.cluster.kinds import DEPLOYMENTS, Object
from gameday.errors import Absent, Conflict
from gameday.model.world import Workload


async def scale(account: Cluster, namespace: str, name: str, replicas: int, only_from: int | None = None) -> None:
    """Set the replicas; a Deployment that is gone holds nothing any more.

    With ``only_from`` they are set only where they are that many: another number was somebody else's wish, and it is
    not the one that would be put back.

    Raises:
        Conflict: when the Deployment changed in between, or has another number; the caller looks again.

    """
    current = await account.get(DEPLOYMENTS, namespace, name, "scale")
    there = current["spec"].get("replicas", 0) if current is not None else replicas
    if current is None or there == replicas:
        return
    if only_from not in {None, there}:
        raise Conflict(f"Deployment {namespace}/{name} was scaled from {only_from} to {there} by somebody else")
    version = current["metadata"]["resourceVersion"]
    body = {"metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}}
    try:
        await account.patch(DEPLOYMENTS, namespace, name, body, "scale")
    except Absent:
        return


def workload_of(deployment: Object | None) -> Workload:
    """How a Deployment stands; status counts as zero until its controller has seen the newest spec."""
    if deployment is None:
        return Workload(exists=False)
    status = deployment.get("status", {})
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    replicas = deployment["spec"].get("replicas", 1)
    return Workload(
        exists=True,
        replicas=replicas,
        ready=status.get("readyReplicas", 0) if seen else -1,
        pods=status.get("replicas", 0) if seen else -1,
    )
