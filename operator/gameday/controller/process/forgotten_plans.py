"""Deletes dry runs that ``gameday plan`` made and did not delete: its machine went to sleep, or lost its network.

The GameDay that it made of a file is owned by the Drill, so that Kubernetes deletes it as well.
"""

from collections.abc import Callable, Iterable

from gameday.api.drill import FORGOTTEN_AFTER, is_dry_run
from gameday.api.record import shown_moment
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, Object
from gameday.controller.logs import logger, of_drill
from gameday.errors import GameDayError
from gameday.model.labels import PLAN

log = logger("gameday.operator")


class ForgottenPlans:
    """What is left of ``gameday plan``; ``clock`` returns Unix seconds."""

    def __init__(self, cluster: Cluster, clock: Callable[[], float]) -> None:
        self._cluster = cluster
        self._clock = clock

    async def delete(self, drills: Iterable[Object]) -> None:
        """Delete those that are old; one that cannot be deleted now is tried again with the next listing."""
        for drill in [one for one in drills if is_forgotten(one, self._clock())]:
            metadata = drill["metadata"]
            try:
                await self._cluster.delete(DRILLS, metadata["namespace"], metadata["name"], uid=metadata["uid"])
            except GameDayError as error:
                log.warning("the dry run was not deleted: %s", error, **of_drill(drill), reason=error.reason)
            else:
                log.info(
                    "the dry run is deleted, because `gameday plan` has not done it",
                    **of_drill(drill),
                    reason="Forgotten",
                )


def is_forgotten(drill: Object, now: float) -> bool:
    """Whether a Drill is a dry run of ``gameday plan`` that nobody waits for any more. A drill never is."""
    metadata = drill["metadata"]
    labelled = (metadata.get("labels") or {}).get(PLAN) == "true"
    if not labelled or not is_dry_run(drill) or "deletionTimestamp" in metadata:
        return False
    return now > shown_moment(metadata["creationTimestamp"]) + FORGOTTEN_AFTER
