"""What became of the messages of a drill, in its status: a list by receiver, and the condition that sums it up."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gameday.model.notice import Delivered, Event, Notified, Outcome
from gameday.schema.bounds import LINE, MESSAGE, cut
from gameday.schema.times import shown_moment, timestamp

NOTIFIED: Final = "Notified"
"""The condition that says whether the messages of a drill were sent."""
NOT_SENT: Final = "NotificationFailed"
NOT_KNOWN: Final = "NotificationUnknown"
FIELDS: Final = {Outcome.SENT: "sent", Outcome.FAILED: "failed", Outcome.UNKNOWN: "unknown"}
"""The field of a receiver's entry that lists the events of an outcome."""


def notified_of(status: Mapping[str, Any]) -> Notified:
    """What a status says became of messages; an entry that somebody made unreadable says nothing."""
    found: dict[str, dict[Event, Delivered]] = {}
    for entry in status.get("notifications") or ():
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            found[entry["name"]] = dict(_entry(entry))
    return found


def _entry(entry: Mapping[str, Any]) -> Iterator[tuple[Event, Delivered]]:
    why = str(entry.get("message", ""))
    known = {event.value: event for event in Event}
    for outcome, field in FIELDS.items():
        listed = entry.get(field)
        for name in listed if isinstance(listed, list) else ():
            if name in known:
                yield known[name], Delivered(outcome, "" if outcome is Outcome.SENT else why)


def notified_fields(notified: Notified) -> list[dict[str, Any]]:
    """The list as a status has it; the message is about the last event of which something went wrong."""
    return [_shown(name, _in_order(events)) for name, events in notified.items() if events]


def _in_order(events: Mapping[Event, Delivered]) -> Mapping[Event, Delivered]:
    return {event: events[event] for event in Event if event in events}


def _shown(name: str, events: Mapping[Event, Delivered]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name}
    for outcome, field in FIELDS.items():
        if listed := [event.value for event, one in events.items() if one.outcome is outcome]:
            entry[field] = listed
    wrong = [one.why for one in events.values() if one.outcome is not Outcome.SENT]
    return entry | ({"message": cut(wrong[-1], LINE)} if wrong else {})


def announced_slot(status: Mapping[str, Any]) -> float | None:
    """The slot that the announcements in a GameDay's status are about, as a Unix second; None where there are none."""
    announced = status.get("announced")
    return shown_moment(str(announced.get("slot", ""))) if isinstance(announced, dict) else None


def announced_of(status: Mapping[str, Any], slot: float) -> Notified:
    """What a GameDay's status says became of the messages about a slot; nothing where it is about another one."""
    return notified_of(status["announced"]) if announced_slot(status) == slot else {}


def announced_fields(notified: Notified, slot: float) -> dict[str, Any]:
    """The messages about a slot, as a GameDay's status has them."""
    return {"slot": timestamp(slot), "notifications": notified_fields(notified)}


def notified_condition(status: Mapping[str, Any]) -> tuple[tuple[str, str, str, str], ...]:
    """The condition of a status, or none before the first message."""
    notified = {name: _in_order(events) for name, events in notified_of(status).items()}
    if not notified:
        return ()
    for outcome, state, reason in ((Outcome.FAILED, "False", NOT_SENT), (Outcome.UNKNOWN, "Unknown", NOT_KNOWN)):
        if wrong := [text for name, events in notified.items() for text in _wrong(name, events, outcome)]:
            return ((NOTIFIED, state, reason, cut("; ".join(wrong), MESSAGE)),)
    sent = "; ".join(f"{name}: {', '.join(event.value for event in events)}" for name, events in notified.items())
    return ((NOTIFIED, "True", "Sent", cut(f"every message was sent: {sent}", MESSAGE)),)


def _wrong(name: str, events: Mapping[Event, Delivered], outcome: Outcome) -> Iterator[str]:
    listed = [event.value for event, one in events.items() if one.outcome is outcome]
    if listed:
        why = next(one.why for one in events.values() if one.outcome is outcome)
        said = "was not sent" if outcome is Outcome.FAILED else "may not have arrived"
        yield f"{name}: {', '.join(listed)} {said}: {why}"
