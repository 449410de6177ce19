"""The leader killed under a cut: how soon the second replica leads."""

import time
from typing import Final

from chaos.case import KILL, TAKE_OVER, Case, Trial
from chaos.operator_under_test import NotInjected
from e2e.dialling import until
from gameday.cluster.resources import LEASES, Object

RUNS: Final = 5
WITHIN: Final = 10.0
"""Seconds from the kill until another replica leads."""


async def taken_over(trial: Trial) -> None:
    """Kill the leader under the cut; the second replica, which waits beside it, finishes the drill."""

    async def lease() -> Object:
        return await trial.ns.admin.get(LEASES, trial.ns.namespace, "gameday-operator") or {"spec": {}}

    async def leader(name: str) -> bool:
        return bool((await lease())["spec"].get("holderIdentity") == name)

    first = await trial.place.operator(identity="first")

    async def leads() -> bool:
        return await leader("first")

    await until(leads, "the first replica leads", 30)
    second = await trial.place.operator(identity="second")
    await trial.under_cut(outage__duration="30s")
    assert "leading" not in second.process.says(), "two lead"
    if not await leader("first"):
        raise NotInjected("the first replica leads no more")
    before = (await lease())["spec"]["leaseTransitions"]
    await trial.kill(first)
    killed = time.monotonic()

    async def over() -> bool:
        return await leader("second")

    await until(over, "the second replica leads", 30)
    took = time.monotonic() - killed
    if (await lease())["spec"]["leaseTransitions"] <= before:
        raise NotInjected("the Lease did not change hands")
    trial.proves(TAKE_OVER, "the Lease went from the first replica to the second")
    trial.row.note = f"taken over {took:.1f} s after the kill"
    if took > WITHIN:
        trial.wrong(f"{trial.row.note}, {WITHIN:.0f} s are promised")
    await trial.ends("Passed")


def cases() -> list[Case]:
    """The same some times over: a Lease's renewal is met at another moment each time."""
    return [
        Case("take-over", f"the leader killed under a cut, run {run}", taken_over, (KILL, TAKE_OVER))
        for run in range(1, RUNS + 1)
    ]
