"""The demo's drill in a simulated world: the example's plan as ``manifests/demo`` shortens it, against a good shop."""

from pathlib import Path
from typing import Any, ClassVar, Final
from unittest.mock import patch

import yaml

from gameday.cluster.resources import GAMEDAYS, Object, Resource
from simulation import running
from simulation.invariants import Monitor
from simulation.namespace import EVERY, Agent, SimulatedNamespace
from simulation.running import Simulation
from simulation.scenario import Scenario, Trial

MANIFESTS: Final = Path(__file__).parents[2] / "manifests"


def demo_plan() -> Object:
    """The spec of the demo's GameDay."""
    gameday: Object = yaml.safe_load((MANIFESTS / "examples" / "redis-failover.yaml").read_text())
    overlay = yaml.safe_load((MANIFESTS / "demo" / "kustomization.yaml").read_text())
    for step in yaml.safe_load(overlay["patches"][0]["patch"]):
        *way, last = step["path"].strip("/").split("/")
        there: Any = gameday
        for part in way:
            there = there[int(part)] if part.isdigit() else there[part]
        if step["op"] == "replace":
            there[last] = step["value"]
        elif there[last] != step["value"]:
            raise ValueError(f"{step['path']} is {there[last]}, not {step['value']}")
    spec: Object = gameday["spec"]
    return spec


class DemoNamespace(SimulatedNamespace):
    """A namespace with the demo's shop, which does all that the plan expects of it."""

    spec: ClassVar[Object]
    """That of the GameDay."""

    def _things(self) -> list[tuple[Resource, Object]]:
        plan: Object = {"metadata": {"name": "plan"}, "spec": self.spec}
        return [(resource, plan if resource is GAMEDAYS else body) for resource, body in super()._things()]

    def _tick(self, agent: Agent) -> None:
        if agent.name != "observer":
            super()._tick(agent)
            return
        if agent.ended:
            return
        lost = self.system.noticed
        asked = {probe["name"] for probe in self.spec["probes"]}
        for name, values in _answers(lost=lost, alerts=self.system.alerts).items():
            if name not in asked:
                continue
            self._say(agent, name, ok=values.get("status", 200) == 200, values=values)
        self.server.store.world.after(EVERY, self._tick, agent)


def _answers(*, lost: bool, alerts: int) -> dict[str, dict[str, Any]]:
    health = {"redis": "down" if lost else "ok", "buffered": 12 if lost else 0, "redisLatency": 0.0012}
    queue = {"breaker": "open" if lost else "closed", "depth": 3, "processingRate": 4.5, "accepted": 120, "done": 117}
    return {
        "health": {"status": 200, "body": health},
        "webhook": {"status": 503 if lost else 200},
        "alerts": {"status": 200, "body": {"aboutRedis": alerts}},
        "payments": {"status": 200},
        "metrics": {"status": 200, "process_resident_memory_bytes": 41_943_040},
        "queue": {"status": 200, "body": queue | {"failed": 0, "active": 0, "buffered": 0}},
    }


def demo_drill() -> Object:
    """The Drill of the demo after it has ended."""
    return drill_of(demo_plan())


def drill_of(plan: Object) -> Object:
    """A Drill of a GameDay with this spec, against the demo's shop, after it has ended."""

    class Shop(DemoNamespace):
        spec = plan

    # The monitor's promises are about the simulation's own plans.
    with patch.object(running, "SimulatedNamespace", Shop), patch.object(Monitor, "note"):
        sim = Simulation(Scenario(1, (Trial(close_connections=True),)))
        sim.run()
    drill = sim.namespaces[0].drill
    assert drill is not None
    return drill
