"""One process of the operator: it can be killed, frozen and started again, and its clock can be wrong."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, GAMEDAYS, LEASES, Resource
from gameday.controller.process.operator import Operator
from gameday.controller.settings import Settings
from gameday.errors import GameDayError
from simulation.client import WRITES, Server, SimulatedCluster
from simulation.killable import KillableProcess
from simulation.loop import NEVER, ProcessLoop
from simulation.world import HotLoop, World

OWN = "gameday-system"
"""The operator's own namespace."""
OPERATORS = (OWN, "gameday-other")
"""Namespaces of operators that see the same Drills."""
RESTART_AFTER = 2.0
"""Seconds until the kubelet starts a process again that ended by itself."""


class Process(KillableProcess):
    """An operator, from its start to its death. ``name`` is its identity; the next one has another."""

    def __init__(self, world: World, server: Server, name: str, skew: float = 0.0, namespace: str = OWN) -> None:
        self.world = self.clock = world
        self.server = server
        self.name = name
        self.namespace = namespace
        self.skew = skew
        self.ended_at = 0.0
        """When it died, in the world's seconds."""
        self.error: BaseException | None = None
        self.requests: Counter[tuple[str, str]] = Counter()
        self.ended: Callable[[Process], None] = lambda _: None
        self.loop = ProcessLoop(lambda: world.now)
        cluster = SimulatedCluster(server, self)
        self.operator = Operator(
            cluster,
            Settings(namespace, name, "image"),
            clock=lambda: world.now + self.skew,
            monotonic=lambda: world.now,
        )
        store = self.operator.store
        self._tasks: list[asyncio.Task[Any]] = [
            self.loop.create_task(work)
            for work in (
                self.operator.lead(),
                follow(cluster, DRILLS, store.drill_seen),
                follow(cluster, GAMEDAYS, store.gameday_seen),
            )
        ]
        self._tasks[0].add_done_callback(self._over)

    def due(self) -> float:
        """When it has something to run."""
        if self.dead:
            return NEVER
        due = self.loop.due()
        if due >= self.frozen_until:
            return due
        self.note_delay()
        return self.frozen_until

    def turn(self) -> None:
        """Run it."""
        self.loop.turn()

    def kill(self) -> None:
        """SIGKILL: nothing of it gets to run any more."""
        if not self.dead:
            self.dead = self.loop.stopped = True
            self.ended_at = self.world.elapsed
            self.dies()
            self.ended(self)

    def counted(self, namespace: str) -> int:
        """How many drills of a town's plan it has counted."""
        samples = (sample for metric in self.operator.metrics.drills.collect() for sample in metric.samples)
        here = (s for s in samples if s.name.endswith("_total") and s.labels["namespace"] == namespace)
        return int(sum(sample.value for sample in here))

    def next_call(self, verb: str, resource: Resource) -> str:
        """The moment of this call at which the process dies, or nothing."""
        return "" if verb not in WRITES or resource is LEASES else self.next_write(self.world.now)

    def shut_down(self) -> None:
        """Let its tasks end, once the world is over."""
        self.dead, self.loop.stopped = True, False
        for task in self._tasks:
            task.cancel()
        # What runs hot may do so once more before it hears that it is over.
        with contextlib.suppress(HotLoop):
            self.loop.turn()

    def _over(self, task: "asyncio.Task[Any]") -> None:
        """It ended by itself: its Lease was lost, or a part failed."""
        if not task.cancelled():
            self.error = task.exception()
        if not self.dead:
            self.kill()


async def follow(cluster: Cluster, resource: Resource, seen: Callable[[bool, dict[str, Any]], None]) -> None:
    """What Kopf does for us: tell the newest state of every object."""
    while True:
        try:
            items, version = await cluster.list(resource, None)
            for item in items:
                seen(False, item)
            async with aclosing(cluster.watch(resource, None, version)) as events:
                async for event in events:
                    seen(event["type"] == "DELETED", event["object"])
        except GameDayError:
            await asyncio.sleep(1.0)
