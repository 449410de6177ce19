"""The operator killed at each named point of a drill that calls a platform, once with a restart and once without."""

import contextlib
import functools
import time
from typing import Final

from chaos.case import KILL, Case, Trial
from chaos.kills import ABSENCE, WITH, WITHOUT
from chaos.points import GROUPS, Point
from e2e.dialling import until
from e2e.platforms import calls, deployed, gameday
from gameday.api.record import moment
from gameday.api.undo_entries import undo_of

CALLS: Final = "calls"
LATE: Final = 5.0
"""Seconds that a service may stay suspended after the deadline of its fuse."""
TAKES: Final = 15.0
"""Seconds that the answer may take to be seen here, and the fuse's pod to be made anew."""


async def killed(trial: Trial, point: Point, *, restart: bool) -> None:
    """Kill the operator at a point; then comes another one at once, or none until the fuse has done its part."""
    await deployed(trial.ns)
    before = len(calls(trial.ns))
    operator = await trial.place.operator(point, CALLS)
    await trial.ns.start(gameday())
    trial.proves(KILL, await operator.dies(trial.ns))
    if not restart:
        await _alone(trial, before)
    await trial.place.operator()
    await trial.ends("Passed", "Inconclusive")
    made = calls(trial.ns)[before:]
    if _suspended(made):
        trial.wrong(f"the service is still suspended: {made}")
    if made.count("suspend") > 1:
        trial.wrong(f"the service was suspended more than once: {made}")


async def _alone(trial: Trial, before: int) -> None:
    """Without any operator: what was suspended is resumed by the deadline of its fuse."""
    told = [moment(one["fuse"]["deadline"]) for one in undo_of(await trial.ns.status()) if "deadline" in one["fuse"]]

    async def arrived() -> bool:
        return _suspended(calls(trial.ns)[before:])

    # A caller that was created a moment ago has not called yet.
    with contextlib.suppress(AssertionError):
        await until(arrived, "the call arrives", ABSENCE)
    if not await arrived():
        return
    trial.row.note = "held when killed: the service is suspended"
    left = max(told, default=time.time()) - time.time() + TAKES

    async def resumed() -> bool:
        return not _suspended(calls(trial.ns)[before:])

    await until(resumed, "the fuse resumes the service", left)
    if time.time() > max(told, default=time.time()) + LATE + TAKES:
        trial.wrong("the service was resumed too late")


def _suspended(made: list[str]) -> bool:
    return bool(made) and made[-1] == "suspend"


def cases() -> list[Case]:
    """All of them."""
    return [
        Case(CALLS, point.name, functools.partial(killed, point=point, restart=restart == WITH), (KILL,), restart)
        for point in GROUPS[CALLS]
        for restart in (WITHOUT, WITH)
    ]
