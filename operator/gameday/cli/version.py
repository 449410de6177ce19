"""``gameday version``: of this program, and of what the cluster has."""

from dataclasses import dataclass
from typing import Final

from gameday.cli.asking import in_words
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DEFINITIONS, DEPLOYMENTS, DRILLS, Object
from gameday.errors import ClusterUnreachable, GameDayError

VERSION: Final = "0.1.0-alpha.1"
"""Of this program; that of the package."""
LABEL: Final = "app.kubernetes.io/version"
"""Where what is installed says its version."""
OPERATOR: Final = {"app.kubernetes.io/name": "gameday-operator"}
"""Labels of the operator's Deployment, wherever it is installed."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What a cluster has: a version, or why none is known."""

    resources: str
    operator: str
    image: str = ""


async def installed(cluster: Cluster, namespace: str) -> Installed:
    """What is installed; ``namespace`` is the operator's.

    Raises:
        GameDayError: when the API server does not answer, or rejects the credentials.

    """
    resources = await _resources(cluster)
    selector = ",".join(f"{key}={value}" for key, value in OPERATOR.items())
    try:
        deployments, _ = await cluster.list(DEPLOYMENTS, namespace, selector)
    except ClusterUnreachable:
        raise
    except GameDayError as error:
        return Installed(resources, f"not known: {in_words(error)}")
    if not deployments:
        return Installed(resources, f"none in namespace {namespace}")
    (container, *_) = deployments[0]["spec"]["template"]["spec"]["containers"]
    return Installed(resources, _version(deployments[0]), container["image"])


async def _resources(cluster: Cluster) -> str:
    """The version of the CRDs; who may not read them learns at least whether there are any."""
    try:
        found = await cluster.get(DEFINITIONS, None, f"{DRILLS.plural}.{DRILLS.group}")
    except ClusterUnreachable:
        raise
    except GameDayError as error:
        if DRILLS in await cluster.served([DRILLS]):
            return f"{DRILLS.api_version}, of a version that is not known: {in_words(error)}"
        return "none"
    return f"{DRILLS.api_version}, {_version(found)}" if found is not None else "none"


def _version(thing: Object) -> str:
    return str(thing["metadata"].get("labels", {}).get(LABEL) or "of an unknown version")
