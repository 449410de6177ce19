"""What a plan's faults would hit now, counted for the administrator's limits: pods, and how much of each workload."""

from gameday.actions.kinds import Kinds
from gameday.actions.registry import KINDS
from gameday.model.limits import BlastRadius, WorkloadImpact
from gameday.model.plan import Plan
from gameday.preflight.impact import workload_impacts
from gameday.preflight.snapshot import NamespaceSnapshot


def blast_radius(snapshot: NamespaceSnapshot, plan: Plan, kinds: Kinds = KINDS) -> BlastRadius:
    """The pods that each fault acts on, by the field of the plan that says which."""
    pods: dict[str, int] = {}
    parts: list[tuple[str, WorkloadImpact]] = []
    for fault in plan.outage.faults:
        kind = kinds.of(fault.action)
        field, hit = kind.hits(fault.action, snapshot)
        path = f"spec.outage.faults[{fault.name}].{kind.name}.{field}"
        pods[path] = len(hit)
        parts += [(path, impact) for impact in workload_impacts(snapshot, hit)]
    return BlastRadius(pods, tuple(parts))
