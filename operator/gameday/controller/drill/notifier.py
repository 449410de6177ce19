"""The messages about one drill, recorded in the Drill's status.

It reads the Drill as it was saved, and nothing waits for it: neither the drill nor its verdict.
"""

from collections.abc import Callable, Mapping
from typing import Final

from gameday.api.conditions import dated
from gameday.api.fitting import fitted
from gameday.api.notifications import Notify
from gameday.api.notified import NOT_SENT, NOTIFIED, notified_condition, notified_fields, notified_of
from gameday.api.record import saved_of, shown_moment, timestamp
from gameday.api.state import Saved
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, Object
from gameday.controller.backoff import Backoff
from gameday.controller.drill.about_drill import about
from gameday.controller.drill.agent_pods import PodContext
from gameday.controller.drill.notifier_pods import is_about, notifier_pod
from gameday.controller.drill.notifying import News, Notifier, merged
from gameday.controller.logs import logger, of_drill
from gameday.controller.settings import Settings
from gameday.controller.store import Store, key_of
from gameday.errors import Conflict, GameDayError, NotFound, StateUnreadable
from gameday.model.agent import Delivery
from gameday.model.labels import DRILL, NOTIFIER, ROLE, SLOT
from gameday.model.notice import Event, Notified, Outcome
from gameday.model.placement import ANYWHERE
from gameday.model.record import DrillRecord
from gameday.notify.decide import HAND_OVER, OVERDUE
from gameday.notify.happened import happened
from gameday.notify.message import message

log = logger("gameday.notifier")

LOOKED_AFTER: Final = HAND_OVER + 2 * OVERDUE
"""Seconds after a drill's end for which messages about it are sent."""


