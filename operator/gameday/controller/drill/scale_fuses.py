"""The configuration of the fuse of a scaled workload."""

from gameday.cluster.resources import Object
from gameday.controller.drill.agent_pods import PodContext, fuse_job
from gameday.engine.drill import timeouts
from gameday.model.agent import FuseConfig
from gameday.model.change import Change
from gameday.model.names import fuse_agent


def scale_fuse(ctx: PodContext, lasts: float, change: Change) -> Object:
    """The Job that puts back what an entry of the undo log scaled, ``lasts`` seconds after it was armed."""
    config = FuseConfig(
        workload=change.object_name,
        kind=change.object_kind,
        namespace=ctx.namespace,
        replicas=(change.before or {}).get("replicas", 0),
        wanted=(change.wanted or {}).get("replicas"),
        lasts=lasts,
        ends_after=timeouts.longest_of_fuse(lasts),
    )
    return fuse_job(ctx, change.fuse_name, fuse_agent(change.name), config)
