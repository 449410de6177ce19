"""The Job of a fuse that acts, as the kind of the change wants its pod."""

from gameday.actions.registry import KINDS
from gameday.cluster.resources import Object
from gameday.controller.drill.agent_pods import PodContext, fuse_job
from gameday.engine.drill import timeouts
from gameday.model.change import Change
from gameday.model.names import fuse_agent


def waiting_fuse(ctx: PodContext, lasts: float, change: Change) -> Object:
    """The Job that undoes an entry of the undo log ``lasts`` seconds after it was armed.

    Raises:
        Rejected: when the entry does not say how it is undone.

    """
    wanted = KINDS.changes[change.kind].fuse_pod(change, ctx.namespace, lasts, timeouts.longest_of_fuse(lasts))
    return fuse_job(ctx, change.fuse_name, fuse_agent(change.name), wanted)
