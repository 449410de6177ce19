"""The operator killed at each named point of a rollback that restarts a workload: no replacement is ever evicted."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from typing import Final

from chaos.case import KILL, REPLICAS, ROLLBACK, SCALED, Case, Trial, plan
from chaos.kills import ABSENCE, WITH, WITHOUT
from chaos.points import GROUPS, RENEW, Point
from e2e.dialling import until
from gameday.cluster.informer import Informer
from gameday.cluster.resources import PODS, Object

RESTART: Final = "restart"


def restarting() -> Object:
    """A drill whose recovery is missed on purpose, so that its rollback restarts the workload."""
    gameday = plan(ROLLBACK)
    step = {"name": RENEW, "restart": {"deployment": SCALED}, "irreversible": True}
    gameday["spec"]["rollback"] |= {"steps": [step], "within": "60s"}
    return gameday


async def killed(trial: Trial, point: Point, *, restart: bool) -> None:
    """Kill the operator at a point; then comes another one at once, or none for a while."""
    async with _watched(trial) as ever:
        before = set(ever)
        operator = await trial.place.operator(point, RESTART)
        await trial.ns.start(restarting())
        trial.proves(KILL, await operator.dies(trial.ns))
        if not restart:
            await asyncio.sleep(ABSENCE)
        await trial.place.operator()
        await trial.ends("Failed", *(() if restart else ("Inconclusive",)))
        made = len(set(ever) - before)
        # A drill that knows no more of its first eviction than that it was to be made may stop there.
        if made > REPLICAS:
            trial.wrong(f"{made} pods were made for {REPLICAS} that were to be replaced")


@contextlib.asynccontextmanager
async def _watched(trial: Trial) -> AsyncIterator[set[str]]:
    """The UIDs of all pods of the workload that there ever were, from when all of its replicas are there."""
    ever: set[str] = set()
    informer = Informer(
        trial.ns.admin, PODS, trial.ns.namespace, lambda: None, labels=f"app={SCALED},!gameday.dev/drill"
    )
    informer._changed = lambda: ever.update(pod["metadata"]["uid"] for pod in informer.objects.values())
    task = asyncio.create_task(informer.run())

    async def all_there() -> bool:
        return sum("deletionTimestamp" not in pod["metadata"] for pod in informer.objects.values()) == REPLICAS

    try:
        await until(all_there, "the workload's pods are seen", 60)
        yield ever
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def cases() -> list[Case]:
    """All of them."""
    return [
        Case(RESTART, point.name, functools.partial(killed, point=point, restart=restart == WITH), (KILL,), restart)
        for point in GROUPS[RESTART]
        for restart in (WITHOUT, WITH)
    ]
