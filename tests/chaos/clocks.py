"""The operator's clock steps in the middle of a drill: by the clock that it is given, and by libfaketime under it."""

import ctypes.util
import functools
import time
from pathlib import Path
from typing import Final

from chaos.house import ROLLBACK, SCALED, Case, Trial, plan
from e2e.dialling import until

STEPS: Final = (30, -30, 3600, -3600)
"""Seconds; the longest ones are those of a wrong time zone."""
SCALED_AT_MOST: Final = 100.0
"""Seconds: the rollback's time, what arming and undoing may take, and ten more."""
BEGINNING_OF_TIME: Final = "+0"


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


async def stepped(trial: Trial, by: int, *, library: bool, rollback: bool) -> None:
    """Step the clock under the cut, or with the Deployment scaled; the drill ends, and the fuses see to the rest."""
    clock = trial.town.folder / "clock"
    clock.write_text(BEGINNING_OF_TIME)
    environment = {"CHAOS_CLOCK": str(clock)}
    if library:
        environment = {
            "LD_PRELOAD": str(faketime()),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
    await trial.house.operator(environment=environment)
    if rollback:
        await trial.town.start(plan(ROLLBACK))

        async def scaled() -> bool:
            return await trial.town.replicas(SCALED) == 0

        await until(scaled, "the Deployment is scaled", 120)
    else:
        await trial.under_cut()
    clock.write_text(f"{by:+d}")
    await trial.undone()
    verdicts = ("Failed", "Inconclusive") if rollback else ("Passed", "Inconclusive")
    await trial.ends(*verdicts, patience=200)


async def before_the_fuse(trial: Trial, by: int) -> None:
    """The clock steps before the fuse pod is there, and the operator dies afterwards: the fuse counts by itself."""
    clock = trial.town.folder / "clock"
    clock.write_text(BEGINNING_OF_TIME)
    victim = await trial.house.operator(environment={"CHAOS_CLOCK": str(clock)})
    await trial.town.start(plan(ROLLBACK))
    await trial.town.in_phase("Rollback")
    clock.write_text(f"{by:+d}")

    async def scaled() -> bool:
        return await trial.town.replicas(SCALED) == 0

    await until(scaled, "the Deployment is scaled", 60)
    began = time.time()
    await victim.process.kill()
    await trial.undone(60)
    if time.time() > began + SCALED_AT_MOST:
        trial.wrong(f"scaled for {time.time() - began:.0f} s without an operator")
    await trial.house.operator()
    await trial.ends("Failed", "Inconclusive")


def cases() -> list[Case]:
    """All of them."""
    return [
        Case(
            "clock",
            f"{by:+d} s {'with the Deployment scaled' if rollback else 'under the cut'}, "
            f"{'libfaketime' if library else 'injected'}",
            functools.partial(stepped, by=by, library=library, rollback=rollback),
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
        )
        for by in (-30, -3600)
    ]
