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
from gameday.cluster.resources import DRILLS, Object
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.controller.logs import logger, of_drill
from gameday.engine.drill.continuity import continues
from gameday.errors import GameDayError
from gameday.model.change import ChangeState
from gameday.model.plan import Plan
from gameday.model.record import DrillRecord, Reason, TimelineEntry
from gameday.model.setup import Setup

PAUSE: Final = 1.0
"""Seconds before a drill is taken up again; twice as many each time."""
LONGEST_PAUSE: Final = 30.0

log = logger("gameday.disputes")


@dataclass(frozen=True, slots=True)
class KnownDrill:
    """What this process knew of a drill when it lost its status, for the ``times``-th time."""

    record: DrillRecord
    plan: tuple[Plan, str, str] | None
    setup: Setup | None
    measurements: tuple[dict[str, str | float], ...]
    times: int


class StatusConflicts:
    """``confirm`` returns once the Lease is known to be held, and raises when it is lost."""

    def __init__(
        self,
        cluster: Cluster,
        confirm: Callable[[], Awaitable[None]],
        narrate: Callable[[Object, TimelineEntry], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._cluster = cluster
        self._confirm = confirm
        self._narrate = narrate
        self._clock = clock
        self._known: dict[str, KnownDrill] = {}
        self._ended: set[str] = set()
        """UIDs of the drills that this process has carried out to their end."""
        self.count = 0
        """How often this process has lost a drill's status."""

    def remember(self, persisted: PersistedDrill) -> None:
        """Keep what a runner knew whose record was written over."""
        self.count += 1
        before = self._known.get(persisted.uid)
        plan = (persisted.plan, persisted.plan_text, persisted.plan_digest) if persisted.plan is not None else None
        times = before.times + 1 if before is not None else 1
        self._known[persisted.uid] = KnownDrill(persisted.record, plan, persisted.setup, persisted.measurements, times)

    def distrust(self, uid: str) -> None:
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

    def retain(self, uids: set[str]) -> None:
        """Forget the drills that are gone."""
        self._ended &= uids
        self._known = {uid: known for uid, known in self._known.items() if uid in uids}

    async def wait_for_restart(self, drill: Object) -> Object | None:
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
        cause = Reason.STATUS_OVERWRITTEN.value
        line = log.bind(**of_drill(drill), reason=cause)
        line.warning(text)
        await self._narrate(drill, TimelineEntry(self._clock(), cause, text, warning=True))
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

    def resume(self, persisted: PersistedDrill) -> None:
        """Let a new runner continue from its drill's status, or from what this process knows."""
        if self.ended(persisted.uid):
            # Whatever its undo log says now was undone long ago, and may have been changed by people since.
            changes = tuple(replace(change, state=ChangeState.UNDONE) for change in persisted.record.changes)
            why = "somebody else wrote this drill's status after it had ended; create a new Drill to run it again"
            persisted.restore(replace(persisted.record, changes=changes), persisted.measurements, why)
            return
        known = self._known.get(persisted.uid)
        if known is None:
            return
        accepted = known.times == 1 and not persisted.unreadable and continues(persisted.record, known.record)
        if known.plan is not None:
            persisted.freeze(*known.plan)
        persisted.setup = known.setup or persisted.setup
        persisted.unreadable = ""
        if not accepted:
            why = "somebody else wrote this drill's status while it ran, so the drill could not continue"
            record = known.record
            if record.finishing:
                record = record.note(
                    self._clock(), Reason.STATUS_OVERWRITTEN.value, f"{why}; its faults were undone", warning=True
                )
            persisted.restore(record, known.measurements, why)
