"""What the preflight finds of a workload that a fault or step names: is it there, which are its pods, is it cut off."""

from collections.abc import Iterator
from typing import Final

from gameday.actions.kind import PreflightContext
from gameday.actions.workload import FIELDS, KINDS, Workload
from gameday.cluster.resources import DAEMON_SETS, REPLICA_SETS, Object, Resource
from gameday.preflight.cut_destination import endpoint_addresses
from gameday.preflight.findings import Finding
from gameday.preflight.impact import running
from gameday.preflight.impact import workload as workload_of
from gameday.preflight.snapshot import NamespaceSnapshot

READS: Final[tuple[Resource, ...]] = (*KINDS.values(), DAEMON_SETS, REPLICA_SETS)
"""What is looked through."""


def not_found(snapshot: NamespaceSnapshot, path: str, workload: Workload) -> Finding | None:
    """A finding at ``path`` if the workload does not exist, else None."""
    resources = (one for one in (workload.resource, *READS) if snapshot.named(one, workload.name) is not None)
    there = next(resources, None)
    if there is workload.resource:
        return None
    if there is None:
        return Finding(
            f"No{workload.resource.kind}", path, f"there is no {workload}", "correct the name, or remove this entry"
        )
    if there.kind in FIELDS:
        text, remedy = f"{workload.name} is a {there.kind}", f"name it in the field {FIELDS[there.kind]}"
    else:
        text = f"{workload.name} is a {there.kind}, but only Deployments and StatefulSets can be named here"
        remedy = "name one of these, or remove this entry"
    return Finding(f"NotA{workload.resource.kind}", path, text, remedy)


def pods_of(snapshot: NamespaceSnapshot, workload: Workload) -> tuple[Object, ...]:
    """The pods of a workload that run and are not ending, by who controls them: labels may be those of others too."""
    return tuple(pod for pod in running(snapshot) if workload_of(snapshot, pod) == str(workload))


def planned_of(snapshot: NamespaceSnapshot, workload: Workload) -> tuple[Object, ...]:
    """A pod as the workload's template has it, under the workload's name; none where the workload is not there."""
    there = snapshot.named(workload.resource, workload.name)
    return () if there is None else (there["spec"]["template"] | {"metadata": {"name": workload.name}},)


def is_cut_off(ctx: PreflightContext, path: str, workload: Workload, remedy: str) -> Iterator[Finding]:
    """A finding if a fault or a mitigation stops what a cut takes from its targets: controls would fail as well.

    The steps of the rollback may: by then no control is looked at any more.
    """
    ends = (ctx.snapshot, *ctx.snapshot.faults.values())
    behind = {address for end in ends for address in endpoint_addresses(end.endpoints)}
    listed = (pod.get("status", {}).get("podIPs") or () for pod in pods_of(ctx.snapshot, workload))
    own = {entry.get("ip") for entries in listed for entry in entries}
    mitigates = ctx.plan.mitigation_of(ctx.name) is not None
    if behind & own and (mitigates or any(fault.name == ctx.name for fault in ctx.plan.outage.faults)):
        why = "the mitigation would look like its failure" if mitigates else "the two faults could not be told apart"
        text = f"{workload.name} is the dependency that networkPartition cuts off, so {why}"
        yield Finding("TakesDependency", path, text, remedy)
