"""The operator's clock steps in the middle of a drill: by the clock that it is given, and by libfaketime under it."""

import ctypes.util
import functools
import time
from pathlib import Path
from typing import Final

from chaos.case import CLOCK, KILL, ROLLBACK, SCALED, Case, Trial, plan
from chaos.operator_under_test import NotInjected, OperatorUnderTest
from e2e.dialling import until

STEPS: Final = (30, -30, 3600, -3600)
"""Seconds; the longest ones are those of a wrong time zone."""
SCALED_AT_MOST: Final = 100.0
"""Seconds: the rollback's time, what arming and undoing may take, and ten more."""
BEGINNING_OF_TIME: Final = "+0"
NEAR: Final = 8.0
"""Seconds that a heartbeat may be old, and a machine busy: much less than any step."""


def faketime() -> Path:
    """The library that fakes the time of a whole process.

    Raises:
        FileNotFoundError: when it is not installed.

    """
    folders = (Path("/usr/lib"), Path("/usr/local/lib"))
    for folder in folders:
        for found in folder.glob("**/faketime/libfaketimeMT.so.1"):
            return found
    named = ctypes.util.find_library("faketimeMT")
    raise FileNotFoundError(f"no libfaketime ({named}): run `make faketime`, or install the package libfaketime")


def put(clock: Path, offset: str) -> None:
    """Set a clock's offset at once: who reads meanwhile sees the old one or the new one."""
    new = clock.with_suffix(".new")
    new.write_text(offset)
    new.replace(clock)


async def right(operator: OperatorUnderTest) -> None:
    """See that the operator's clock is right before it steps.

    Raises:
        NotInjected: when it is not: then a step would prove nothing.

    """
    off = await operator.off_by()
    if abs(off) > NEAR:
        raise NotInjected(f"the operator's clock was off by {off:+.1f} s before its step")


async def steps(trial: Trial, operator: OperatorUnderTest, by: int) -> None:
    """See by the operator's own heartbeat that its clock is off by so many seconds."""

    async def moved() -> bool:
        return abs(await operator.off_by() - by) < NEAR

    await trial.happens(CLOCK, moved, f"the operator's heartbeat is off by {by:+d} s")


async def stepped(trial: Trial, by: int, *, library: bool, rollback: bool) -> None:
    """Step the clock under the cut, or with the Deployment scaled; the drill ends, and the fuses see to the rest."""
    clock = trial.ns.folder / "clock"
    put(clock, BEGINNING_OF_TIME)
    environment = {"CHAOS_CLOCK": str(clock)}
    if library:
        environment = {
            "LD_PRELOAD": str(faketime()),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
    operator = await trial.place.operator(environment=environment)
    if rollback:
        await trial.ns.start(plan(ROLLBACK))

        async def scaled() -> bool:
            return await trial.ns.replicas(SCALED) == 0

        await until(scaled, "the Deployment is scaled", 120)
    else:
        await trial.under_cut()
    await right(operator)
    put(clock, f"{by:+d}")
    await steps(trial, operator, by)
    await trial.undone()
    verdicts = ("Failed", "Inconclusive") if rollback else ("Passed", "Inconclusive")
    await trial.ends(*verdicts, patience=200)


async def before_the_fuse(trial: Trial, by: int) -> None:
    """The clock steps before the fuse pod is there, and the operator dies afterwards: the fuse counts by itself."""
    clock = trial.ns.folder / "clock"
    put(clock, BEGINNING_OF_TIME)
    operator = await trial.place.operator(environment={"CHAOS_CLOCK": str(clock)})
    await trial.ns.start(plan(ROLLBACK))
    await trial.ns.in_phase("Rollback")
    await right(operator)
    put(clock, f"{by:+d}")

    async def scaled() -> bool:
        return await trial.ns.replicas(SCALED) == 0

    await until(scaled, "the Deployment is scaled", 60)
    await steps(trial, operator, by)
    began = time.time()
    await trial.kill(operator)
    await trial.undone(60)
    if time.time() > began + SCALED_AT_MOST:
        trial.wrong(f"scaled for {time.time() - began:.0f} s without an operator")
    await trial.place.operator()
    await trial.ends("Failed", "Inconclusive")


def cases() -> list[Case]:
    """All of them."""
    return [
        Case(
            "clock",
            f"{by:+d} s {'with the Deployment scaled' if rollback else 'under the cut'}, "
            f"{'libfaketime' if library else 'injected'}",
            functools.partial(stepped, by=by, library=library, rollback=rollback),
            (CLOCK,),
        )
        for by in STEPS
        for library in (False, True)
        for rollback in (False, True)
        if not (library and rollback)
    ] + [
        Case(
            "clock",
            f"{by:+d} s as the rollback begins, the operator killed with the Deployment scaled",
            functools.partial(before_the_fuse, by=by),
            (CLOCK, KILL),
        )
        for by in (-30, -3600)
    ]
