"""What a drill's informers make of pods and fuses: neither a sidecar nor a fuse of another version is a trouble."""

import asyncio
import time
from typing import Any

import pytest

from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller.administrator import Administrator
from gameday.controller.drill.informers import DrillInformers
from gameday.controller.drill.log_follower import LogFollower
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.controller.drill.pods import life_of
from gameday.controller.gameday.gamedays import read
from gameday.controller.task_set import TaskSet
from gameday.controller.telemetry import Metrics
from gameday.engine.drill.command_outcomes import CommandOutcomes
from gameday.model.observation import Fuse, Life
from unit.api_server import ApiServer
from unit.controller.process.test_operator import GAMEDAY, OWN, becomes
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


async def fuse_of(cluster: Cluster, drill: Object) -> Fuse:
    """The fuse of a drill's cut, as an operator that has just begun sees it."""
    persisted = PersistedDrill(cluster, drill, lambda _: None, lambda _, __: None, time.time)
    persisted.freeze(*read(GAMEDAY))
    follower = LogFollower(cluster, "shop", "first", Metrics(cluster.requests), time.time)
    administrator = Administrator(cluster, OWN, lambda: None)
    informers = DrillInformers(cluster, persisted, follower, administrator, CommandOutcomes())
    assert persisted.plan is not None
    async with asyncio.TaskGroup() as group:
        tasks = TaskSet(group)
        informers.open(tasks, lambda: None)
        informers.open_namespace(persisted.plan)
        await becomes(lambda: informers.listed("jobs"))
        seen = informers.observe().fuse("first-fuse")
        informers.close()
        tasks.cancel()
    return seen


def entry(drill: Object) -> Object:
    """The only entry of a drill's undo log, as it is written."""
    (found,) = drill["status"]["undo"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("budget", ["PROVE", "ARM", "UNDO", "CLOSE_CONNECTIONS", "GRACE"])
async def test_a_fuse_that_a_version_with_other_budgets_has_armed_guards_its_cut(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, budget: str
) -> None:
    drill = under_cut(api_server, armed=True)
    assert "until" in entry(drill)["fusedBy"]
    job = api_server.objects["jobs", "shop", "first-fuse"]
    job["metadata"].pop("annotations", None)  # as an operator made it that knew no such annotation
    api_server.put("jobs", "shop", job)
    monkeypatch.setattr(f"gameday.engine.drill.timeouts.{budget}", 77.0)
    seen = await fuse_of(cluster, drill)
    assert (seen.armed, seen.dead) == (True, None)


async def test_a_fuse_whose_deadline_a_person_has_changed_guards_its_cut_no_more(
    api_server: ApiServer, cluster: Cluster
) -> None:
    drill = under_cut(api_server, armed=True)
    job = api_server.objects["jobs", "shop", "first-fuse"]
    later = job["spec"] | {"activeDeadlineSeconds": job["spec"]["activeDeadlineSeconds"] + 600}
    api_server.put("jobs", "shop", job | {"spec": later})
    seen = await fuse_of(cluster, drill)
    assert (seen.armed, seen.dead) == (False, "its deadline was changed: leave its Job alone")
