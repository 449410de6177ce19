"""What a plan's faults would hit now, counted for the administrator's limits: pods, and how much of each workload."""

from gameday.actions.kinds import Kinds
from gameday.actions.registry import KINDS
from gameday.model.limits import BlastRadius
from gameday.model.plan import Plan
from gameday.preflight.impact import Hit, workload_impacts
from gameday.preflight.snapshot import NamespaceSnapshot


def blast_radius(snapshot: NamespaceSnapshot, plan: Plan, kinds: Kinds = KINDS) -> BlastRadius:
    """The pods that each fault acts on, by the field of the plan that says which; of each workload all together."""
    pods: dict[str, int] = {}
    hits: dict[str, Hit] = {}
    for fault in plan.outage.faults:
        kind = kinds.of(fault.action)
        field, hit = kind.hits(fault.action, snapshot)
        path = f"spec.outage.faults[{fault.name}].{kind.name}.{field}"
        pods[path] = len(hit)
        hits[path] = Hit(hit, kind.hits_any)
    return BlastRadius(pods, tuple(workload_impacts(snapshot, hits)))
