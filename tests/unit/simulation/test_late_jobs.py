"""The Job of an irreversible step that the API server creates late, or starts late: it never runs against workers."""

import asyncio
from typing import Any

import pytest
import yaml

from gameday.cluster.resources import DEPLOYMENTS, DRILLS, JOBS, Object, Resource
from gameday.model.labels import ROLE
from simulation import client
from simulation.controllers import begins
from simulation.namespace import SimulatedNamespace
from simulation.outcome import Outcome
from simulation.running import Simulation
from simulation.scenario import Defect, Failure, Mitigates, Scenario, Trial, What
from simulation.store import Change

GAVE_UP: tuple[float, ...] = (12.0, 40.0, 58.0)
"""Seconds that a request takes of which the operator hears nothing after 10 s."""
ROLLBACK = Trial(defect=Defect.STUCK, rollback=True)
MITIGATED = Trial(defect=Defect.STUCK, mitigates=Mitigates.EARLY)
BOTH = [pytest.param(ROLLBACK, id="rollback"), pytest.param(MITIGATED, id="mitigation")]
TOLD = Failure(What.DELAY, 0.0, count=0)
"""Tells the promises about verdicts that something may be late."""
TOLD_OF_A_DEATH = Failure(What.CRASH, 0.5, seconds=1.0)
"""Tells them the same of processes that die; this one has nothing to do yet."""


ONLY_A_JOB = """
ifMissed: [healthy again]
within: 30s
steps:
- {name: clear state, job: {fromCronJob: clear-stalled}, irreversible: true}
"""
"""A rollback that changes nothing which a fuse would put back."""


def _is_step(body: Object) -> bool:
    return bool((body["metadata"].get("labels") or {}).get(ROLE) == "step")


class Late:
    """A world in which the first request that creates a step's Job, or that starts it, takes long."""

    def __init__(self, trial: Trial, seconds: float, *, verb: str = "create", dies: float | None = None) -> None:
        told = (TOLD,) if dies is None else (TOLD, TOLD_OF_A_DEATH)
        self.sim = Simulation(Scenario(1, (trial,), told))
        self.seconds, self.verb, self.dies = seconds, verb, dies
        self.aborts: float | None = None
        self.keeps = False
        """Whether to delete the Job takes long as well."""
        self.delayed: list[float] = []
        """When the request was sent."""
        self.ran: list[tuple[str, int]] = []
        """Each step's Job that began to run, with the number of the workers then."""
        self.came: list[str] = []
        (self.ns,) = self.sim.namespaces
        self.sim.server.store.listeners.append(self._hear)

    def _hear(self, change: Change) -> None:
        if change.resource is not JOBS or change.after is None or not _is_step(change.after):
            return
        name = change.after["metadata"]["name"]
        if change.before is None:
            self.came.append(name)
        if begins(change):
            worker = self.sim.server.store.need(DEPLOYMENTS, self.ns.namespace, "worker")
            self.ran.append((name, worker["spec"]["replicas"]))

    def _delay(self, process: Any, server: client.Server) -> None:
        server.delays.insert(0, self.seconds)
        self._noted(process)

    def _noted(self, process: Any) -> None:
        self.delayed.append(self.sim.world.now)
        if self.aborts is not None:
            self.sim.world.after(self.aborts, self._abort)
        if self.dies is not None:
            self.sim.world.after(self.dies, process.kill)

    def _abort(self) -> None:
        self.sim.server.store.edit(DRILLS, self.ns.namespace, self.ns.drill_name, spec={"abort": True})

    def run(self, monkeypatch: pytest.MonkeyPatch) -> Outcome:
        create, patch, list_ = (
            client.SimulatedCluster.create,
            client.SimulatedCluster.patch,
            client.SimulatedCluster.list,
        )
        late = self

        async def slow_create(
            self: client.SimulatedCluster, resource: Resource, namespace: str | None, body: Object, **options: Any
        ) -> Object:
            first = resource is JOBS and not options.get("dry_run") and _is_step(body) and not late.delayed
            if first and late.verb == "create":
                late._delay(self.process, self.server)
            return await create(self, resource, namespace, body, **options)

        async def slow_patch(self: client.SimulatedCluster, resource: Resource, *names: Any, **options: Any) -> Object:
            if resource is JOBS and late.verb == "patch" and not late.delayed:
                late._delay(self.process, self.server)
            return await patch(self, resource, *names, **options)

        async def slow_list(self: client.SimulatedCluster, resource: Resource, *names: Any, **options: Any) -> Any:
            answer = await list_(self, resource, *names, **options)
            if resource is DEPLOYMENTS and late.verb == "list" and late.came and not late.delayed:
                late._noted(self.process)
                await asyncio.sleep(late.seconds)
            return answer

        async def slow_delete(self: client.SimulatedCluster, resource: Resource, *names: Any, **options: Any) -> bool:
            if resource is JOBS and late.keeps and "version" in options:
                self.server.delays.insert(0, 9.0)
            return await delete(self, resource, *names, **options)

        delete = client.SimulatedCluster.delete
        monkeypatch.setattr(client.SimulatedCluster, "delete", slow_delete)
        monkeypatch.setattr(client.SimulatedCluster, "list", slow_list)
        monkeypatch.setattr(client.SimulatedCluster, "create", slow_create)
        monkeypatch.setattr(client.SimulatedCluster, "patch", slow_patch)
        return self.sim.run()

    def holds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        outcome = self.run(monkeypatch)
        assert self.delayed, "no such request was sent"
        assert not outcome.broken, outcome.broken
        assert [one for one in self.ran if one[1] != 0] == [], "a Job runs although the workers are back"
        assert len({name for name, _ in self.ran}) == len(self.ran), "a Job runs a second time"


