"""The state of an agent's pod: what a cluster injects beside the agent changes nothing."""

import asyncio
import time
from typing import Any

import pytest

from gameday.cluster.client import Cluster
from gameday.controller.administrator import Administrator
from gameday.controller.drill.informers import DrillInformers, life_of
from gameday.controller.drill.log_follower import LogFollower
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.controller.task_set import TaskSet
from gameday.controller.telemetry import Metrics
from gameday.engine.drill.command_outcomes import CommandOutcomes
from gameday.model.observation import Life
from unit.api_server import ApiServer
from unit.controller.process.test_operator import OWN, becomes
from unit.controller.test_halted_drill import under_cut

State = dict[str, dict[str, Any]]

RUNNING: State = {"running": {}}
WAITING: State = {"waiting": {"reason": "PodInitializing"}}
OVER: State = {"terminated": {"exitCode": 1}}


def pod(agent: State | None, sidecar: State | None, *, phase: str = "Running") -> dict[str, Any]:
    statuses = [{"name": name, "state": state} for name, state in (("proxy", sidecar), ("agent", agent)) if state]
    spec = {"restartPolicy": "Never"}
    return {"metadata": {"name": "it"}, "spec": spec, "status": {"phase": phase, "containerStatuses": statuses}}


@pytest.mark.parametrize("sidecar", [None, RUNNING, WAITING, OVER], ids=["alone", "runs", "waits", "over"])
def test_a_sidecar_neither_holds_an_agent_up_nor_keeps_it_alive(sidecar: State | None) -> None:
    assert life_of(pod(RUNNING, sidecar)) is Life.RUNNING
    assert life_of(pod(WAITING, sidecar)) is Life.STARTING
    assert life_of(pod(OVER, sidecar)) is Life.ENDED


def test_a_pod_that_is_over_or_going_has_ended() -> None:
    assert life_of(pod(OVER, None, phase="Failed")) is Life.ENDED
    going = pod(RUNNING, RUNNING)
    going["metadata"]["deletionTimestamp"] = "2026-11-29T06:00:00Z"
    assert life_of(going) is Life.ENDED


def test_a_fuse_whose_container_is_started_again_has_not_ended() -> None:
    fuse = pod(OVER, RUNNING)
    fuse["spec"]["restartPolicy"] = "OnFailure"
    assert life_of(fuse) is Life.STARTING


async def test_an_abort_that_a_save_has_brought_counts_although_the_watch_says_nothing(
    api_server: ApiServer, cluster: Cluster
) -> None:
    """A connection on which nothing comes any more is known to be dead only after a while."""
    drill = under_cut(api_server)
    persisted = PersistedDrill(cluster, drill, lambda _: None, lambda _, __: None, time.time)
    follower = LogFollower(cluster, "shop", "first", Metrics(cluster.requests), time.time)
    informers = DrillInformers(
        cluster, persisted, follower, Administrator(cluster, OWN, lambda: None), CommandOutcomes()
    )
    async with asyncio.TaskGroup() as group:
        tasks = TaskSet(group)
        informers.open(tasks, lambda: None)
        await becomes(lambda: api_server.watched("drills"))
        api_server.mute = True
        newest = api_server.objects["drills", "shop", "first"]
        api_server.put("drills", "shop", newest | {"spec": newest["spec"] | {"abort": True}})
        assert not informers.observe().abort
        await persisted.save(persisted.record)
        assert informers.observe().abort
        informers.close()
        tasks.cancel()
