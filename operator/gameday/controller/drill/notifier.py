"""The messages about one drill: has pods send what is due, records what became of it, and deletes the pods.

It reads the Drill as it was saved, and nothing waits for it: neither the drill nor its verdict. After a restart it goes
on from the Drill's status and the pods that are there.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gameday.api.conditions import dated
from gameday.api.fitting import fitted
from gameday.api.notifications import Notify, notifications_of
from gameday.api.notified import NOT_SENT, NOTIFIED, notified_condition, notified_fields, notified_of
from gameday.api.record import saved_of, shown_moment, timestamp
from gameday.api.state import Saved
from gameday.cluster.client import ACCOUNT, Cluster
from gameday.cluster.informer import Informer
from gameday.cluster.resources import DRILLS, PODS, SERVICE_ACCOUNTS, Object
from gameday.controller.backoff import Backoff
from gameday.controller.drill.about_drill import about
from gameday.controller.drill.agent_pods import PodContext
from gameday.controller.drill.informers import OPT_IN
from gameday.controller.drill.notifier_pods import fitting, notifier_pod, seen
from gameday.controller.logs import logger, of_drill
from gameday.controller.settings import Settings
from gameday.controller.store import Store, key_of
from gameday.controller.task_set import TaskSet
from gameday.errors import AlreadyExists, Conflict, GameDayError, NotFound, PlanInvalid, Rejected, StateUnreadable
from gameday.model.agent import Delivery
from gameday.model.labels import DRILL, ROLE
from gameday.model.notice import NOTIFIER, Delivered, Event, Happened, Notified, Outcome, Receiver
from gameday.model.placement import ANYWHERE
from gameday.model.record import DrillRecord
from gameday.notify.decide import HAND_OVER, OVERDUE, Batch, NotifierPod, decide
from gameday.notify.happened import happened
from gameday.notify.message import message

log = logger("gameday.notifier")

LOOK_EVERY: Final = 15.0
"""Longest time between two looks, in seconds: a pod that never starts gives no sign."""
LOOKED_AFTER: Final = HAND_OVER + 2 * OVERDUE
"""Seconds after a drill's end for which messages about it are sent."""
AGAIN_AFTER: Final = 3.0
"""Seconds after which what the API server refused is tried again."""


@dataclass(slots=True)
class _News:
    """What the messages are about: what has happened, and the request of each message by receiver and event."""

    receivers: dict[str, Notify]
    happened: tuple[Happened, ...] = ()
    deliveries: dict[tuple[str, Event], Delivery] = field(default_factory=dict)

    def wanted(self) -> list[Receiver]:
        """The receivers, each without the events of which there is nothing to send to it."""
        return [
            replace(one.receiver, events=one.receiver.events - self._unsendable(name))
            for name, one in self.receivers.items()
        ]

    def _unsendable(self, name: str) -> frozenset[Event]:
        return frozenset(one.event for one in self.happened if (name, one.event) not in self.deliveries)


