"""How a plan is carried out in a namespace: its cuts, where agents run, and what most likely gets around a cut."""

from gameday.actions.kind import PreflightContext
from gameday.actions.registry import KINDS
from gameday.cluster.resources import Object
from gameday.model.plan import Plan
from gameday.model.setup import Cut, Setup
from gameday.preflight.placement import placement_of
from gameday.preflight.snapshot import NamespaceSnapshot


def setup_of(snapshot: NamespaceSnapshot, plan: Plan, account: Object | None) -> Setup:
    """How this plan is carried out in this namespace; ``account`` is its ServiceAccount."""
    cuts: list[Cut] = []
    alike: list[Object] = []
    for fault in plan.outage.faults:
        kind = KINDS.of(fault.action)
        path = f"spec.outage.faults[{fault.name}].{kind.name}"
        if (cut := kind.prepare(fault.action, PreflightContext(snapshot, plan, fault.name, path, account))) is not None:
            cuts.append(cut)
        alike += kind.placed_like(fault.action, snapshot)
    placement = cuts[0].placement if cuts else placement_of(alike, account)
    return Setup(tuple(cuts), dns=snapshot.dns, placement=placement)


def suspected_bypasses(plan: Plan, setup: Setup, snapshot: NamespaceSnapshot) -> dict[str, str]:
    """What most likely lets traffic through each cut."""
    actions = {fault.name: fault.action for fault in plan.outage.faults}
    return {
        cut.fault: KINDS.changes[action.KIND].suspected_bypass(action, snapshot, cut)
        for cut in setup.cuts
        if (action := actions.get(cut.fault)) is not None and action.KIND in KINDS.changes
    }
