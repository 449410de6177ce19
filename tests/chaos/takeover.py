"""The leader killed under a cut: how soon the second replica leads."""

import time
from typing import Final

from chaos.house import Case, Trial
from e2e.dialling import until
from gameday.cluster.kinds import LEASES

RUNS: Final = 5
WITHIN: Final = 10.0
"""Seconds from the kill until another replica leads."""


async def taken_over(trial: Trial) -> None:
    """Kill the leader under the cut; the second replica, which waits beside it, finishes the drill."""

    async def leader(name: str) -> bool:
        lease = await trial.town.admin.get(LEASES, trial.town.namespace, "gameday-operator")
        return lease is not None and lease["spec"]["holderIdentity"] == name

    first = await trial.house.operator(identity="first")

    async def leads() -> bool:
        return await leader("first")

    await until(leads, "the first replica leads", 30)
    second = await trial.house.operator(identity="second")
    await trial.under_cut(outage__lasts="30s")
    assert "leading" not in second.process.says(), "two lead"
    await first.process.kill()
    killed = time.monotonic()

    async def over() -> bool:
        return await leader("second")

    await until(over, "the second replica leads", 30)
    took = time.monotonic() - killed
    trial.row.note = f"taken over {took:.1f} s after the kill"
    if took > WITHIN:
        trial.wrong(f"{trial.row.note}, {WITHIN:.0f} s are promised")
    await trial.ends("Passed")


def cases() -> list[Case]:
    """The same some times over: a Lease's renewal is met at another moment each time."""
    return [Case("take-over", f"the leader killed under a cut, run {run}", taken_over) for run in range(1, RUNS + 1)]
