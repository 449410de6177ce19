"""What the preflight finds of a workload that a fault or step names: is it there, which are its pods, is it cut off."""

from collections.abc import Iterator
from typing import Final

from gameday.actions.kind import Asked
from gameday.actions.workload import FIELDS, KINDS, Workload
from gameday.cluster.kinds import DAEMON_SETS, REPLICA_SETS, Kind, Object
from gameday.preflight.far_end import endpoint_addresses
from gameday.preflight.findings import Finding
from gameday.preflight.shares import running
from gameday.preflight.shares import workload as workload_of
from gameday.preflight.snapshot import Sight

READS: Final[tuple[Kind, ...]] = (*KINDS.values(), DAEMON_SETS, REPLICA_SETS)
"""What is looked through."""


def not_found(sight: Sight, path: str, workload: Workload) -> Finding | None:
    """A finding at ``path`` if the workload does not exist, else None."""
    kinds = (kind for kind in (workload.kind, *READS) if _is_there(sight, kind, workload.name))
    there = next(kinds, None)
    if there is workload.kind:
        return None
    if there is None:
        return Finding(
            f"No{workload.kind.name}", path, f"there is no {workload}", "correct the name, or remove this entry"
        )
    if there.name in FIELDS:
        text, remedy = f"{workload.name} is a {there.name}", f"name it in the field {FIELDS[there.name]}"
    else:
        text = f"{workload.name} is a {there.name}, but only Deployments and StatefulSets can be named here"
        remedy = "name one of these, or remove this entry"
    return Finding(f"NotA{workload.kind.name}", path, text, remedy)


def pods_of(sight: Sight, workload: Workload) -> tuple[Object, ...]:
    """The pods of a workload that run and are not ending, by who controls them: labels may be those of others too."""
    return tuple(pod for pod in running(sight) if workload_of(sight, pod) == str(workload))


def is_cut_off(asked: Asked, path: str, workload: Workload, remedy: str) -> Iterator[Finding]:
    """A finding if a fault stops what a cut takes from the targets: controls would fail as witnesses do."""
    ends = (asked.sight, *asked.sight.faults.values())
    behind = {address for end in ends for address in endpoint_addresses(end.endpoints)}
    listed = (pod.get("status", {}).get("podIPs") or () for pod in pods_of(asked.sight, workload))
    own = {entry.get("ip") for entries in listed for entry in entries}
    if behind & own and any(fault.name == asked.name for fault in asked.plan.outage.faults):
        text = (
            f"{workload.name} is the dependency that networkPartition cuts off, so the two faults could not "
            "be told apart"
        )
        yield Finding("TakesDependency", path, text, remedy)


def _is_there(sight: Sight, kind: Kind, name: str) -> bool:
    return any(one["metadata"]["name"] == name for one in sight.of(kind))
