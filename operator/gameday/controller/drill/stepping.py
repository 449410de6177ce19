"""Taking the steps of a rollback, as the namespace's account: a scale there and back, a Job once."""

from gameday.actions import job as job_step
from gameday.actions import scale
from gameday.cluster.client import Cluster
from gameday.cluster.kinds import DEPLOYMENTS
from gameday.controller.drill.memory import Memory
from gameday.controller.drill.view import View, workload_mirror
from gameday.engine.drill.ownership import taken_over
from gameday.errors import Refused
from gameday.model.names import job
from gameday.model.record import Hold, HoldKind, HoldState
from gameday.model.world import Workload


class Stepping:
    """Takes the steps of one drill; ``account`` acts as its namespace's account."""

    def __init__(self, account: Cluster, memory: Memory, view: View) -> None:
        self.account = account
        self.memory = memory
        self.view = view

    async def scale(self, hold: Hold, replicas: int, version: str) -> None:
        """Scale away, then read what became of it: who scales back at once would else never be seen. Or scale back."""
        namespace = self.memory.namespace
        if replicas == hold.before and hold.wanted is not None:
            await scale.put_back(self.account, namespace, hold.object_name, replicas, hold.wanted)
            return
        await scale.scale(self.account, namespace, hold.object_name, replicas, version)
        await self._read(hold.object_name)

    async def start_job(self, step: str, cron_job: str) -> None:
        """Create a step's Job, once it was seen that what steps before it scaled is at its number: a watch may be late.

        Raises:
            Refused: when somebody else has set another number.

        """
        record = self.memory.record
        for hold in record.holds:
            if hold.kind is HoldKind.SCALE and hold.state is HoldState.ACTIVE:
                why = taken_over(record, hold, await self._read(hold.object_name))
                if why:
                    raise Refused(why)
        name, drill, uid = job(self.memory.name, step), self.memory.name, self.memory.uid
        await job_step.start(self.account, self.memory.namespace, cron_job, name, drill, uid)

    async def _read(self, deployment: str) -> Workload:
        """How a Deployment stands at this moment; the view knows it from then on."""
        found, _ = await self.account.list(DEPLOYMENTS, self.memory.namespace, fields=f"metadata.name={deployment}")
        for there in found:
            self.view.learn(workload_mirror(deployment), there)
        return scale.workload_of(next(iter(found), None))
