"""Whose open connections a fault is about at this moment, and at which servers."""

from collections.abc import Collection

from gameday.actions.kind import ActionContext
from gameday.actions.registry import KINDS
from gameday.controller.drill.agents import Targets, counters
from gameday.errors import Rejected
from gameday.model.plan import Plan
from gameday.model.setup import Connections, Cut, Setup


async def connections_now(ctx: ActionContext, plan: Plan, cut: Cut) -> Connections:
    """The targets of a cut and the servers behind its dependency, as they are now.

    Raises:
        Rejected: when the plan has no such fault.
        GameDayError: when they cannot be read.

    """
    action = next((one.action for one in plan.outage.faults if one.name == cut.fault), None)
    if action is None:
        raise Rejected(f"the plan has no fault {cut.fault}: somebody else changed the Drill's status")
    return await KINDS.changes[action.KIND].closing(ctx, action, cut)


async def targets_now(ctx: ActionContext, plan: Plan, setup: Setup, agents: Collection[str]) -> dict[str, Targets]:
    """The targets of each fault whose connections one of these agents counts, by the fault's name.

    Raises:
        Rejected: when the plan has no such fault.
        GameDayError: when they cannot be read.

    """
    counted = (cut for cut in setup.cuts if counters(setup).get(cut.fault) in agents)
    return {cut.fault: (await connections_now(ctx, plan, cut)).targets for cut in counted}
