"""Scaling a Deployment, there and back: the exact number, on the version of the object that was read."""

from gameday.cluster.client import Cluster
from gameday.cluster.kinds import DEPLOYMENTS, Object
from gameday.errors import Absent
from gameday.model.world import Workload


async def scale(account: Cluster, namespace: str, name: str, replicas: int, version: str = "") -> None:
    """Set the replicas; a Deployment that is gone holds nothing any more.

    With ``version`` they are set only where that is still the Deployment's resourceVersion; else on the newest one.

    Raises:
        Conflict: when the Deployment changed in between; the caller looks again.

    """
    if not version:
        current = await account.get(DEPLOYMENTS, namespace, name, "scale")
        if current is None or current["spec"].get("replicas", 0) == replicas:
            return
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
        version=deployment["metadata"].get("resourceVersion", ""),
    )