class DrillNotifier:
    """The messages of one drill; ``written`` is given each version of the Drill that it wrote."""

    def __init__(
        self,
        cluster: Cluster,
        drill: Object,
        store: Store,
        settings: Settings,
        clock: Callable[[], float],
        written: Callable[[Object], None],
    ) -> None:
        self.log = log.bind(**of_drill(drill))
        self.cluster = cluster
        self.namespace, self.name = key_of(drill)
        self.uid: str = drill["metadata"]["uid"]
        self.account = cluster.as_account(self.namespace)
        self.store, self.settings, self.clock, self.written = store, settings, clock, written
        self._drill = drill
        self._gameday: Object | None = None
        self._wake = asyncio.Event()
        self._memory: dict[str, Mapping[Event, Delivered]] = {}
        """What was recorded, or was not because the Drill was gone."""
        self._seen: dict[str, NotifierPod] = {}
        """The pods that were seen last, by name."""
        self._read: tuple[str, Saved | None] = ("", None)
        """The newest resourceVersion that was read, and what it holds."""
        self._looked = False
        """Whether the Drill was read since its pods were listed."""
        self._trouble: dict[str, str] = {}
        """What the API server refuses, by the receiver that it concerns, or by "" for all."""

    def wake(self, drill: Object | None = None) -> None:
        """Look again: the Drill or its GameDay has changed."""
        if drill is not None and drill["metadata"]["uid"] == self.uid:
            self._drill = drill
        self._wake.set()

    async def run(self) -> None:
        """Return once the drill has ended and every message was sent, or given up."""
        async with asyncio.TaskGroup() as group:
            tasks = TaskSet(group)
            ours = f"{DRILL}={self.name},{ROLE}={NOTIFIER}"
            informer = Informer(self.account, PODS, self.namespace, self._wake.set, labels=ours)
            tasks.start(informer.run())
            try:
                while not await self._turn(informer):
                    await self._rest()
            finally:
                tasks.cancel()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(AGAIN_AFTER if self._trouble else LOOK_EVERY):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _turn(self, informer: Informer) -> bool:
        """Do what is due; whether all is over."""
        self._wake.clear()
        self._refresh()
        if self._is_late():
            return True
        if not informer.synced or not await self._is_newest():
            return False
        saved = self._saved()
        news = self._news(saved)
        pods = self._pods(informer)
        work = decide(news.wanted(), news.happened, self._notified(), pods, self.clock(), self._trouble)
        if work.over or (self._is_gone() and not (pods or work.make or work.record)):
            return True
        trouble: dict[str, str] = {}
        if work.record:
            await self._try("", self._record(work.record), trouble)
            self._wake.set()
        for name in work.delete:
            await self._try("", self._delete(informer, name), trouble)
        for batch in work.make:
            # One that is refused keeps no other from its message.
            await self._try(batch.receiver, self._make(informer, news, batch, saved), trouble)
        self._trouble = trouble
        return False

    async def _try(self, receiver: str, work: Coroutine[Any, Any, None], trouble: dict[str, str]) -> None:
        try:
            await work
        except GameDayError as error:
            trouble[receiver] = str(error)
            if self._trouble.get(receiver) != str(error):
                self.log.warning("messages wait: %s", error, reason=error.reason)

    async def _is_newest(self) -> bool:
        """Read the Drill once after its pods were listed; whether that is done.

        A watch may be late: without what an earlier process has recorded before it deleted a pod, a message would be
        sent again.
        """
        if not self._looked:
            try:
                newest = await self.cluster.get(DRILLS, self.namespace, self.name)
            except GameDayError as error:
                self.log.warning("the Drill was not read, so messages wait: %s", error, reason=error.reason)
                self._trouble = {"": str(error)}
                return False
            self._looked, self._trouble = True, {}
            if newest is not None and newest["metadata"]["uid"] == self.uid:
                self.written(newest)
                self._refresh()
        return True

    def _is_gone(self) -> bool:
        """Whether the Drill is not there any more."""
        there = self.store.drills.get((self.namespace, self.name))
        return self.store.listed and (there is None or there["metadata"]["uid"] != self.uid)

    def _is_late(self) -> bool:
        """Whether the drill ended so long ago that nobody waits for a pod of it any more."""
        status = self._drill.get("status", {})
        return "finishedAt" in status and self.clock() > shown_moment(status["finishedAt"]) + LOOKED_AFTER

    def _refresh(self) -> None:
        """Take the newest versions; those of what is gone stay."""
        drill = self.store.drills.get((self.namespace, self.name))
        if drill is not None and drill["metadata"]["uid"] == self.uid:
            self._drill = drill
        gameday = self.store.gamedays.get((self.namespace, self._drill["spec"]["gameDay"]))
        if gameday is not None:
            self._gameday = gameday

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

    def _news(self, saved: Saved | None) -> _News:
        record = saved.record if saved is not None else DrillRecord()
        context = about(self._drill, self._gameday, saved)
        found = happened(record, [name for name, _ in context.faults])
        news = _News(self._receivers(), found)
        for name, one in news.receivers.items():
            for event in found:
                delivery = one.kind.delivery(one.spec, one.path, message(context, record, event))
                if delivery is not None:
                    news.deliveries[name, event.event] = delivery
        return news

    def _receivers(self) -> dict[str, Notify]:
        if self._gameday is None:
            return {}
        try:
            return {one.receiver.name: one for one in notifications_of(self._gameday["spec"])}
        except PlanInvalid as error:
            self.log.warning("no message is sent: %s", error, reason=error.reason)
            return {}

    def _notified(self) -> Notified:
        return merged(notified_of(self._drill.get("status", {})), self._memory)

    def _pods(self, informer: Informer) -> Collection[NotifierPod]:
        """The pods; one that went without a last word, while it ran, counts as ended until that is recorded."""
        there = {name: pod for name, thing in informer.objects.items() if (pod := seen(thing)) is not None}
        lost = {
            name: replace(pod, ended=True, results=None)
            for name, pod in self._seen.items()
            if name not in there and pod.started_at is not None and not pod.ended
        }
        known = self._notified()
        self._seen = there | {
            name: pod for name, pod in self._seen.items() if name in lost and not recorded(pod, known)
        }
        return tuple((there | {name: pod for name, pod in lost.items() if name in self._seen}).values())

    async def _record(self, found: Notified) -> None:
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
            self.written(made)
            break
        self._memory = dict(merged(self._memory, found))

    async def _delete(self, informer: Informer, name: str) -> None:
        pod = informer.objects.get(name)
        if pod is None:
            return
        if not await self.account.delete(PODS, self.namespace, name, uid=pod["metadata"]["uid"]):
            informer.evict(name)

    async def _make(self, informer: Informer, news: _News, batch: Batch, saved: Saved | None) -> None:
        """Create the pod of an batch; a second time finds the first.

        Raises:
            GameDayError: when the API server refuses it, or the namespace has not opted in any more.

        """
        accounts, _ = await self.cluster.list(SERVICE_ACCOUNTS, self.namespace, fields=f"metadata.name={ACCOUNT}")
        if not any((one["metadata"].get("labels") or {}).get(OPT_IN) == "true" for one in accounts):
            raise Rejected(f"namespace {self.namespace} has not opted in any more, so no pod may send messages there")
        one, settings = news.receivers[batch.receiver], self.settings
        placement = saved.setup.placement if saved is not None and saved.setup is not None else ANYWHERE
        ctx = PodContext(
            self.namespace, self.name, self.uid, settings.image, settings.image_pull_policy, placement, settings.agents
        )
        deliveries = fitting(news.deliveries[batch.receiver, event] for event in batch.events)
        events = batch.events[: len(deliveries)]
        gameday = self._gameday if key_of_gameday(self._drill) in self.store.gamedays else None
        try:
            made = await self.account.create(PODS, self.namespace, notifier_pod(ctx, one, events, deliveries, gameday))
        except AlreadyExists:
            # Ours, and not listed yet, or on its way out: the informer will tell.
            return
        informer.upsert(made)


def key_of_gameday(drill: Object) -> tuple[str, str]:
    """Namespace and name of a Drill's GameDay."""
    return drill["metadata"]["namespace"], drill["spec"]["gameDay"]


def recorded(pod: NotifierPod, known: Notified) -> bool:
    """Whether it is recorded what became of each of a pod's messages."""
    return all(event in known.get(pod.receiver, {}) for event in pod.events)


def merged(known: Notified, found: Notified) -> Notified:
    """Both together; what was known stays."""
    return {name: {**found.get(name, {}), **known.get(name, {})} for name in (*known, *found)}


def with_notified(status: Mapping[str, object], found: Notified, now: str) -> Object:
    """A Drill's status with what became of messages, and the condition that says so."""
    made: Object = dict(status)
    made["notifications"] = notified_fields(merged(notified_of(status), found))
    known = list(made.get("conditions", ()))
    others = [one for one in known if one["type"] != NOTIFIED]
    made["conditions"] = [*others, *dated(notified_condition(made), known, now)]
    return fitted(made)
