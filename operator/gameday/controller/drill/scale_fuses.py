"""The fuse of a scaled workload: what it is told."""

from gameday.cluster.kinds import Object
from gameday.controller.drill.agent_pods import Place, fuse_job
from gameday.engine.drill import budgets
from gameday.model.agent import FuseConfig
from gameday.model.names import fuse_agent
from gameday.model.plan import Rollback
from gameday.model.record import Hold


def scale_fuse(place: Place, rollback: Rollback, hold: Hold) -> Object:
    """The Job that puts back what an entry of the undo log scaled."""
    config = FuseConfig(
        deployment=hold.object_name,
        namespace=place.namespace,
        replicas=hold.before or 0,
        wanted=hold.wanted,
        lasts=budgets.fuse_of_scale(rollback),
        ends_after=budgets.longest_of_fuse(rollback),
    )
    return fuse_job(place, hold.fuse_name, fuse_agent(hold.name), config)