@pytest.mark.parametrize("verb", ["create", "patch"])
@pytest.mark.parametrize("seconds", GAVE_UP)
@pytest.mark.parametrize("trial", BOTH)
def test_it_does_not_run_once_an_abort_has_put_the_workers_back(
    trial: Trial, seconds: float, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Late(trial, seconds, verb=verb)
    world.aborts = 5.0
    world.holds(monkeypatch)
    assert world.came, "the Job never came: nothing was tried"
    assert not world.ran
    assert not [job for job in world.sim.server.store.all_of(JOBS, world.ns.namespace) if _is_step(job)], "it is left"


@pytest.mark.parametrize("verb", ["create", "patch"])
@pytest.mark.parametrize("seconds", GAVE_UP)
@pytest.mark.parametrize("trial", BOTH)
def test_it_does_not_run_a_second_time_nor_after_the_time_of_the_steps(
    trial: Trial, seconds: float, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Late(trial, seconds, verb=verb).holds(monkeypatch)


@pytest.mark.parametrize("trial", BOTH)
def test_it_does_not_run_where_the_abort_comes_while_the_operator_looks_before_it_starts_it(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads the replicas before that, and is answered after it; to delete the Job takes long as well."""
    world = Late(trial, 8.0, verb="list")
    world.aborts = 5.0
    world.keeps = True
    world.holds(monkeypatch)
    assert world.came


@pytest.mark.parametrize("dies", [0.001, 5.0])
@pytest.mark.parametrize("verb", ["create", "patch"])
@pytest.mark.parametrize("seconds", GAVE_UP)
@pytest.mark.parametrize("trial", BOTH)
def test_it_does_not_run_against_workers_where_the_process_that_asked_for_it_died(
    trial: Trial, seconds: float, verb: str, dies: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    Late(trial, seconds, verb=verb, dies=dies).holds(monkeypatch)


@pytest.mark.parametrize("seconds", GAVE_UP)
@pytest.mark.parametrize(
    "trial", [ROLLBACK, Trial(defect=Defect.STUCK, mitigates=Mitigates.JOBS)], ids=["rollback", "mitigation"]
)
def test_none_is_left_that_comes_for_a_process_that_died(
    trial: Trial, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drill holds its namespace until such a request cannot arrive any more, and deletes what comes."""
    planned = SimulatedNamespace.planned

    def with_a_job(ns: SimulatedNamespace) -> Object:
        spec = planned(ns)
        return spec | {"rollback": yaml.safe_load(ONLY_A_JOB)} if trial.rollback else spec

    monkeypatch.setattr(SimulatedNamespace, "planned", with_a_job)
    world = Late(trial, seconds, dies=0.1)
    outcome = world.run(monkeypatch)
    assert not outcome.broken, outcome.broken
    assert world.came, "the Job never came: nothing was tried"
    assert not world.ran
    left = [job for job in world.sim.server.store.all_of(JOBS, world.ns.namespace) if _is_step(job)]
    assert not left, "it is left, and no process looks at it any more"
