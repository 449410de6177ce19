"""An operator process against an API server: what the owner says reaches GameDays, drills, events and metrics."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import yaml

from gameday.cluster.client import Cluster
from gameday.cluster.kinds import Object
from gameday.runner.operator import Operator
from gameday.runner.settings import Settings
from unit.api_server import ApiServer

OWN = "gameday-system"
HALT: Object = {"metadata": {"name": "gameday-halt"}, "data": {"reason": "a launch"}}
GAMEDAY: Object = yaml.safe_load("""
metadata: {name: small, generation: 1}
kind: GameDay
apiVersion: gameday.dev/v1alpha1
spec:
  probes: [{name: health, http: {url: "http://api/healthz"}}]
  steadyState: {lasts: 3s}
  outage:
    lasts: 10m
    faults:
    - name: partition
      networkPartition: {podSelector: {matchLabels: {app: api}}, to: {service: {name: redis}}}
  recovery: {within: 20s}
""")


def a_drill(name: str, **spec: str) -> Object:
    meta = {"name": name, "creationTimestamp": "2999-01-01T00:00:00Z"}
    return {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "metadata": meta, "spec": {"gameDay": "small"} | spec}


class Town:
    """The cluster with one operator in it."""

    def __init__(self, server: ApiServer, operator: Operator) -> None:
        self.server = server
        self.operator = operator

    def conditions(self, plural: str, name: str) -> dict[str, tuple[str, str, str]]:
        """Status, reason and message of each condition of an object in namespace shop."""
        status = self.server.objects[plural, "shop", name].get("status", {})
        return {c["type"]: (c["status"], c["reason"], c["message"]) for c in status.get("conditions", ())}

    def metric(self, name: str) -> float | None:
        return self.operator.metrics.registry.get_sample_value(name)


async def becomes(look: Callable[[], bool], within: float = 2.0) -> None:
    """Wait until it is so: what the owner says must show within 2 s."""
    async with asyncio.timeout(within):
        while not look():  # noqa: ASYNC110  what is looked at has no event
            await asyncio.sleep(0.01)


@pytest.fixture
async def town(api_server: ApiServer, cluster: Cluster) -> AsyncIterator[Town]:
    api_server.put("gamedays", "shop", GAMEDAY)
    operator = Operator(cluster, Settings(OWN, "me", "image"))
    task = asyncio.create_task(operator.lead())
    yield Town(api_server, operator)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def appears(town: Town, drill: Object) -> None:
    """A Drill is created, and Kopf tells of it."""
    town.operator.supervisor.drill_seen(False, town.server.put("drills", "shop", drill))


async def test_while_halted_a_drill_waits_and_says_so_and_resumed_it_begins(town: Town) -> None:
    await becomes(lambda: town.conditions("gamedays", "small").get("Ready", ("",))[0] == "True")
    town.server.put("configmaps", OWN, HALT)
    await appears(town, a_drill("first"))
    await becomes(lambda: town.conditions("drills", "first").get("Halted", ("",))[0] == "True")
    assert town.conditions("drills", "first")["Complete"][:2] == ("False", "Halted")
    assert ("leases", "shop", "gameday") not in town.server.objects
    await becomes(lambda: "Halted" in town.conditions("gamedays", "small"))
    assert town.conditions("gamedays", "small")["Ready"][0] == "True"
    assert "a launch" in town.conditions("gamedays", "small")["Halted"][2]
    assert town.metric("gameday_halted") == 1
    subjects = {
        body["involvedObject"]["kind"]
        for (plural, _, _), body in town.server.objects.items()
        if plural == "events" and body["reason"] == "Halted"
    }
    assert subjects == {"ConfigMap", "Drill"}
    town.server.drop("configmaps", OWN, "gameday-halt")
    await becomes(lambda: "startedAt" in town.server.objects["drills", "shop", "first"]["status"])
    await becomes(lambda: "Halted" not in town.conditions("gamedays", "small"))
    assert town.metric("gameday_halted") == 0


async def test_a_halt_that_the_watch_does_not_tell_of_keeps_a_drill_from_beginning(town: Town) -> None:
    await becomes(lambda: "Ready" in town.conditions("gamedays", "small"))
    town.server.mute = True
    town.server.put("configmaps", OWN, HALT)
    await appears(town, a_drill("first"))
    await becomes(lambda: town.conditions("drills", "first").get("Halted", ("",))[0] == "True")
    assert ("leases", "shop", "gameday") not in town.server.objects
