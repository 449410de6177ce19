"""``gameday abort``: end a drill; what it holds is undone first."""

from gameday.cli.asking import NotDone
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, Object
from gameday.errors import NotFound
from gameday.model.record import Phase


async def abort(cluster: Cluster, namespace: str, name: str) -> tuple[Object, bool]:
    """Abort a drill; returns the Drill, and whether it was still running.

    Raises:
        NotDone: when there is no such drill.
        GameDayError: when the request fails.

    """
    drill = await cluster.get(DRILLS, namespace, name)
    if drill is None:
        raise NotDone(
            f"there is no Drill {name} in namespace {namespace}: `kubectl -n {namespace} get drills` lists them"
        )
    if drill.get("status", {}).get("phase") == Phase.FINISHED.value:
        return drill, False
    if drill["spec"].get("abort"):
        return drill, True
    try:
        return await cluster.patch(DRILLS, namespace, name, {"spec": {"abort": True}}), True
    except NotFound as error:
        raise NotDone(f"Drill {name} was deleted a moment ago, which ends it as well") from error
