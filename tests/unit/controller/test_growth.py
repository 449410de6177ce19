"""Nothing grows for ever: a thousand GameDays and Drills come and go, and the operator remembers none of them."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

import pytest

from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, GAMEDAYS, Object
from gameday.controller.drill.lock_waiters import NamespaceLockWaiters
from gameday.controller.process.operator import Operator
from gameday.controller.settings import Settings
from simulation.process import follow
from unit.api_server import ApiServer
from unit.controller.process.test_operator import GAMEDAY, OWN, a_drill, becomes

ROUND = 200
ROUNDS = 5
RUN_ONE_OF = 10
"""Of so many Drills one is run; the others have ended before they are seen."""
ENDED: Object = {"status": {"phase": "Finished", "verdict": "Passed", "finishedAt": "2026-11-24T12:00:00Z"}}
WALKED = ("gameday.", "prometheus_client.")


def sizes(root: object) -> Counter[str]:
    """The entries of every collection that is reached from an object, by the way to it."""
    found: Counter[str] = Counter()
    seen: set[int] = set()
    todo: deque[tuple[str, object]] = deque([(type(root).__name__, root)])
    while todo:
        path, thing = todo.popleft()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, Mapping):
            found[path] += len(thing)
            todo.extend((f"{path}[]", value) for value in thing.values())
        elif isinstance(thing, list | tuple | set | frozenset | deque):
            found[path] += len(thing)
            todo.extend((f"{path}[]", value) for value in thing)
        elif type(thing).__module__.startswith(WALKED):
            todo.extend((f"{path}.{name}", value) for name, value in attributes(thing))
    return found


def attributes(thing: object) -> Iterator[tuple[str, object]]:
    yield from getattr(thing, "__dict__", {}).items()
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(thing, name):
                yield name, getattr(thing, name)


def own_tasks() -> Counter[str]:
    """The operator's tasks, by what they carry out."""
    works = (str(getattr(task.get_coro(), "__qualname__", "")) for task in asyncio.all_tasks())
    return Counter(work for work in works if work.split(".")[0] in {"Operator", "Supervisor", "Schedules", "Informer"})


class RunningOperator:
    """An operator that leads, with what Kopf does for it, and a clock that can be put forward."""

    def __init__(self, server: ApiServer, cluster: Cluster) -> None:
        self.server = server
        self.ahead = 0.0
        self.operator = Operator(
            cluster, Settings(OWN, "me", "image"), lambda: time.time() + self.ahead, time.monotonic
        )
        self.tasks = [
            asyncio.create_task(self.operator.lead()),
            asyncio.create_task(follow(cluster, GAMEDAYS, self.operator.store.gameday_seen)),
            asyncio.create_task(follow(cluster, DRILLS, self.operator.store.drill_seen)),
        ]

    async def round(self, number: int) -> None:
        """GameDays and Drills come, some Drills are run and refused, and all go; half of it is told by no watch."""
        names = [f"n{number}-{i}" for i in range(ROUND)]
        schedule = {"schedule": {"cron": "* * * * *", "timeZone": "Etc/UTC", "suspend": True}}
        for index, name in enumerate(names):
            self.server.put("gamedays", name, GAMEDAY | {"spec": GAMEDAY["spec"] | schedule})
            self.server.put("drills", name, a_drill("first") | (ENDED if index % RUN_ONE_OF else {}))
        await becomes(lambda: all(self._over(name, index) for index, name in enumerate(names)), 120)
        known = self.operator.store
        self._drop(names[::2])
        await becomes(lambda: len(known.drills) == len(known.gamedays) == ROUND // 2, 60)
        self.server.mute = True
        self._drop(names[1::2])
        await becomes(lambda: not known.drills and not known.gamedays, 60)
        self.server.mute = False
        await becomes(lambda: not self.operator.supervisor._drills and not self.operator.supervisor._checks, 60)

    def _drop(self, names: list[str]) -> None:
        for name in names:
            for plural, thing in (("drills", "first"), ("gamedays", "small")):
                self.server.drop(plural, name, thing)

    def _over(self, namespace: str, index: int) -> bool:
        status = self.server.objects["gamedays", namespace, "small"].get("status", {})
        drill = self.server.objects["drills", namespace, "first"]
        known = self.operator.store.drills.get((namespace, "first"), {})
        over = drill.get("status", {}).get("phase") == "Finished" and not drill["status"].get("unreported")
        reported = index % RUN_ONE_OF > 0 or "lastDrill" in status
        seen = known.get("status", {}).get("phase") == "Finished" and "schedule" in status and "conditions" in status
        return over and reported and seen and not drill["metadata"].get("finalizers")

    async def settled(self) -> Counter[str]:
        """What is remembered once all that is forgotten by time is forgotten."""
        self.ahead += 4 * 3600
        await becomes(lambda: not self.operator.recorder._series and not self.operator.recorder._tokens, 30)
        return sizes(self.operator)


@asynccontextmanager
async def running_operator(server: ApiServer, cluster: Cluster) -> AsyncIterator[RunningOperator]:
    one = RunningOperator(server, cluster)
    try:
        yield one
    finally:
        for task in one.tasks:
            task.cancel()
        await asyncio.gather(*one.tasks, return_exceptions=True)


async def test_a_thousand_gamedays_and_drills_leave_nothing_behind(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gameday.controller.process.operator.RESYNC_EVERY", 0.5)
    # However slow the machine is: this is about no Lease.
    monkeypatch.setattr("gameday.cluster.lease.GIVE_UP_AFTER", 600.0)
    async with running_operator(api_server, cluster) as one:
        await one.round(0)
        before, tasks = await one.settled(), own_tasks()
        assert {"Operator.supervisor._checked", "Operator.schedules._due", "Operator.lock_waiters._waiting"} <= set(
            before
        )
        assert "Operator.metrics.drills._metrics" in before
        for number in range(1, ROUNDS + 1):
            await one.round(number)
        after = await one.settled()
        assert {path: (before[path], size) for path, size in after.items() if size > before[path]} == {}
        assert own_tasks() == tasks
    assert one.tasks[0].cancelled()


async def test_who_waits_for_a_namespace_that_never_becomes_free_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameday.controller.drill.lock_waiters.PATIENCE", 0.01)
    lock_waiters = NamespaceLockWaiters()
    await asyncio.gather(*(lock_waiters.wait(f"n{i % 3}") for i in range(9)))
    assert sizes(lock_waiters) == Counter({"NamespaceLockWaiters._waiting": 0})
    waiting = [asyncio.create_task(lock_waiters.wait("shop")) for _ in range(2)]
    await asyncio.sleep(0)
    lock_waiters.wake("shop")
    monkeypatch.setattr("gameday.controller.drill.lock_waiters.PATIENCE", 60.0)
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)
    assert sizes(lock_waiters) == Counter({"NamespaceLockWaiters._waiting": 0})
