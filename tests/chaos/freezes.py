"""The operator frozen right before each action, and thawed when another one has ended its drill."""

import asyncio
import functools
import signal

from chaos.case import FAULTS, FREEZE, ROLLBACK, Case, Trial, plan
from chaos.operator_under_test import NotInjected, NotReached, OperatorUnderTest
from chaos.points import BEFORE, GROUPS, Point
from e2e.dialling import until

ENDS_WITHIN = 30.0
"""Seconds after the thaw within which the process must have found out that it leads no more, and ended."""


async def frozen(trial: Trial, point: Point, group: str) -> None:
    """Freeze the operator at a point; another one ends the drill; what the first was about to do must not come."""
    operator = await trial.place.operator(point, group, identity="frozen", environment={"CHAOS_SIGNAL": "SIGSTOP"})

    async def stopped() -> bool:
        return operator.stopped()

    try:
        await trial.ns.start(plan(group))
        await _stops(operator, trial)
        await trial.happens(FREEZE, stopped, f"process {operator.pid} is stopped {operator.reached()}")
        await trial.place.operator(identity="next")
        await trial.ends("Passed" if group == FAULTS else "Failed", "Inconclusive")
        await trial.ns.nothing_is_left(60)
        if not operator.stopped() or operator.passed.exists():
            raise NotInjected("the process went on while another one ended its drill")
    finally:
        if operator.process.process.returncode is None:
            operator.process.process.send_signal(signal.SIGCONT)
    async with asyncio.timeout(ENDS_WITHIN):
        await operator.process.process.wait()
    if not operator.passed.exists():
        raise NotInjected("the thawed process did not go on behind its point")


async def _stops(operator: OperatorUnderTest, trial: Trial) -> None:
    async def over() -> bool:
        if operator.mark.exists() or operator.process.process.returncode is not None:
            return True
        return (await trial.ns.status()).get("phase") == "Finished" and not await trial.ns.left_behind()

    try:
        await until(over, "the point is reached", 120)
    except AssertionError as late:
        raise NotReached(str(late)) from None
    if not operator.mark.exists():
        raise NotReached("the drill ended without reaching the point")


def cases() -> list[Case]:
    """All of them; the cut first."""
    return [
        Case("frozen", f"{group}: {point.name}", functools.partial(frozen, point=point, group=group), (FREEZE,))
        for group in (FAULTS, ROLLBACK)
        for point in GROUPS[group]
        if point.moment == BEFORE
    ]
