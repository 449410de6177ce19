"""What is said of a slot that a schedule has decided and that does not run: a metric, a line of the log, an Event."""

import logging
from collections.abc import Callable

from gameday.cluster.events import EventRecorder, Subject
from gameday.cluster.resources import GAMEDAYS, Object
from gameday.controller.actions import Action
from gameday.controller.logs import logger, named
from gameday.controller.telemetry import Metrics
from gameday.engine.schedule.schedule_state import local
from gameday.errors import GameDayError
from gameday.model.schedule import Decision, ScheduleState, Slot

log = logger("gameday.schedules")


class SlotReport:
    """Reports why a newly decided slot did not run. ``drill_of`` is the Drill that the decision concerns."""

    def __init__(
        self, metrics: Metrics, recorder: EventRecorder, drill_of: Callable[[Object, Slot], Subject | None]
    ) -> None:
        self._metrics = metrics
        self._recorder = recorder
        self._drill_of = drill_of

    async def report(self, gameday: Object, zone: str, before: ScheduleState | None, after: ScheduleState) -> None:
        """Report what ``after`` has decided and ``before`` had not."""
        namespace, name = gameday["metadata"]["namespace"], gameday["metadata"]["name"]
        old = {(slot.at, slot.decision) for slot in before.slots} if before is not None else set()
        for slot in after.slots:
            if slot.ran or (slot.at, slot.decision) in old:
                continue
            reason = slot.decision.value
            self._metrics.decided(namespace, name, reason, slot.count)
            text = f"slot {local(slot.at, zone)} did not run: {slot.message}"
            bad = slot.decision not in {Decision.SUSPENDED, Decision.BLACKOUT, Decision.CHANGED}
            line = log.bind(**named(GAMEDAYS.kind, namespace, name), reason=reason)
            line.log(logging.WARNING if bad else logging.INFO, text)
            try:
                await self._recorder.write(
                    Subject.of(GAMEDAYS, gameday), reason, text, action=Action.DECIDE, warning=bad,
                    related=self._drill_of(gameday, slot), bounded=True,
                )  # fmt: skip
            except GameDayError as error:
                line.warning("event not written: %s", error)
