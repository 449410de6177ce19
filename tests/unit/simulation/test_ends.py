"""When the operator never comes back, no pod of a drill runs for longer than the drill's last deadline."""

import pytest

from gameday.cluster.resources import DEPLOYMENTS, DRILLS, PODS
from gameday.controller.drill.agent_pods import LINGER
from gameday.engine.drill.timeouts import fuse_of_rollback, longest
from gameday.model.labels import AGENT
from simulation.bare.api import PLANS
from simulation.controllers import POD_RUNS
from simulation.namespace import WORKERS
from simulation.running import Simulation
from simulation.scenario import Defect, Scenario, Trial
from simulation.world import START

GOOD, STUCK = Trial(close_connections=True), Trial(defect=Defect.STUCK, rollback=True)


def running(sim: Simulation) -> list[str]:
    """The agents whose pods run."""
    pods = sim.server.store.all_of(PODS, sim.namespaces[0].namespace)
    ours = [pod for pod in pods if AGENT in (pod["metadata"].get("labels") or {})]
    return sorted(pod["metadata"]["labels"][AGENT] for pod in ours if pod.get("status", {}).get("phase") == "Running")


@pytest.mark.parametrize(
    ("trial", "phase"), [(GOOD, "SteadyState"), (GOOD, "Outage"), (GOOD, "Recovery"), (STUCK, "Rollback")]
)
def test_no_pod_outlives_the_last_deadline_of_a_drill_that_nobody_ends(trial: Trial, phase: str) -> None:
    sim = Simulation(Scenario(1, (trial,)))
    try:
        abandon(sim, trial, phase)
    finally:
        for process in sim.everyone:
            process.shut_down()


def abandon(sim: Simulation, trial: Trial, phase: str) -> None:
    """Kill the operator for good in a phase, and look at the pods from then on."""
    (ns,) = sim.namespaces
    ns.create()
    sim.start()
    world, store = sim.world, sim.server.store

    def in_phase() -> bool:
        drill = store.get(DRILLS, ns.namespace, ns.drill_name)
        scaled = store.get(DEPLOYMENTS, ns.namespace, "worker")
        there = drill is not None and drill.get("status", {}).get("phase") == phase and bool(running(sim))
        return there and (phase != "Rollback" or (scaled is not None and scaled["spec"]["replicas"] == 0))

    assert world.run(START + 300, in_phase)
    sim.restart_after = 1e9
    for process in list(sim.alive):
        process.kill()
    plan = PLANS[trial.kind]
    world.run(world.now + longest(plan) - 120, lambda: False)
    assert {"observer", "witness-0", "control-0"} <= set(running(sim)), "until then it could be taken up again"
    world.run(world.now + 120 + POD_RUNS + LINGER, lambda: False)
    if plan.rollback is not None:
        world.run(world.now + fuse_of_rollback(plan, plan.rollback), lambda: False)
        worker = store.get(DEPLOYMENTS, ns.namespace, "worker")
        assert worker is not None
        assert worker["spec"]["replicas"] == WORKERS, "the fuse fired, and ended"
    assert running(sim) == []
