"""Whether the Deployment that a step names is there, and what has its name otherwise."""

from typing import Final

from gameday.cluster.kinds import DAEMON_SETS, DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS
from gameday.preflight.findings import Finding
from gameday.preflight.snapshot import Sight

OTHERS: Final = (STATEFUL_SETS, DAEMON_SETS, REPLICA_SETS)
READS: Final = (DEPLOYMENTS, *OTHERS)
"""What is looked through."""


def not_found(sight: Sight, path: str, name: str) -> Finding | None:
    """The finding at ``path`` where there is no such Deployment, else None."""
    if name in {one["metadata"]["name"] for one in sight.of(DEPLOYMENTS)}:
        return None
    for kind in OTHERS:
        if name in {one["metadata"]["name"] for one in sight.of(kind)}:
            text = f"{name} is a {kind.name}, and only Deployments can be scaled for now"
            return Finding("NotADeployment", path, text, "name a Deployment, or take this step out")
    text = f"there is no Deployment {name}, and only Deployments can be scaled for now"
    return Finding("NoDeployment", path, text, "correct the name, or take this step out")
