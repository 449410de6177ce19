"""Sends what is due to receivers by pods, records what became of it, and deletes the pods, for whatever it is about.

What is due, and where it is recorded, is said by what derives from ``Notifier``: ``notifier`` for a drill,
``countdown`` for a slot of a schedule. After a restart it goes on from what is recorded and the pods that are there.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gameday.api.notifications import Notify, notifications_of
from gameday.cluster.client import ACCOUNT, Cluster
from gameday.cluster.informer import Informer
from gameday.cluster.resources import PODS, SERVICE_ACCOUNTS, Object
from gameday.controller.drill.agent_pods import PodContext
from gameday.controller.drill.informers import OPT_IN
from gameday.controller.drill.notifier_pods import fitting, seen
from gameday.controller.settings import Settings
from gameday.controller.store import Store
from gameday.controller.task_set import TaskSet
from gameday.errors import AlreadyExists, GameDayError, PlanInvalid, Rejected
from gameday.model.agent import Delivery
from gameday.model.notice import Delivered, Event, Happened, Notified, Outcome, Receiver
from gameday.notify.decide import Batch, NotifierPod, decide

LOOK_EVERY: Final = 15.0
"""Longest time between two looks, in seconds: a pod that never starts gives no sign."""
AGAIN_AFTER: Final = 3.0
"""Seconds after which what the API server refused is tried again."""


@dataclass(slots=True)
class News:
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


class Notifier(ABC):
    """The messages about one thing; ``selector`` is that of its pods."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        selector: str,
        store: Store,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self.cluster, self.namespace, self.selector = cluster, namespace, selector
        self.account = cluster.as_account(namespace)
        self.store, self.settings, self.clock = store, settings, clock
        self.gameday: Object | None = None
        """The newest GameDay, or the last one before it was deleted."""
        self.memory: dict[str, Mapping[Event, Delivered]] = {}
        """What was recorded, or was not because there was nothing left to record it in."""
        self._wake = asyncio.Event()
        self._last_seen: dict[str, NotifierPod] = {}
        """The pods that were seen last, by name."""
        self._trouble: dict[str, str] = {}
        """What the API server refuses, by the receiver that it concerns, or by "" for all."""

    def wake(self) -> None:
        """Look again: something that it is about has changed."""
        self._wake.set()

    async def run(self) -> None:
        """Return once nothing more is to be sent, and every message was sent or given up."""
        async with asyncio.TaskGroup() as group:
            tasks = TaskSet(group)
            informer = Informer(self.account, PODS, self.namespace, self._wake.set, labels=self.selector)
            tasks.start(informer.run())
            try:
                while not await self._turn(informer):
                    await self._rest()
            finally:
                tasks.cancel()

    @abstractmethod
    def refresh(self) -> bool:
        """Take the newest versions of what it is about; False once nobody waits for a pod of it any more."""

    @abstractmethod
    async def look(self) -> bool:
        """Read once, after the pods were listed, what an earlier process has recorded; whether that is known."""

    @abstractmethod
    def news(self) -> News:
        """What the messages are about now."""

    @abstractmethod
    def notified(self) -> Notified:
        """What became of messages so far."""

    @abstractmethod
    def may_end(self) -> bool:
        """Whether it ends where no pod is there and no message is due."""

    @abstractmethod
    async def record(self, found: Notified) -> None:
        """Record what became of messages."""

    @abstractmethod
    def pod(self, ctx: PodContext, receiver: Notify, events: tuple[Event, ...], sent: tuple[Delivery, ...]) -> Object:
        """The pod that sends these events."""

    @abstractmethod
    def pod_context(self) -> PodContext:
        """What its pods are made with."""

    @abstractmethod
    def warn(self, error: GameDayError) -> None:
        """Log that messages wait."""

    def is_own(self, pod: Object) -> bool:
        """Whether a pod of its selector is one of its own."""
        return pod is not None

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(AGAIN_AFTER if self._trouble else LOOK_EVERY):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _turn(self, informer: Informer) -> bool:
        """Do what is due; whether all is over."""
        self._wake.clear()
        if not self.refresh():
            return True
        if not informer.synced or not await self.look():
            return False
        news, pods = self.news(), self._pods(informer)
        work = decide(news.wanted(), news.happened, self.notified(), pods, self.clock(), self._trouble)
        if work.over or (self.may_end() and not (pods or work.make or work.record)):
            return True
        trouble: dict[str, str] = {}
        if work.record:
            await self._try("", self.record(work.record), trouble)
            if not trouble:
                self._wake.set()
        for name in work.delete:
            await self._try("", self._delete(informer, name), trouble)
        for batch in work.make:
            # One that is refused keeps no other from its message.
            await self._try(batch.receiver, self._make(informer, news, batch), trouble)
        self._trouble = trouble
        return False

    async def _try(self, receiver: str, work: Coroutine[Any, Any, None], trouble: dict[str, str]) -> None:
        try:
            await work
        except GameDayError as error:
            trouble[receiver] = str(error)
            if self._trouble.get(receiver) != str(error):
                self.warn(error)

    def receivers(self) -> dict[str, Notify]:
        """The receivers of the GameDay as it is now, by name."""
        if self.gameday is None:
            return {}
        try:
            return {one.receiver.name: one for one in notifications_of(self.gameday["spec"])}
        except PlanInvalid as error:
            self.warn(error)
            return {}

    def _pods(self, informer: Informer) -> Collection[NotifierPod]:
        """The pods; one that went counts as ended until it is recorded what became of its messages.

        It may have gone while it ran, without a last word, or before what it said could be recorded.
        """
        own = {name: thing for name, thing in informer.objects.items() if self.is_own(thing)}
        there = {name: pod for name, thing in own.items() if (pod := seen(thing)) is not None}
        lost = {
            name: pod if pod.ended else replace(pod, ended=True, results=None)
            for name, pod in self._last_seen.items()
            if name not in there and pod.started_at is not None
        }
        known = self.notified()
        self._last_seen = there | {
            name: pod for name, pod in self._last_seen.items() if name in lost and not _recorded(pod, known)
        }
        return tuple((there | {name: pod for name, pod in lost.items() if name in self._last_seen}).values())

    async def _delete(self, informer: Informer, name: str) -> None:
        pod = informer.objects.get(name)
        if pod is None:
            return
        if not await self.account.delete(PODS, self.namespace, name, uid=pod["metadata"]["uid"]):
            informer.evict(name)

    async def _make_room(self, informer: Informer, name: str) -> None:
        """Delete a pod that stands in the way, which an earlier one of this name left, once it has ended.

        Raises:
            Rejected: when it has not.
            GameDayError: when the API server does not delete it.

        """
        there = informer.objects.get(name)
        if there is None or self.is_own(there):
            return
        if (found := seen(there)) is not None and not found.ended:
            raise Rejected(f"pod {name} still has messages to send about something else of that name")
        await self._delete(informer, name)

    async def _make(self, informer: Informer, news: News, batch: Batch) -> None:
        """Create the pod of a batch; a second time finds the first.

        Raises:
            GameDayError: when the API server refuses it, or the namespace has not opted in any more.

        """
        accounts, _ = await self.cluster.list(SERVICE_ACCOUNTS, self.namespace, fields=f"metadata.name={ACCOUNT}")
        if not any((one["metadata"].get("labels") or {}).get(OPT_IN) == "true" for one in accounts):
            raise Rejected(f"namespace {self.namespace} has not opted in any more, so no pod may send messages there")
        sent = fitting(news.deliveries[batch.receiver, event] for event in batch.events)
        body = self.pod(self.pod_context(), news.receivers[batch.receiver], batch.events[: len(sent)], sent)
        try:
            made = await self.account.create(PODS, self.namespace, body)
        except AlreadyExists:
            # Made before, and not listed yet, or on its way out: the informer will show it.
            await self._make_room(informer, body["metadata"]["name"])
            return
        informer.upsert(made)


def _recorded(pod: NotifierPod, known: Notified) -> bool:
    """Whether it is recorded what became of each of a pod's messages, but for those that it has not sent."""
    said = (pod.results or {}) if pod.ended else {}
    unsent = {event for event, one in said.items() if one.outcome is Outcome.UNSENT}
    return all(event in known.get(pod.receiver, {}) or event in unsent for event in pod.events)


def merged(known: Notified, found: Notified) -> Notified:
    """Both together; what was known stays."""
    return {name: {**found.get(name, {}), **known.get(name, {})} for name in (*known, *found)}
