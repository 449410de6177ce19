"""Bugs in the loop of a drill, put in on purpose: in the bare simulation, or in the whole operator."""

from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from gameday.controller.drill.drill import DrillRunner
from gameday.engine.drill import command_queue, failing
from gameday.engine.drill.command_outcomes import CommandOutcomes
from gameday.engine.drill.loop import DrillLoop, Save, Work
from gameday.engine.drill.own_writes import OwnWrites
from gameday.model.observation import Lock
from gameday.model.plan import Plan
from simulation.invariants import Rule
from simulation.scenario import What
from unit.simulation.mutations import MUTATIONS, mutation

BEFORE = len(MUTATIONS)


@mutation("what is decided is done before it is saved", Rule.WRITTEN_AHEAD, kinds=(What.LOSE, What.REFUSE))
def _() -> tuple[Any, ...]:
    original = DrillLoop._save

    def hasty(self: DrillLoop, plan: Plan, decided: Any, now: float) -> Work:
        work = original(self, plan, decided, now)
        return replace(work, start=self._act(decided.record, decided.commands, now, awaited=False).start)

    return (patch.object(DrillLoop, "_save", hasty),)


@mutation("what is decided is never saved", Rule.WRITTEN_AHEAD, kinds=(What.LOSE, What.REFUSE), whole=True)
def _() -> tuple[Any, ...]:
    async def unsaved(self: DrillRunner, save: Save) -> Work:
        self.persisted.record = save.record
        return self.loop.saved(self.clock())

    return (patch.object(DrillRunner, "_save", unsaved),)


@mutation("a record that was refused counts as saved", Rule.WRITTEN_AHEAD, kinds=(What.REFUSE, What.DELAY))
def _() -> tuple[Any, ...]:
    return (patch.object(DrillLoop, "not_saved", lambda self, now, *_: self.saved(now)),)


@mutation("what could not be saved is tried again at once", Rule.SOUND, kinds=(What.REFUSE, What.API_DOWN), whole=True)
def _() -> tuple[Any, ...]:
    return (patch.object(failing, "RETRY_AFTER", 0.0),)


@mutation("a command is given again at once", Rule.SOUND, kinds=(What.SLOW_PODS,), whole=True)
def _() -> tuple[Any, ...]:
    return (patch.object(command_queue, "RETRY_AFTER", 0.0),)


@mutation(
    "an answer that got lost makes our own record another's", Rule.SOUND, kinds=(What.LOSE, What.WATCH_LATE), whole=None
)
def _() -> tuple[Any, ...]:
    return (patch.object(OwnWrites, "sent", lambda *_: None),)


@mutation("a lock that an earlier process took is forgotten", Rule.RESTORED, kinds=(What.CRASH,), whole=None)
def _() -> tuple[Any, ...]:
    return (patch.object(CommandOutcomes, "after", lambda *_: CommandOutcomes(Lock.FREE)),)


@mutation(
    "a cut whose reverting was not recorded yet counts as open", Rule.BLAMED, kinds=(What.REFUSE, What.LOSE), whole=None
)
def _() -> tuple[Any, ...]:
    original = DrillLoop._revert

    def forgetful(self: DrillLoop, *args: Any) -> Any:
        started = original(self, *args)
        self._goes_on_from = self.record
        return started

    return (patch.object(DrillLoop, "_revert", forgetful),)


@mutation("what was told is told again after each save", Rule.TOLD)
def _() -> tuple[Any, ...]:
    original = DrillLoop.saved

    def chatty(self: DrillLoop, now: float, **more: Any) -> Work:
        self._narrated = frozenset()
        return original(self, now, **more)

    return (patch.object(DrillLoop, "saved", chatty),)


@mutation("what is saved is not told", Rule.TOLD)
def _() -> tuple[Any, ...]:
    original = DrillLoop.saved
    return (patch.object(DrillLoop, "saved", lambda self, now, **more: replace(original(self, now, **more), tell=())),)


NAMES: Final = frozenset(mutation.name for mutation in MUTATIONS[BEFORE:])
"""The names of these bugs, each of which is put into both simulations."""
