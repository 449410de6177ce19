"""Whether the workload that a step names is there, and what has its name otherwise."""

from typing import Final

from gameday.actions.scale.workload import FIELDS, KINDS, Workload
from gameday.cluster.kinds import DAEMON_SETS, REPLICA_SETS, Kind
from gameday.preflight.findings import Finding
from gameday.preflight.snapshot import Sight

READS: Final[tuple[Kind, ...]] = (*KINDS.values(), DAEMON_SETS, REPLICA_SETS)
"""What is looked through."""


def not_found(sight: Sight, path: str, workload: Workload) -> Finding | None:
    """The finding at ``path`` where there is no such workload, else None."""
    kinds = (kind for kind in (workload.kind, *READS) if _is_there(sight, kind, workload.name))
    there = next(kinds, None)
    if there is workload.kind:
        return None
    if there is None:
        return Finding(f"No{workload.kind.name}", path, f"there is no {workload}", "correct the name, or take this out")
    if there.name in FIELDS:
        text, remedy = f"{workload.name} is a {there.name}", f"name it in the field {FIELDS[there.name]}"
    else:
        text = f"{workload.name} is a {there.name}, and only Deployments and StatefulSets can be scaled"
        remedy = "name one of these, or take this out"
    return Finding(f"NotA{workload.kind.name}", path, text, remedy)


def _is_there(sight: Sight, kind: Kind, name: str) -> bool:
    return any(one["metadata"]["name"] == name for one in sight.of(kind))
