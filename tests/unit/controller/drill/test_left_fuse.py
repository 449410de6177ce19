"""What an earlier Drill of the same name has left is neither taken for the drill's own nor removed with it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller.drill.agent_pods import PodContext
from gameday.controller.drill.command_executor import CommandExecutor
from gameday.controller.drill.informers import DrillInformers
from gameday.controller.drill.log_follower import LogFollower
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.controller.drill.samples import SampleKeeper
from gameday.controller.drill.waiting_fuses import waiting_fuse
from gameday.controller.gameday.gamedays import read
from gameday.controller.process.operator import Operator
from gameday.controller.settings import Settings
from gameday.controller.task_set import TaskSet
from gameday.engine.drill.command_outcomes import CommandOutcomes
from gameday.engine.drill.commands import ArmFuse, RemoveFuse, StartAgents, StopAgents
from gameday.errors import Rejected
from gameday.model.change import Change
from gameday.model.record import DrillRecord, Phase
from gameday.model.setup import Setup
from unit.api_server import ApiServer
from unit.controller.process.test_operator import GAMEDAY, OWN, a_drill, becomes
from unit.engine.simulation import NO_WORKERS

NAME = "first-fuse"
FUSE = ("jobs", "shop", NAME)
SCALE = Change(
    NO_WORKERS.name, "scale", "Deployment", "worker", NAME, before={"replicas": 3}, wanted={"replicas": 0},
)  # fmt: skip


@asynccontextmanager
async def arming(
    server: ApiServer, cluster: Cluster, *left: Object
) -> AsyncIterator[tuple[CommandExecutor, DrillInformers]]:
    """The executor of the drill ``first`` once its informers know the Jobs that others have left."""
    for job in left:
        server.put("jobs", "shop", job)
    operator = Operator(cluster, Settings(OWN, "me", "image"), time.time, time.monotonic)
    drill = server.put("drills", "shop", a_drill("first"))
    persisted = PersistedDrill(cluster, drill, lambda _: None, lambda _, __: None, time.time)
    plan, text, digest = read(GAMEDAY)
    plan = replace(plan, outage=replace(plan.outage, faults=(NO_WORKERS,)))
    persisted.freeze(plan, text, digest)
    persisted.setup, persisted.record = Setup(), DrillRecord(Phase.OUTAGE, changes=(SCALE,))
    follower = LogFollower(cluster, "shop", "first", operator.metrics, time.time)
    informers = DrillInformers(cluster, persisted, follower, operator.administrator, CommandOutcomes())
    executor = CommandExecutor(
        cluster, persisted, informers, operator.settings, time.time, operator.supervisor.runs, operator.concurrency,
        operator.lock_waiters, SampleKeeper(informers.account, persisted, informers, lambda: ()),
    )  # fmt: skip
    async with asyncio.TaskGroup() as group:
        tasks = TaskSet(group)
        informers.open(tasks, lambda: None)
        informers.open_namespace(plan)
        await becomes(lambda: informers.listed("jobs") and len(informers.objects("jobs")) == len(left))
        yield executor, informers
        informers.close()
        tasks.cancel()


def left_by(uid: str) -> Object:
    """The fuse that the operator made for a Drill of this name and this UID."""
    return waiting_fuse(PodContext("shop", "first", uid, "image", "Always"), 90.0, SCALE)


async def test_it_keeps_the_drill_from_arming_until_it_is_gone(api_server: ApiServer, cluster: Cluster) -> None:
    async with arming(api_server, cluster, left_by("earlier-uid")) as (executor, informers):
        left = api_server.objects[FUSE]
        with pytest.raises(Rejected, match="is the fuse of an earlier Drill of this name"):
            await executor.execute(ArmFuse(SCALE))
        assert informers.fuse_job(SCALE) is None, "its clock and its pods are not this drill's"
        assert api_server.objects[FUSE] == left
        api_server.drop(*FUSE)
        await executor.execute(ArmFuse(SCALE))
        own = informers.fuse_job(SCALE)
        assert own is not None
        assert own["metadata"]["uid"] != left["metadata"]["uid"]


async def test_the_end_of_the_drill_does_not_remove_it(api_server: ApiServer, cluster: Cluster) -> None:
    async with arming(api_server, cluster, left_by("earlier-uid")) as (executor, _):
        await executor.execute(RemoveFuse(SCALE))
        assert FUSE in api_server.objects


async def test_the_drills_own_is_found_again_and_removed(api_server: ApiServer, cluster: Cluster) -> None:
    async with arming(api_server, cluster) as (executor, informers):
        await executor.execute(ArmFuse(SCALE))
        made = api_server.objects[FUSE]
        informers.evict("jobs", NAME)
        await executor.execute(ArmFuse(SCALE))
        assert api_server.objects[FUSE] == made
        assert informers.fuse_job(SCALE) == made
        await executor.execute(RemoveFuse(SCALE))
        assert FUSE not in api_server.objects


async def test_an_agent_that_is_left_keeps_the_drill_from_starting_its_own_until_it_is_gone(
    api_server: ApiServer, cluster: Cluster
) -> None:
    async with arming(api_server, cluster) as (executor, informers):
        await executor.execute(StartAgents())
        own = pods(api_server)
        assert {pod["metadata"]["name"] for pod in own} == {"first-observer"}
        (observer,) = own
        owner = observer["metadata"]["ownerReferences"][0] | {"uid": "earlier-uid"}
        left = observer | {"metadata": observer["metadata"] | {"uid": "left", "ownerReferences": [owner]}}
        left = api_server.put("pods", "shop", left)
        await becomes(lambda: informers.objects("pods") == {"first-observer": left})
        assert not informers.agent_pods(["observer"])
        await executor.execute(StopAgents())
        with pytest.raises(Rejected, match="first-observer is left by another Drill of this name"):
            await executor.execute(StartAgents())
        assert pods(api_server) == [left]
        api_server.drop("pods", "shop", "first-observer")
        await becomes(lambda: not informers.objects("pods"))
        await executor.execute(StartAgents())
        assert informers.agent_pods(["observer"])


def pods(server: ApiServer) -> list[Object]:
    """All pods."""
    return [thing for (plural, _, _), thing in server.objects.items() if plural == "pods"]
