"""The operator killed at each named point of a drill whose fault a person makes, restarted at once and after a while.

Such a fault has no fuse: it stands until the person undoes it, and the drill asks for that, whoever dies.
"""

import asyncio
import contextlib
import functools
from typing import Final

from chaos.case import KILL, Case, Trial
from chaos.kills import ABSENCE, WITH, WITHOUT
from chaos.points import GROUPS, Point
from e2e.dialling import until
from e2e.test_manual import ADMITTED, by_hand, cleared, said
from gameday.cluster.resources import DEPLOYMENTS, Object

MANUAL: Final = "manual"


async def killed(trial: Trial, point: Point, *, restart: bool) -> None:
    """Kill the operator at a point; then comes another one at once, or none for a while."""
    trial.ns.apply(ADMITTED)
    operator = await trial.place.operator(point, MANUAL)
    await trial.ns.start(by_hand())
    acting = asyncio.create_task(_person(trial))
    try:
        trial.proves(KILL, await operator.dies(trial.ns))
        if not restart:
            await asyncio.sleep(ABSENCE)
        await trial.place.operator()
        status = await trial.ends("Passed", *(() if restart else ("Inconclusive",)))
    finally:
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
        await _there_again(trial)
    if cleared(status) != "True":
        trial.wrong("the person has undone the fault, and FaultsCleared says otherwise")
    for reason in ("ActByHand", "UndoByHand"):
        if not said(status, reason):
            trial.wrong(f"the drill never asked: there is no {reason}")


async def _person(trial: Trial) -> None:
    """Do what the drill asks for, as soon as it does."""
    for reason, replicas in (("ActByHand", 0), ("UndoByHand", 1)):

        def asks(status: Object, reason: str = reason) -> bool:
            return bool(said(status, reason))

        await trial.ns.reaches(asks, f"the drill says {reason}", 150)
        trial.ns.scale("redis", replicas)


async def _there_again(trial: Trial) -> None:
    """The next case finds the Redis as this one did."""
    trial.ns.scale("redis", 1)

    async def ready() -> bool:
        found = await trial.ns.admin.get(DEPLOYMENTS, trial.ns.namespace, "redis")
        return found is not None and found.get("status", {}).get("readyReplicas") == 1

    with contextlib.suppress(AssertionError):
        await until(ready, "Redis is there again", 60)


def cases() -> list[Case]:
    """All of them."""
    return [
        Case(MANUAL, point.name, functools.partial(killed, point=point, restart=restart == WITH), (KILL,), restart)
        for point in GROUPS[MANUAL]
        for restart in (WITHOUT, WITH)
    ]
