"""The operator killed at each named point, once with a restart and once without."""

import asyncio
import functools
import time
from typing import Final

from chaos.case import FAULTS, KILL, MITIGATION, ROLLBACK, SEVERAL, Case, Trial, plan
from chaos.points import AFTER, GROUPS, Point, points
from chaos.points import FAULTS as ACTIONS
from gameday.api.record import moment
from gameday.api.undo_entries import undo_of

ABSENCE: Final = 10.0
"""Seconds without an operator where nothing is held, in which nothing may happen."""
WITH, WITHOUT = "with", "without"
ALONE: Final = frozenset(
    {"after the Deployment is scaled to 0", "after the second policy is created", "after the last proof is saved"}
)
"""Where several faults are left alone: their fuses last through the budgets of all, so each case takes minutes."""


UNKNOWN: Final = frozenset({"after the first step's end and the Job's intent are saved", "before the Job is created"})
"""Where a mitigation's Job was saved as intended and not made: it is not made any more, and the drill ends."""
LEFT_ALONE: Final = frozenset(
    {
        "after the begin of the mitigation is saved",
        "after the intent to scale and the act are saved",
        "after the Deployment is scaled to 0",
        "after the Job is created",
        "after the Deployment is scaled back",
    }
)
"""Where a mitigation is left alone: its fuse lasts to the drill's last possible end, so each case takes minutes."""


async def killed(trial: Trial, point: Point, group: str, *, restart: bool) -> None:
    """Kill the operator at a point; then comes another one at once, or none until the fuses have done their part."""
    operator = await trial.place.operator(point, group)
    await trial.ns.start(plan(group))
    trial.proves(KILL, await operator.dies(trial.ns))
    if not restart:
        await alone(trial)
    await trial.place.operator()
    right = "Failed" if group == ROLLBACK else "Passed"
    unknown = group == MITIGATION and point.name in UNKNOWN
    status = await trial.ends(
        *((right,) if not unknown else ()), *(() if restart and not unknown else ("Inconclusive",))
    )
    if unknown and restart and status["reason"] != "MitigationFailed":
        trial.wrong(f"{status['reason']}: {status['message']}")


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
        for group in (FAULTS, SEVERAL, ROLLBACK, MITIGATION)
        for point in GROUPS[group]
        for restart in (WITHOUT, WITH)
        if restart == WITH or point.name in {SEVERAL: ALONE, MITIGATION: LEFT_ALONE}.get(group, {point.name})
    ]
    assert len(GROUPS[FAULTS]) + len(GROUPS[ROLLBACK]) >= 30
    return found


def after(name: str) -> Point:
    """The point after an action of the drill, for cases that want the operator killed there."""
    return next(point for point in points(ACTIONS) if point.action.name == name and point.moment == AFTER)
