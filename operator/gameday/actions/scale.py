"""Scaling a Deployment, there and back: the exact number, on the version of the object that was read."""

from gameday.cluster.client import Cluster
from gameday.cluster.kinds import DEPLOYMENTS, Object
from gameday.errors import Absent
from gameday.model.world import Workload


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
        version=deployment["metadata"].get("resourceVersion", ""),
    )
