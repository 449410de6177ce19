"""Whether a slot runs: decided once, from the schedule, what was decided before, and the time.

The order of it makes a slot run at most once, and lose none without a word: the decision is recorded, then its Drill
is created under a name that follows from the slot, then the Drill's runner settles the slot before it does anything.
A process that dies between any two of these leaves a record from which the next one goes on.

A slot that nothing hinders is recorded as coming shortly before its time, so that at its time only its Drill is left to
create. Whatever changes until then still counts: such a slot is judged at its time like any other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSimError

from gameday.engine.schedule.slots import COUNTED, blackout_at, count, newest, upcoming
from gameday.model.finding import Finding
from gameday.model.schedule import Calendar, Decision, Schedule, Slot, Window
from gameday.model.wall import is_zone

AHEAD: Final = 30.0
"""Seconds before its time from which a slot is recorded as coming: a thousand at once take ten on two cores.

Less than a minute: no two slots of an expression are then coming at the same time.
"""
UNDECIDED: Final = 10.0
"""Seconds after its time for which a slot whose Drill is there may stay as coming: most begin within them, unqueued."""


def begin(known: Calendar | None, digest: str, generation: int, changed_at: float) -> Calendar:
    """The calendar of a schedule: the known one, or one that starts anew where the schedule is another.

    ``changed_at`` is when the GameDay was last written: a schedule that changed has no slot up to then, so that
    neither a new cron expression nor the end of a suspension starts what is past. Two changes that came unseen may
    have changed it back and forth.
    """
    if known is None:
        return Calendar(digest, generation, changed_at)
    if known.digest == digest and generation - known.generation < 2:
        return known if known.generation == generation else _with(known, digest, generation, known.since)
    return _with(known, digest, generation, max(known.since, changed_at))


@dataclass(frozen=True, slots=True)
class Around:
    """What else counts for a slot.

    ``running`` names a Drill of this GameDay that has not ended; ``halted`` is the owner's word that no drill starts,
    empty when there is none; ``trouble`` is why the last Drill was not created; ``made`` is whether the Drill of the
    slot that is coming is there, which then does not count as running.
    """

    running: str | None = None
    halted: str = ""
    trouble: str = ""
    made: bool = False


def decide(schedule: Schedule, calendar: Calendar, around: Around, now: float) -> Calendar:
    """The calendar with every slot up to ``now`` decided.

    Only the newest slot that was missed counts.
    """
    calendar = come(schedule, calendar, around, now)
    if (starting := calendar.starting) is not None and around.running is None:
        around = replace(around, running=f"of {local(starting.at, schedule.zone)}")
    floor = max(calendar.since, calendar.last_decided)
    at = newest(schedule, floor, now)
    if at is not None:
        calendar = calendar.note(*_older(schedule, floor, at), _judge(schedule, at, around, now))
    return _announce(schedule, calendar, around, now)


def come(schedule: Schedule | None, calendar: Calendar, around: Around, now: float) -> Calendar:
    """The calendar in which a slot whose Drill is to begin is ended where it may not; others stay as they are.

    ``schedule`` is None where the GameDay has none now, or an invalid one.
    """
    starting = calendar.starting
    if starting is None or (schedule is not None and starting.at > now):
        return calendar
    at, coming = starting.at, starting.decision is Decision.COMING
    if schedule is None:
        return _changed(calendar, at) if coming or not around.made else calendar
    if coming and (at <= calendar.since or newest(schedule, at - 1, at) is None):
        return _changed(calendar, at)
    if coming and (judged := _judge(schedule, at, Around(), at)).decision is not Decision.STARTING:
        return calendar.settle(at, judged.decision, judged.message)
    if now >= at + schedule.starting_deadline:
        why = f"its Drill did not begin in time: {around.trouble or 'no process was there to create or begin it'}"
        return calendar.settle(at, Decision.TOO_LATE, why)
    if not coming:
        return calendar
    # Once its Drill is there, a halt and other drills are for that Drill to wait for, or to end by.
    if not around.made:
        if newest(schedule, at, now) is not None:
            why = f"its Drill was not there by the next slot: {around.trouble or 'no process was there to create it'}"
            return calendar.settle(at, Decision.TOO_LATE, why)
        judged = _judge(schedule, at, around, at)
        if judged.decision is not Decision.STARTING:
            return calendar.settle(at, judged.decision, judged.message)
    return calendar.settle(at, Decision.STARTING) if now >= at + UNDECIDED else calendar


def due(schedule: Schedule, calendar: Calendar, now: float) -> float:
    """When the calendar, decided up to ``now``, has something to decide again, as a Unix second."""
    following = _following(schedule, calendar)
    if (starting := calendar.starting) is None:
        return following - AHEAD if following - AHEAD > now else following
    steps = [starting.at, starting.at + schedule.starting_deadline]
    if starting.decision is Decision.COMING:
        steps.append(starting.at + UNDECIDED)
    return min([following, *(at for at in steps if at > now)])


def check(schedule: Schedule) -> Iterator[Finding]:
    """Everything in a schedule that no schema can see."""
    if not is_zone(schedule.zone):
        text = f"{schedule.zone!r} is no IANA time zone: write one such as Europe/Berlin or Etc/UTC"
        yield Finding("spec.schedule.timeZone", text)
        return
    yield from _cron("spec.schedule.cron", schedule.cron)
    for index, blackout in enumerate(schedule.blackouts):
        if isinstance(blackout, Window) and blackout.until <= blackout.since:
            text = "it must be later than from: until is the first moment after the blackout"
            yield Finding(f"spec.schedule.blackouts[{index}].until", text)


def local(at: float, zone: str) -> str:
    """A moment as people of a zone read it: ``Mon 2026-11-30 10:00 CET``."""
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M %Z")


def _with(known: Calendar, digest: str, generation: int, since: float) -> Calendar:
    return Calendar(digest, generation, since, known.last_decided, known.slots)


def _following(schedule: Schedule, calendar: Calendar) -> float:
    """The first slot that is not decided."""
    after = max(calendar.since, calendar.last_decided)
    return next(upcoming(schedule.cron, schedule.zone, after), float("inf"))


def _announce(schedule: Schedule, calendar: Calendar, around: Around, now: float) -> Calendar:
    if calendar.starting is not None:
        return calendar
    at = _following(schedule, calendar)
    seen = now < at <= now + AHEAD and _judge(schedule, at, around, now).decision is Decision.STARTING
    return calendar.note(Slot(at, Decision.COMING)) if seen else calendar


def _changed(calendar: Calendar, at: float) -> Calendar:
    return calendar.settle(at, Decision.CHANGED, "the GameDay was changed before its Drill began")


def _older(schedule: Schedule, floor: float, at: float) -> Iterator[Slot]:
    missed = count(schedule, floor, at)
    if missed == 0:
        return
    first = next(upcoming(schedule.cron, schedule.zone, floor))
    last = _last_before(schedule, floor, at)
    many = f"at least {COUNTED}" if missed == COUNTED else str(missed)
    if schedule.suspend:
        yield Slot(last, Decision.SUSPENDED, f"{many} slots since {local(first, schedule.zone)}", missed)
        return
    text = (
        f"{many} slots since {local(first, schedule.zone)} passed while no operator was there; only the newest counts"
    )
    yield Slot(last, Decision.TOO_LATE, text, missed)


def _last_before(schedule: Schedule, floor: float, at: float) -> float:
    found = newest(schedule, floor, at - 1)
    return at if found is None else found


def _judge(schedule: Schedule, at: float, around: Around, now: float) -> Slot:
    if around.halted:
        return Slot(at, Decision.HALTED, around.halted)
    if schedule.suspend:
        return Slot(at, Decision.SUSPENDED, "spec.schedule.suspend is true")
    if (blackout := blackout_at(schedule, at)) is not None:
        return Slot(at, Decision.BLACKOUT, f"in blackout {blackout.name}")
    if now > at + schedule.starting_deadline:
        text = f"seen {now - at:.0f} s after its time, and startingDeadline is {schedule.starting_deadline:.0f} s"
        return Slot(at, Decision.TOO_LATE, text)
    if around.running is not None:
        return Slot(at, Decision.STILL_RUNNING, f"drill {around.running} has not ended")
    return Slot(at, Decision.STARTING)


def _cron(path: str, cron: str) -> Iterator[Finding]:
    if len(cron.split()) != 5 or not re.fullmatch(r"[0-9A-Za-z*,/#\- ]+", cron):
        yield Finding(path, f"{cron!r} is no cron expression: five fields, minute hour day-of-month month day-of-week")
        return
    if alone := re.search(r"\b(\w+)-\1/", cron):
        yield Finding(path, f"{cron!r}: {alone[0]} steps through a range of one number: write {alone[1]}")
        return
    try:
        first = list(zip(range(2), upcoming(cron, "UTC", 0.0), strict=False))
    except CronSimError as error:
        yield Finding(
            path, f"{cron!r}: {str(error).lower()}; the fields are minute hour day-of-month month day-of-week"
        )
        return
    if not first:
        yield Finding(path, f"{cron!r} names a day that never comes")
