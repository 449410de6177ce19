"""The operator killed at each named point, once with a restart and once without."""

import asyncio
import functools
import time
from typing import Final

from chaos.case import FAULTS, KILL, ROLLBACK, SEVERAL, Case, Trial, plan
from chaos.points import AFTER, GROUPS, Point, points
from chaos.points import FAULTS as DEEDS
from gameday.api.record import moment
from gameday.api.undo_entries import undo_of

ABSENCE: Final = 10.0
"""Seconds without an operator where nothing is held, in which nothing may happen."""
WITH, WITHOUT = "with", "without"
ALONE: Final = frozenset(
    {"after the Deployment is scaled to 0", "after the second policy is created", "after the last proof is saved"}
)
"""Where several faults are left alone: their fuses last through the budgets of all, so each case takes minutes."""


async def killed(trial: Trial, point: Point, group: str, *, restart: bool) -> None:
    """Kill the operator at a point; then comes another one at once, or none until the fuses have done their part."""
    operator = await trial.place.operator(point, group)
    await trial.ns.start(plan(group))
    trial.proves(KILL, await operator.dies(trial.ns))
    if not restart:
        await alone(trial)
    await trial.place.operator()
    right = "Failed" if group == ROLLBACK else "Passed"
    await trial.ends(right, *(() if restart else ("Inconclusive",)))


async def alone(trial: Trial) -> None:
    """Without any operator: what is held must go by its deadline, and nothing may come."""
    held = await trial.held()
    if not held:
        await asyncio.sleep(ABSENCE)
        for thing in await trial.held():
            trial.wrong(f"{thing} came without an operator")
        return
    trial.row.note = f"held when killed: {', '.join(held)}"
    await trial.undone()
    over = time.time()
    status = await trial.ns.status()
    told = [moment(hold["fuse"]["deadline"]) for hold in undo_of(status) if "deadline" in hold.get("fuse", {})]
    if told and over > max(told) + 10:
        trial.wrong(f"the status promised an end {over - max(told):.0f} s earlier")


def cases() -> list[Case]:
    """All of them; the cut first."""
    found = [
        Case(
            group,
            point.name,
            functools.partial(killed, point=point, group=group, restart=restart == WITH),
            (KILL,),
            restart,
        )
        for group in (FAULTS, SEVERAL, ROLLBACK)
        for point in GROUPS[group]
        for restart in (WITHOUT, WITH)
        if group != SEVERAL or restart == WITH or point.name in ALONE
    ]
    assert len(GROUPS[FAULTS]) + len(GROUPS[ROLLBACK]) >= 30
    return found


def after(name: str) -> Point:
    """The point after a deed of the drill, for cases that want the operator killed there."""
    return next(point for point in points(DEEDS) if point.action.name == name and point.moment == AFTER)
