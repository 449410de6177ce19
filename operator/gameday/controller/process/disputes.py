"""Drills whose status somebody else wrote while this process ran them.

Only the operator writes a Drill's status. Where another leader wrote it, our Lease is lost, and the process ends. Else
it was somebody with the right to, and the drill goes on: from what the status says now, if that names all that is open
here; otherwise, and where it happens again, all is undone from what this process knows.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from gameday.cluster.client import Cluster
from gameday.cluster.kinds import DRILLS, Object
from gameday.controller.drill.memory import Memory
from gameday.controller.logs import logger, of_drill
from gameday.engine.drill.continuity import continues
from gameday.errors import GameDayError
from gameday.model.change import ChangeState
from gameday.model.plan import Plan
from gameday.model.record import Cause, Line, Record
from gameday.model.setup import Setup

PAUSE: Final = 1.0
"""Seconds before a drill is taken up again; twice as many each time."""
LONGEST_PAUSE: Final = 30.0

log = logger("gameday.disputes")


@dataclass(frozen=True, slots=True)
class Known:
    """What this process knew of a drill when it lost its status, for the ``times``-th time."""

    record: Record
    plan: tuple[Plan, str, str] | None
    setup: Setup | None
    measurements: tuple[dict[str, str | float], ...]
    times: int


class Disputes:
    """``confirm`` returns once the Lease is known to be held, and raises when it is lost."""

    def __init__(
        self,
        cluster: Cluster,
        confirm: Callable[[], Awaitable[None]],
        narrate: Callable[[Object, Line], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._cluster = cluster
        self._confirm = confirm
        self._narrate = narrate
        self._clock = clock
        self._known: dict[str, Known] = {}
        self._ended: set[str] = set()
        """UIDs of the drills that this process has carried out to their end."""
        self.count = 0
        """How often this process has lost a drill's status."""

    def remember(self, memory: Memory) -> None:
        """Keep what a runner knew whose record was written over."""
        self.count += 1
        before = self._known.get(memory.uid)
        plan = (memory.plan, memory.plan_text, memory.plan_digest) if memory.plan is not None else None
        times = before.times + 1 if before is not None else 1
        self._known[memory.uid] = Known(memory.record, plan, memory.setup, memory.measurements, times)

    def doubt(self, uid: str) -> None:
        """Go on from a drill's status no more, if it was written over: its runner has failed since."""
        known = self._known.get(uid)
        if known is not None:
            self._known[uid] = replace(known, times=known.times + 1)

    def end(self, uid: str) -> None:
        """Drop what was kept of a drill that is over, but for that it is."""
        self._known.pop(uid, None)
        self._ended.add(uid)

    def ended(self, uid: str) -> bool:
        """Whether this process has carried a drill out to its end: it is neither run nor counted again."""
        return uid in self._ended

    def keep(self, uids: set[str]) -> None:
        """Forget the drills that are gone."""
        self._ended &= uids
        self._known = {uid: known for uid, known in self._known.items() if uid in uids}

    async def settle(self, drill: Object) -> Object | None:
        """Wait until a drill may be taken up again: its newest state, or None when it is gone.

        Raises:
            LeaseLost: when another process may act.

        """
        await self._confirm()
        known = self._known.get(drill["metadata"]["uid"])
        pause = min(LONGEST_PAUSE, PAUSE * 2 ** ((known.times if known is not None else 1) - 1))
        namespace, name = drill["metadata"]["namespace"], drill["metadata"]["name"]
        text = "somebody else wrote the status of this drill, which only the operator writes"
        text += f"; the operator tries again in {pause:.0f} s: find out who may write drills/status"
        cause = Cause.STATUS_OVERWRITTEN.value
        line = log.bind(**of_drill(drill), reason=cause)
        line.warning(text)
        await self._narrate(drill, Line(self._clock(), cause, text, warning=True))
        await asyncio.sleep(pause)
        while True:
            try:
                newest = await self._cluster.get(DRILLS, namespace, name)
            except GameDayError as error:
                line.warning("the drill was not read again: %s", error)
                await asyncio.sleep(PAUSE)
            else:
                same = newest is not None and newest["metadata"]["uid"] == drill["metadata"]["uid"]
                return newest if same else None

    def resume(self, memory: Memory) -> None:
        """Let a new runner continue from its drill's status, or from what this process knows."""
        if self.ended(memory.uid):
            # Whatever its undo log says now was undone long ago, and may have been changed by people since.
            changes = tuple(replace(change, state=ChangeState.UNDONE) for change in memory.record.changes)
            why = "somebody else wrote this drill's status after it had ended; create a new Drill to run it again"
            memory.restore(replace(memory.record, changes=changes), memory.measurements, why)
            return
        known = self._known.get(memory.uid)
        if known is None:
            return
        accepted = known.times == 1 and not memory.unreadable and continues(memory.record, known.record)
        if known.plan is not None:
            memory.freeze(*known.plan)
        memory.setup = known.setup or memory.setup
        memory.unreadable = ""
        if not accepted:
            why = "somebody else wrote this drill's status while it ran, so the drill could not continue"
            record = known.record
            if record.finishing:
                record = record.note(
                    self._clock(), Cause.STATUS_OVERWRITTEN.value, f"{why}; its faults were undone", warning=True
                )
            memory.restore(record, known.measurements, why)
