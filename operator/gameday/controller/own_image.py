"""The image that agents run: the operator's own, read from the operator's pod unless it was given.

So another image is named once, in the Deployment, and the agents cannot run a different one.
"""

import asyncio
from typing import Final

from gameday.cluster.client import Cluster
from gameday.cluster.resources import PODS, Object
from gameday.controller.backoff import Backoff
from gameday.controller.logs import logger
from gameday.controller.settings import Settings
from gameday.errors import GameDayError

CONTAINER: Final = "operator"
"""The operator's container; a cluster may inject others into its pod."""
TOLD: Final = "--image or GAMEDAY_IMAGE"
ASK_AGAIN: Final = 1.0
"""Seconds until an API server that did not answer is asked again."""

log = logger("gameday.operator")


class NoImage(GameDayError):
    """It cannot be found out what agents are to run; the message says why and what to do."""

    reason = "NoImage"
    retry = False


def unknown(settings: Settings) -> str:
    """What is wrong with settings that neither name an image nor a pod to read it from; empty where nothing is."""
    if settings.image or (settings.pod and settings.pod_namespace):
        return ""
    return (
        f"no image for the agents is set: set {TOLD}, or in a pod POD_NAME and POD_NAMESPACE by "
        "fieldRef, as manifests/operator/deployment.yaml does"
    )


async def image_of(cluster: Cluster, settings: Settings) -> str:
    """The image that settings name, else that of the operator's pod; waits for an API server that does not answer.

    Raises:
        NoImage: when the pod cannot be read, or has no container of the operator.

    """
    if settings.image:
        return settings.image
    where, backoff = f"pod {settings.pod} in namespace {settings.pod_namespace}", Backoff()
    while True:
        try:
            pod = await cluster.get(PODS, settings.pod_namespace, settings.pod)
            break
        except GameDayError as error:
            if error.retry:
                log.warning("the image of the agents is not known yet: %s", error)
                await asyncio.sleep(max(ASK_AGAIN, error.after))
                continue
            try:
                # Rights that were applied together with the Deployment may reach the API server after the pod does.
                await backoff.wait(error)
            except GameDayError:
                raise NoImage(f"the image of the agents cannot be read from {where}: {error}; or set {TOLD}") from error
    if pod is None:
        raise NoImage(f"the image of the agents cannot be read: {where} is not in this cluster; set {TOLD}")
    return _image(pod, where)


def _image(pod: Object, where: str) -> str:
    containers = pod["spec"]["containers"]
    own = [one["image"] for one in containers if one["name"] == CONTAINER]
    if not own:
        names = ", ".join(one["name"] for one in containers)
        raise NoImage(
            f"the image of the agents cannot be read: {where} has no container named {CONTAINER}, only "
            f"{names}; rename the operator's container, or set {TOLD}"
        )
    image: str = own[0]
    log.info("agents run the image of %s: %s", where, image)
    return image
