"""What a plan's faults would hit now, counted for the administrator's limits: pods, and how much of each workload."""

from gameday.actions.kinds import Kinds
from gameday.actions.registry import KINDS
from gameday.model.limits import Reach, Share
from gameday.model.plan import Plan
from gameday.preflight.shares import shares
from gameday.preflight.snapshot import Sight


def reach(sight: Sight, plan: Plan, kinds: Kinds = KINDS) -> Reach:
    """The pods that each fault acts on, by the field of the plan that says which."""
    pods: dict[str, int] = {}
    parts: list[tuple[str, Share]] = []
    for fault in plan.outage.faults:
        kind = kinds.of(fault.action)
        field, hit = kind.hits(fault.action, sight)
        path = f"spec.outage.faults[{fault.name}].{kind.name}.{field}"
        pods[path] = len(hit)
        parts += [(path, share) for share in shares(sight, hit)]
    return Reach(pods, tuple(parts))
