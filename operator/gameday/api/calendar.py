"""A GameDay's schedule on its way in, and its calendar on its way to and from the status."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from gameday.api import schedule as api
from gameday.api.parse import PlanInvalid, path_of
from gameday.api.record import moment, timestamp
from gameday.model.schedule import Blackout, Calendar, Decision, Recurring, Schedule, Slot, Window
from gameday.model.wall import first_coming, last_coming
from gameday.schema.bounds import MESSAGE, cut
from gameday.schema.durations import seconds

SHOWN: Final = 5
"""How many of the next runs a status lists."""


def schedule_of(spec: Mapping[str, Any]) -> Schedule | None:
    """The schedule of a GameDay's spec, or None where it has none.

    Raises:
        PlanInvalid: when the schema does not admit it, or a blackout names no date.

    """
    given = spec.get("schedule")
    if given is None:
        return None
    try:
        parsed = api.Schedule.model_validate(given)
    except ValidationError as error:
        found = tuple((path_of(("schedule", *one["loc"])), one["msg"]) for one in error.errors())
        raise PlanInvalid(found) from error
    blackouts = tuple(_blackout(index, one, parsed.time_zone) for index, one in enumerate(parsed.blackouts))
    return Schedule(parsed.cron, parsed.time_zone, seconds(parsed.starting_deadline), blackouts, parsed.suspend)


def kept(spec: Mapping[str, Any]) -> int:
    """How many ended drills of its schedule a GameDay keeps."""
    return int(spec.get("history", {}).get("keep", api.History().keep))


def digest_of(spec: Mapping[str, Any]) -> str:
    """What tells one schedule from another."""
    parsed = api.Schedule.model_validate(spec["schedule"])
    text = json.dumps(parsed.model_dump(mode="json", by_alias=True, exclude_none=True), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def calendar_of(status: Mapping[str, Any]) -> Calendar | None:
    """The calendar that an earlier decision left, or None where there was none, or none that can be read.

    A slot that cannot be read, because a newer operator wrote it or somebody edited it, is left out: it counts as
    decided all the same.
    """
    known, last = status.get("schedule"), status.get("lastDecidedSlot")
    if known is None and last is None:
        return None
    slots = tuple(slot for slot in map(_slot_of, status.get("slots", ())) if slot is not None)
    try:
        decided = moment(last) if last else 0.0
        if known is None:
            return Calendar("", 0, 0.0, decided, slots)
        return Calendar(known["digest"], known["generation"], moment(known["since"]), decided, slots)
    except (ValueError, KeyError, OverflowError):
        return None


def _slot_of(shown: Mapping[str, Any]) -> Slot | None:
    try:
        at, decision = moment(shown["at"]), Decision(shown["decision"])
    except (ValueError, KeyError, OverflowError):
        return None
    return Slot(at, decision, shown.get("message", ""), shown.get("count", 1), shown.get("drillUID", ""))


def calendar_fields(calendar: Calendar) -> dict[str, Any]:
    """The calendar as fields of a status."""
    fields: dict[str, Any] = {
        "schedule": {
            "digest": calendar.digest,
            "generation": calendar.generation,
            "since": timestamp(calendar.since),
        },
        "slots": [_slot(slot) for slot in calendar.slots],
    }
    if calendar.last_decided:
        fields["lastDecidedSlot"] = timestamp(calendar.last_decided)
    return fields


def _slot(slot: Slot) -> dict[str, Any]:
    shown: dict[str, Any] = {"at": timestamp(slot.at), "decision": slot.decision.value}
    if slot.message:
        shown["message"] = cut(slot.message, MESSAGE)
    if slot.count > 1:
        shown["count"] = slot.count
    if slot.drill:
        shown["drillUID"] = slot.drill
    return shown


def _blackout(index: int, one: api.Blackout, zone: str) -> Blackout:
    if one.cron is not None and one.lasts is not None:
        return Recurring(one.name, one.cron, seconds(one.lasts))
    path = f"spec.schedule.blackouts[{index}]"
    since = _local(f"{path}.from", one.from_, zone, first_coming)
    return Window(one.name, since, _local(f"{path}.until", one.until, zone, last_coming))


def _local(path: str, text: str | None, zone: str, moment_of: Callable[[datetime, ZoneInfo], float]) -> float:
    if text is None:
        raise PlanInvalid(((path, "give either from and until, or cron and lasts"),))
    try:
        return moment_of(datetime.fromisoformat(text), ZoneInfo(zone))
    except (ZoneInfoNotFoundError, OSError):
        # The zone has a finding of its own.
        return 0.0
    except (ValueError, OverflowError):
        raise PlanInvalid(((path, f"{text!r} is no date: write 2026-12-20 or 2026-12-20T18:00"),)) from None
