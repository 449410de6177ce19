"""When the operator never comes back, no pod of a drill runs for longer than the drill's last deadline."""

import logging
from collections.abc import Iterator

import pytest

from gameday.cluster.kinds import DEPLOYMENTS, DRILLS, PODS
from gameday.controller.drill.agent_pods import LINGER
from gameday.engine.drill.budgets import fuse_of_scale, longest
from gameday.model.labels import AGENT
from simulation.bare.api import PLANS
from simulation.controllers import POD_RUNS
from simulation.running import Site
from simulation.scenario import Scenario, Trial, Vice
from simulation.town import WORKERS
from simulation.world import START

GOOD, STUCK = Trial(severs=True), Trial(vice=Vice.STUCK, rollback=True)


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def running(site: Site) -> list[str]:
    """The agents whose pods run."""
    pods = site.server.store.all_of(PODS, site.towns[0].namespace)
    ours = [pod for pod in pods if AGENT in (pod["metadata"].get("labels") or {})]
    return sorted(pod["metadata"]["labels"][AGENT] for pod in ours if pod.get("status", {}).get("phase") == "Running")


@pytest.mark.parametrize(
    ("trial", "phase"), [(GOOD, "SteadyState"), (GOOD, "Outage"), (GOOD, "Recovery"), (STUCK, "Rollback")]
)
def test_no_pod_outlives_the_last_deadline_of_a_drill_that_nobody_ends(trial: Trial, phase: str) -> None:
    site = Site(Scenario(1, (trial,)))
    try:
        abandon(site, trial, phase)
    finally:
        for process in site.everyone:
            process.bury()


def abandon(site: Site, trial: Trial, phase: str) -> None:
    """Kill the operator for good in a phase, and look at the pods from then on."""
    (town,) = site.towns
    town.found()
    site.start()
    world, store = site.world, site.server.store

    def in_phase() -> bool:
        drill = store.get(DRILLS, town.namespace, town.drill_name)
        scaled = store.get(DEPLOYMENTS, town.namespace, "worker")
        there = drill is not None and drill.get("status", {}).get("phase") == phase and bool(running(site))
        return there and (phase != "Rollback" or (scaled is not None and scaled["spec"]["replicas"] == 0))

    assert world.run(START + 300, in_phase)
    site.restart_after = 1e9
    for process in list(site.alive):
        process.kill()
    plan = PLANS[trial.kind]
    world.run(world.now + longest(plan) - 120, lambda: False)
    assert {"observer", "witness-0", "control-0"} <= set(running(site)), "until then it could be taken up again"
    world.run(world.now + 120 + POD_RUNS + LINGER, lambda: False)
    if plan.rollback is not None:
        world.run(world.now + fuse_of_scale(plan.rollback), lambda: False)
        worker = store.get(DEPLOYMENTS, town.namespace, "worker")
        assert worker is not None
        assert worker["spec"]["replicas"] == WORKERS, "the fuse fired, and ended"
    assert running(site) == []
