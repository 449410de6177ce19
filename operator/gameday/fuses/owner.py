"""Whose a fuse is: a Drill's by its UID, because an earlier Drill of the same name may have left one.

A fuse that acts is not owned by its Drill in Kubernetes' sense, because it must outlive it. So its Job names the UID of
the Drill in an annotation.
"""

from dataclasses import dataclass
from typing import Final

from gameday.cluster.resources import DRILLS, Object
from gameday.schema.times import shown_moment

DRILL_UID: Final = "gameday.dev/drill-uid"
"""Annotation of a fuse that acts: the UID of its Drill."""


@dataclass(frozen=True, slots=True)
class FuseOwner:
    """The Drill of a fuse: its UID, and when it was created (RFC 3339, "" where that is not known)."""

    uid: str
    created: str = ""

    @classmethod
    def of(cls, drill: Object) -> "FuseOwner":
        """The Drill as the owner of its fuses."""
        return cls(drill["metadata"]["uid"], drill["metadata"].get("creationTimestamp", ""))

    def owns(self, job: Object) -> bool:
        """Whether a Job of a fuse's name is this Drill's, and not that of an earlier Drill of the same name.

        An operator of an earlier version did not note the UID: what it made while this Drill existed is its own.
        """
        metadata = job["metadata"]
        noted = (metadata.get("annotations") or {}).get(DRILL_UID)
        drills = [one["uid"] for one in metadata.get("ownerReferences") or () if one.get("kind") == DRILLS.kind]
        if noted is not None or drills:
            return self.uid in (noted, *drills)
        made = metadata.get("creationTimestamp", "")
        return not made or not self.created or shown_moment(made) >= shown_moment(self.created)
