"""The operator killed at each named point of a drill that switches a user of a Redis off, restarted and not."""

import contextlib
import functools
import time
from typing import Final

from chaos.case import KILL, Case, Trial
from chaos.kills import ABSENCE, WITH, WITHOUT
from chaos.points import GROUPS, Point
from e2e.dialling import until
from e2e.redis_users import deployed, gameday, known, on
from gameday.api.record import moment
from gameday.api.undo_entries import undo_of

USERS: Final = "users"
TAKES: Final = 15.0
"""Seconds that it may take to be seen here that the user is on, and the fuse's pod to be made anew."""
LATE: Final = 5.0
"""Seconds that a user may stay off after the deadline of its fuse."""


async def killed(trial: Trial, point: Point, *, restart: bool) -> None:
    """Kill the operator at a point; then comes another one at once, or none until the fuse has done its part."""
    await deployed(trial.ns)
    before = known(trial.ns)
    operator = await trial.place.operator(point, USERS)
    await trial.ns.start(gameday())
    trial.proves(KILL, await operator.dies(trial.ns))
    if not restart:
        await _alone(trial)
    await trial.place.operator()
    await trial.ends("Passed", "Inconclusive")
    if known(trial.ns) != before:
        trial.wrong(f"the user is not as it was: on is {on(trial.ns)}")


async def _alone(trial: Trial) -> None:
    """Without any operator: a user that was switched off is on by the deadline of its fuse."""
    told = [moment(one["fuse"]["deadline"]) for one in undo_of(await trial.ns.status()) if "deadline" in one["fuse"]]

    async def off() -> bool:
        return not all(on(trial.ns))

    # A pod that was created a moment ago has not switched it yet.
    with contextlib.suppress(AssertionError):
        await until(off, "the user is off", ABSENCE)
    if not await off():
        return
    trial.row.note = "held when killed: the user is off"
    left = max(told, default=time.time()) - time.time() + TAKES

    async def back() -> bool:
        return all(on(trial.ns))

    await until(back, "the fuse switches the user on", left)
    if time.time() > max(told, default=time.time()) + LATE + TAKES:
        trial.wrong("the user was switched on too late")


def cases() -> list[Case]:
    """All of them."""
    return [
        Case(USERS, point.name, functools.partial(killed, point=point, restart=restart == WITH), (KILL,), restart)
        for point in GROUPS[USERS]
        for restart in (WITHOUT, WITH)
    ]
