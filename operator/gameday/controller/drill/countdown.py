"""The messages that a slot is near, and that it did not run, recorded in the GameDay's status: there is no Drill."""

from collections.abc import Callable
from dataclasses import replace

from gameday.api.notifications import Notify
from gameday.api.notified import NOT_SENT, announced_fields, announced_of, announced_slot
from gameday.api.schedule_state import hindered
from gameday.cluster.client import Cluster
from gameday.cluster.resources import GAMEDAYS, PODS, Object
from gameday.controller.backoff import Backoff
from gameday.controller.drill.about_drill import about_slot
from gameday.controller.drill.agent_pods import PodContext
from gameday.controller.drill.notifier_pods import is_about, notifier_pod
from gameday.controller.drill.notifying import News, Notifier, merged
from gameday.controller.logs import logger, named
from gameday.controller.settings import Settings
from gameday.controller.store import Store, key_of
from gameday.errors import Conflict, GameDayError, NotFound
from gameday.model.agent import Delivery
from gameday.model.labels import GAME_DAY, NOTIFIER, ROLE, SLOT
from gameday.model.names import of_slot
from gameday.model.notice import COUNTDOWN, Event, Happened, Notified, Outcome
from gameday.notify.decide import HAND_OVER, OVERDUE
from gameday.notify.message import cancelled, countdown

log = logger("gameday.notifier")


class SlotNotifier(Notifier):
    """The messages about one slot of a GameDay's schedule, at a Unix second, that no Drill has."""

    def __init__(
        self,
        cluster: Cluster,
        gameday: Object,
        slot: float,
        store: Store,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        namespace, self.name = key_of(gameday)
        self.log = log.bind(**named(GAMEDAYS.kind, namespace, self.name))
        selector = f"{GAME_DAY}={self.name},{ROLE}={NOTIFIER}"
        super().__init__(cluster, namespace, selector, store, settings, clock)
        self.uid: str = gameday["metadata"]["uid"]
        self.slot = slot
        self.drill = of_slot(self.name, slot)
        self._newest = gameday
        self._looked = False
        """Whether the GameDay was read since the pods were listed."""

    def refresh(self) -> bool:
        """See the base class."""
        gameday = self.store.gamedays.get((self.namespace, self.name))
        if gameday is not None and gameday["metadata"]["uid"] == self.uid:
            self._newest = gameday
        self.gameday = self._newest
        return self.clock() <= self.slot + HAND_OVER + OVERDUE

    async def look(self) -> bool:
        """Read the GameDay once after the pods were listed, as a Drill is read."""
        if not self._looked:
            try:
                newest = await self.cluster.get(GAMEDAYS, self.namespace, self.name)
                await self._delete_old()
            except GameDayError as error:
                self.warn(error)
                self._trouble = {"": str(error)}
                return False
            self._looked, self._trouble = True, {}
            if newest is not None and newest["metadata"]["uid"] == self.uid:
                self.memory = dict(announced_of(newest.get("status", {}), self.slot))
        return True

    async def _delete_old(self) -> None:
        """Delete the pods of earlier slots, which an operator left that died before it deleted them."""
        pods, _ = await self.account.list(PODS, self.namespace, self.selector)
        for pod in pods:
            if int(pod["metadata"]["labels"].get(SLOT) or self.slot) < self.slot:
                metadata = pod["metadata"]
                await self.account.delete(PODS, self.namespace, metadata["name"], uid=metadata["uid"])

    def may_end(self) -> bool:
        """Whether it ends where no pod is there and no message is due: always, since one that follows begins anew."""
        return True

    def news(self) -> News:
        """See the base class; once the slot is there and runs, the drill itself has messages, and none is begun."""
        about, now, near = about_slot(self._newest, self.drill, self.slot), self.clock(), self.slot - COUNTDOWN
        said = [countdown(about, near, self.slot)]
        happened = [Happened(Event.COUNTDOWN, near, until=self.slot)]
        if why := hindered(self._newest, self.slot, now):
            said.append(cancelled(about, self.slot, why))
            happened.append(Happened(said[-1].event, said[-1].at))
        news = News(self.receivers(), tuple(happened))
        for name, one in news.receivers.items():
            for text in said:
                if (delivery := one.kind.delivery(one.spec, one.path, text)) is not None:
                    news.deliveries[name, text.event] = delivery
        return news

    def notified(self) -> Notified:
        """See the base class."""
        return merged(announced_of(self._newest.get("status", {}), self.slot), self.memory)

    async def record(self, found: Notified) -> None:
        """Write what became of messages into the GameDay's status.

        Raises:
            GameDayError: when the API server does not take it.

        """
        for name, events in found.items():
            for event, one in events.items():
                if one.outcome is Outcome.SENT:
                    self.log.info("the message %s was sent to %s", event.value, name, reason="MessageSent")
                elif event is Event.COUNTDOWN:
                    text = "notification %s may not have announced the coming drill, which starts all the same: %s"
                    self.log.warning(text, name, one.why, reason=NOT_SENT)
                else:
                    text = "notification %s may not have said that the announced drill did not start: %s"
                    self.log.warning(text, name, one.why, reason=NOT_SENT)
        backoff = Backoff()
        while True:
            newest = await self.cluster.get(GAMEDAYS, self.namespace, self.name)
            if newest is None or newest["metadata"]["uid"] != self.uid:
                break
            status = newest.get("status", {})
            if (announced_slot(status) or 0.0) > self.slot:
                break  # What a later slot has must not be lost; this one's is over.
            known = merged(announced_of(status, self.slot), found)
            body = newest | {"status": status | {"announced": announced_fields(known, self.slot)}}
            try:
                await self.cluster.replace_status(GAMEDAYS, self.namespace, self.name, body)
            except (NotFound, Conflict) as error:
                await backoff.wait(error)
                continue
            break
        self.memory = dict(merged(self.memory, found))

    def pod_context(self) -> PodContext:
        """See the base class; no drill has looked yet where its targets run."""
        settings = self.settings
        return PodContext(
            self.namespace,
            self.drill,
            self.uid,
            settings.image,
            settings.image_pull_policy,
            settings=settings.agents,
        )

    def pod(self, ctx: PodContext, receiver: Notify, events: tuple[Event, ...], sent: tuple[Delivery, ...]) -> Object:
        """See the base class; the GameDay alone owns it, because there is no Drill yet."""
        made = notifier_pod(replace(ctx, uid=self.uid), receiver, events, sent, self._newest)
        metadata = made["metadata"]
        metadata["ownerReferences"] = [one for one in metadata["ownerReferences"] if one["kind"] == GAMEDAYS.kind]
        metadata["labels"] |= {GAME_DAY: self.name, SLOT: str(int(self.slot))}
        return made

    def is_own(self, pod: Object) -> bool:
        """See the base class; those of other slots are not, nor those of an earlier GameDay of its name."""
        return bool(pod["metadata"]["labels"].get(SLOT) == str(int(self.slot))) and is_about(pod, self.uid)

    def warn(self, error: GameDayError) -> None:
        """See the base class."""
        self.log.warning("the countdown waits: %s", error, reason=error.reason)
