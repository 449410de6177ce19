"""How long each part of a drill may take, in seconds; every wait of a drill ends."""

from typing import Final

from gameday.model.plan import Plan, Rollback

PREFLIGHT: Final = 60.0
"""Reading the namespace and dry-running every object."""
AGENTS: Final = 90.0
"""Creating the agents until each has measured, image pull included."""
DIALS: Final = 15.0
"""From a twin's first failed dial until one must have got through: a new pod's network takes a moment."""
ARM: Final = 20.0
"""Creating a fuse until it burns."""
PROVE: Final = 30.0
"""From the injection request until the witnesses are cut off."""
SEVER: Final = 15.0
"""Killing the connections that the targets had."""
UNDO: Final = 30.0
"""From the undo request until the witnesses are back."""
ARRIVE: Final = 70.0
"""How long after we ceased to ask for a change it may still be made: we wait 10 s for an answer, and the API server
works on a request for at most a minute (its --request-timeout)."""
TIDY: Final = 20.0
"""Deleting the agents and giving the namespace back, before it is told what stands in the way."""
GRACE: Final = 10.0
"""How long samples may trail a deadline before they count as missing."""


def fuse_of_cut(plan: Plan) -> float:
    """Seconds from arming until a cut's fuse lifts it: the worst healthy drill never burns it."""
    return ARM + PROVE + SEVER + plan.outage.lasts + GRACE + UNDO


def fuse_of_scale(rollback: Rollback) -> float:
    """Seconds from arming until a scale's fuse puts the replicas back."""
    return ARM + rollback.within + UNDO