class DrillNotifier(Notifier):
    """The messages about one drill; the store is given each version of the Drill that it wrote."""

    def __init__(
        self,
        cluster: Cluster,
        drill: Object,
        store: Store,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self.log = log.bind(**of_drill(drill))
        namespace, self.name = key_of(drill)
        selector = f"{DRILL}={self.name},{ROLE}={NOTIFIER}"
        super().__init__(cluster, namespace, selector, store, settings, clock)
        self.uid: str = drill["metadata"]["uid"]
        self._drill = drill
        self._read: tuple[str, Saved | None] = ("", None)
        """The newest resourceVersion that was read, and what it holds."""
        self._looked = False
        """Whether the Drill was read since its pods were listed."""

    def take(self, drill: Object) -> None:
        """Take the newest version of the Drill, also the last one of a Drill that is gone."""
        if drill["metadata"]["uid"] == self.uid:
            self._drill = drill
        self.wake()

    def refresh(self) -> bool:
        """See the base class; the versions of what is gone stay."""
        drill = self.store.drills.get((self.namespace, self.name))
        if drill is not None and drill["metadata"]["uid"] == self.uid:
            self._drill = drill
        gameday = self.store.gamedays.get(key_of_gameday(self._drill))
        if gameday is not None:
            self.gameday = gameday
        status = self._drill.get("status", {})
        return "finishedAt" not in status or self.clock() <= shown_moment(status["finishedAt"]) + LOOKED_AFTER

    async def look(self) -> bool:
        """Read the Drill once after its pods were listed.

        A watch may be late: without what an earlier process has recorded before it deleted a pod, a message would be
        sent again.
        """
        if not self._looked:
            try:
                newest = await self.cluster.get(DRILLS, self.namespace, self.name)
            except GameDayError as error:
                self.log.warning(
                    "cannot read the Drill, so its notifications are delayed until the next try: %s",
                    error,
                    reason=error.reason,
                )
                self._trouble = {"": str(error)}
                return False
            self._looked, self._trouble = True, {}
            if newest is not None and newest["metadata"]["uid"] == self.uid:
                self.store.drill_written(newest)
                self.refresh()
        return True

    def may_end(self) -> bool:
        """Whether the Drill is not there any more."""
        there = self.store.drills.get((self.namespace, self.name))
        return self.store.listed and (there is None or there["metadata"]["uid"] != self.uid)

    def news(self) -> News:
        """See the base class."""
        saved = self._saved()
        record = saved.record if saved is not None else DrillRecord()
        context = about(self._drill, self.gameday, saved)
        news = News(self.receivers(), happened(record, [name for name, _ in context.faults]))
        for name, one in news.receivers.items():
            for event in news.happened:
                delivery = one.kind.delivery(one.spec, one.path, message(context, record, event))
                if delivery is not None:
                    news.deliveries[name, event.event] = delivery
        return news

    def _saved(self) -> Saved | None:
        """What the Drill's status holds of its record, or what was read of it last."""
        version = self._drill["metadata"]["resourceVersion"]
        if self._read[0] != version:
            try:
                self._read = version, saved_of(self._drill.get("status", {}))
            except StateUnreadable as error:
                # The drill's own runner undoes it and says so; it then writes a state that can be read.
                self.log.warning("the drill's state was not read: %s", error, reason=error.reason)
                self._read = version, self._read[1]
        return self._read[1]

    def notified(self) -> Notified:
        """See the base class."""
        return merged(notified_of(self._drill.get("status", {})), self.memory)

    async def record(self, found: Notified) -> None:
        """Write what became of messages into the Drill's status; nothing else of it is changed.

        Raises:
            GameDayError: when the API server does not take it.

        """
        for name, events in found.items():
            for event, one in events.items():
                if one.outcome is Outcome.SENT:
                    self.log.info("message %s was sent to %s", event.value, name, reason="MessageSent")
                else:
                    text = "message %s to %s has failed, or may not have arrived: %s"
                    self.log.warning(text, event.value, name, one.why, reason=NOT_SENT)
        backoff = Backoff()
        while True:
            newest = await self.cluster.get(DRILLS, self.namespace, self.name)
            if newest is None or newest["metadata"]["uid"] != self.uid:
                break
            status = with_notified(newest.get("status", {}), found, timestamp(self.clock()))
            try:
                made = await self.cluster.replace_status(DRILLS, self.namespace, self.name, newest | {"status": status})
            except (NotFound, Conflict) as error:
                await backoff.wait(error)
                continue
            self.store.drill_written(made)
            break
        self.memory = dict(merged(self.memory, found))

    def pod_context(self) -> PodContext:
        """See the base class."""
        saved, settings = self._saved(), self.settings
        placement = saved.setup.placement if saved is not None and saved.setup is not None else ANYWHERE
        return PodContext(
            self.namespace, self.name, self.uid, settings.image, settings.image_pull_policy, placement, settings.agents
        )

    def pod(self, ctx: PodContext, receiver: Notify, events: tuple[Event, ...], sent: tuple[Delivery, ...]) -> Object:
        """See the base class."""
        gameday = self.gameday if key_of_gameday(self._drill) in self.store.gamedays else None
        return notifier_pod(ctx, receiver, events, sent, gameday)

    def is_own(self, pod: Object) -> bool:
        """See the base class; one that announced the drill's slot is not, nor that of an earlier Drill of its name."""
        return SLOT not in (pod["metadata"].get("labels") or {}) and is_about(pod, self.uid)

    def warn(self, error: GameDayError) -> None:
        """See the base class."""
        self.log.warning("messages wait: %s", error, reason=error.reason)


def key_of_gameday(drill: Object) -> tuple[str, str]:
    """Namespace and name of a Drill's GameDay."""
    return drill["metadata"]["namespace"], drill["spec"]["gameDay"]


def with_notified(status: Mapping[str, object], found: Notified, now: str) -> Object:
    """A Drill's status with what became of messages, and the condition that says so."""
    made: Object = dict(status)
    made["notifications"] = notified_fields(merged(notified_of(status), found))
    known = list(made.get("conditions", ()))
    others = [one for one in known if one["type"] != NOTIFIED]
    made["conditions"] = [*others, *dated(notified_condition(made), known, now)]
    return fitted(made)
