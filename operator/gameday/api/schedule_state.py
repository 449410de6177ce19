"""A GameDay's schedule on its way in, and its calendar on its way to and from the status."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfoNotFoundError

from cronsim import CronSimError
from pydantic import ValidationError

from gameday.api import schedule as api
from gameday.api.record import moment, timestamp
from gameday.engine.schedule.slots import upcoming
from gameday.errors import PlanInvalid
from gameday.model.schedule import Blackout, Decision, Recurring, Schedule, ScheduleState, Slot, Window
from gameday.schema.bounds import MESSAGE, cut
from gameday.schema.durations import seconds
from gameday.schema.findings import findings_of
from gameday.schema.renamed import DECISIONS
from gameday.schema.when import hours_of

SHOWN: Final = 5
"""How many of the next runs a status lists."""


def schedule_of(spec: Mapping[str, Any]) -> Schedule | None:
    """The schedule of a GameDay's spec, or None where it has none.

    Raises:
        PlanInvalid: when the schema does not admit it.

    """
    given = spec.get("schedule")
    if given is None:
        return None
    try:
        parsed = api.Schedule.model_validate(given)
    except ValidationError as error:
        raise PlanInvalid(tuple(findings_of(error, "spec", "schedule"))) from error
    blackouts = tuple(_blackout(one) for one in parsed.blackouts)
    return Schedule(parsed.cron, parsed.time_zone, seconds(parsed.starting_deadline), blackouts, parsed.suspend)


def kept(spec: Mapping[str, Any]) -> int:
    """How many ended drills of its schedule a GameDay keeps."""
    return int(spec.get("history", {}).get("keep", api.History().keep))


def samples_kept(spec: Mapping[str, Any]) -> int:
    """For how many ended drills a GameDay keeps the samples."""
    return int(spec.get("history", {}).get("samples", api.History().samples))


def digest_of(spec: Mapping[str, Any]) -> str:
    """A digest by which schedules are compared."""
    parsed = api.Schedule.model_validate(spec["schedule"])
    text = json.dumps(parsed.model_dump(mode="json", by_alias=True, exclude_none=True), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def schedule_state_of(status: Mapping[str, Any]) -> ScheduleState | None:
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
            return ScheduleState("", 0, 0.0, decided, slots)
        return ScheduleState(known["digest"], known["generation"], moment(known["since"]), decided, slots)
    except (ValueError, KeyError, OverflowError):
        return None


def _slot_of(shown: Mapping[str, Any]) -> Slot | None:
    try:
        word = shown["decision"]
        at, decision = moment(shown["at"]), Decision(DECISIONS.get(str(word), word))
    except (ValueError, KeyError, OverflowError):
        return None
    return Slot(at, decision, shown.get("message", ""), shown.get("count", 1), shown.get("drillUID", ""))


def hindered(gameday: Mapping[str, Any], at: float, now: float) -> str:
    """Why a slot whose time has passed did not run, or "" where it did, or where that is not decided yet."""
    if now < at:
        return ""
    state = schedule_state_of(gameday.get("status", {}))
    decided = next((slot for slot in state.slots if slot.at == at), None) if state is not None else None
    if decided is not None:
        return "" if decided.ran else f"{decided.decision.value}: {decided.message}".removesuffix(": ")
    try:
        schedule = schedule_of(gameday["spec"])
        gone = schedule is None or next(upcoming(schedule.cron, schedule.zone, at - 1.0), None) != at
    except (PlanInvalid, CronSimError, ZoneInfoNotFoundError):
        gone = True
    return "its schedule was changed" if gone else ""


def schedule_state_fields(state: ScheduleState) -> dict[str, Any]:
    """The calendar as fields of a status."""
    fields: dict[str, Any] = {
        "schedule": {
            "digest": state.digest,
            "generation": state.generation,
            "since": timestamp(state.since),
        },
        "slots": [_slot(slot) for slot in state.slots],
    }
    if state.last_decided:
        fields["lastDecidedSlot"] = timestamp(state.last_decided)
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


def _blackout(one: api.Blackout) -> Blackout:
    if one.when is not None:
        return Recurring(one.name, hours_of(one.when))
    return Window(one.name, moment(one.from_ or ""), moment(one.until or ""))
