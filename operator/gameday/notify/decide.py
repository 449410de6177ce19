"""What follows for the messages of one drill: what to record, which pods to make and which to delete.

What is recorded in the Drill's status and which pods are there is all that counts, so that it may be asked again after
any restart. A pod's name follows from the drill, the receiver and the first message, so that none is made twice; it is
deleted only once what became of its messages is recorded. Each receiver has one pod at a time: one that hangs keeps no
other waiting, and messages reach a receiver in order.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gameday.model.notice import FOLLOWS, Delivered, Event, Happened, Notified, Outcome, Receiver

HAND_OVER: Final = 900.0
"""Seconds after an event within which a pod must have begun to send it; older news is not sent."""
TRIES_FOR: Final = 300.0
"""Seconds for which a pod tries to send what it was given."""
LASTS: Final = TRIES_FOR + 60.0
"""Seconds after which a pod has ended by itself, whatever its receiver does."""
OVERDUE: Final = LASTS + 120.0
"""Seconds after its start at which nobody waits for a pod any more: its node is gone."""
NO_TROUBLE: Final[Mapping[str, str]] = {}
NO_WORD: Final = "its pod ended without saying whether it was sent; it may have arrived, so it is not sent again"


@dataclass(frozen=True, slots=True)
class NotifierPod:
    """A pod that sends messages, as it is seen."""

    name: str
    receiver: str
    events: tuple[Event, ...]
    started_at: float | None = None
    """When its container began; None before that."""
    ended: bool = False
    results: Mapping[Event, Delivered] | None = None
    """What it says became of its messages, once it has ended."""
    trouble: str = ""
    """What keeps it from starting."""
    leaving: bool = False
    """Whether it is being deleted."""
    made_at: float | None = None
    """When it was made; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A pod to be made: which receiver is sent what, in order."""

    receiver: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class NotifyWork:
    """What to do now: record first, then delete, then make. ``over`` once nothing is left and nothing can come."""

    record: Mapping[str, Mapping[Event, Delivered]]
    delete: tuple[str, ...] = ()
    make: tuple[Batch, ...] = ()
    over: bool = False


def decide(
    receivers: Iterable[Receiver],
    happened: Collection[Happened],
    notified: Notified,
    pods: Collection[NotifierPod],
    now: float,
    trouble: Mapping[str, str] = NO_TROUBLE,
) -> NotifyWork:
    """The next steps; ``trouble`` is what keeps pods from being made, by receiver, ``now`` a Unix second."""
    news = {one.event: one for one in happened}
    record: dict[str, dict[Event, Delivered]] = {}
    delete: list[str] = []
    for pod in pods:
        known = notified.get(pod.receiver, {})
        found = {event: said for event, said in _outcomes(pod, news, now) if event not in known}
        if found:
            record.setdefault(pod.receiver, {}).update(found)
        elif _is_done(pod, known) and not pod.leaving:
            delete.append(pod.name)
    make: list[Batch] = []
    for one in receivers:
        known = {**notified.get(one.name, {}), **record.get(one.name, {})}
        due = [event for event in happened if _is_due(one, event, known)]
        busy = any(pod.receiver == one.name for pod in pods)
        late = [] if busy else [event for event in due if now > event.at + _handed_over(event)]
        refused = trouble.get(one.name, "")
        # A receiver without any message yet gets no failure for events of before it was there.
        for event in late if known or refused else ():
            record.setdefault(one.name, {})[event.event] = Delivered(Outcome.FAILED, _too_late(event, refused))
        fresh = tuple(event.event for event in due if event not in late)
        if fresh and not busy:
            make.append(Batch(one.name, fresh))
    ended = Event.VERDICT in news
    return NotifyWork(record, tuple(delete), tuple(make), over=ended and not (record or pods or make))


def _is_due(receiver: Receiver, one: Happened, known: Mapping[Event, Delivered]) -> bool:
    if one.event in known or not receiver.wants(one):
        return False
    first = known.get(FOLLOWS[one.event]) if one.event in FOLLOWS else None
    return one.event not in FOLLOWS or (first is not None and first.outcome is not Outcome.FAILED)


def _outcomes(pod: NotifierPod, news: Mapping[Event, Happened], now: float) -> Iterator[tuple[Event, Delivered]]:
    """What is known of a pod's messages; nothing of one that another pod may send."""
    if pod.ended:
        results = pod.results if pod.results is not None else {}
        for event in pod.events:
            said = results.get(event, Delivered(Outcome.UNKNOWN, NO_WORD))
            if said.outcome is not Outcome.UNSENT:
                yield event, said
    elif pod.started_at is not None and now > pod.started_at + OVERDUE:
        yield from ((event, Delivered(Outcome.UNKNOWN, NO_WORD)) for event in pod.events)
    elif pod.started_at is None:
        # What is over meanwhile, as a leftover that was undone, is as old as its pod.
        made = pod.made_at if pod.made_at is not None else now
        first = news.get(pod.events[0], Happened(pod.events[0], made))
        if now > first.at + _handed_over(first):
            yield from ((event, Delivered(Outcome.FAILED, _too_late(first, pod.trouble))) for event in pod.events)


def _is_done(pod: NotifierPod, known: Mapping[Event, Delivered]) -> bool:
    """Whether nothing is to be learned from a pod any more."""
    return pod.ended or all(event in known for event in pod.events)


def _handed_over(happened: Happened) -> float:
    """Seconds after an event within which a pod must have begun to send it."""
    return HAND_OVER if happened.until is None else min(HAND_OVER, happened.until - happened.at)


def _too_late(happened: Happened, trouble: str) -> str:
    why = f": {trouble}" if trouble else ""
    return f"no pod could begin to send it within {_handed_over(happened) / 60:.0f} min{why}"
