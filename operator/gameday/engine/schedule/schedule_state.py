"""Whether a slot runs: decided once, from the schedule, what was decided before, and the time.

The order of it makes a slot run at most once, and lose none without a word: the decision is recorded, then its Drill
is created under a name that follows from the slot, then the Drill's runner settles the slot before it does anything.
A process that dies between any two of these leaves a record from which the next one goes on.

A slot that nothing hinders is recorded as scheduled shortly before its time, so that at its time only its Drill is left
to create. Whatever changes until then still counts: such a slot is decided at its time like any other. The rules stand
in ``decisions``.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSimError

from gameday.engine.schedule.decisions import AHEAD, UNDECIDED, Case, SlotContext, judged, may_start
from gameday.engine.schedule.slots import COUNTED, count, newest, upcoming
from gameday.model.finding import Finding
from gameday.model.local_time import is_zone
from gameday.model.schedule import Decision, Schedule, ScheduleState, Slot, Window


def load(known: ScheduleState | None, digest: str, generation: int, changed_at: float) -> ScheduleState:
    """The calendar of a schedule: the known one, or one that starts anew where the schedule is another.

    ``changed_at`` is when the GameDay was last written: a schedule that changed has no slot up to then, so that
    neither a new cron expression nor the end of a suspension starts what is past. Two changes that came unseen may
    have changed it back and forth.
    """
    if known is None:
        return ScheduleState(digest, generation, changed_at)
    if known.digest == digest and generation - known.generation < 2:
        return known if known.generation == generation else _with(known, digest, generation, known.since)
    return _with(known, digest, generation, max(known.since, changed_at))


def decide(schedule: Schedule, state: ScheduleState, context: SlotContext, now: float) -> ScheduleState:
    """The calendar with every slot up to ``now`` decided.

    Only the newest slot that was missed counts.
    """
    state = decide_open(schedule, state, context, now)
    if (starting := state.starting) is not None and context.running is None:
        context = replace(context, running=f"of {local(starting.at, schedule.zone)}")
    floor = max(state.since, state.last_decided)
    at = newest(schedule, floor, now)
    if at is not None and (found := judged(None, Case(schedule, at, context, now, state.since))) is not None:
        state = state.note(*_older(schedule, floor, at), Slot(at, *found))
    return _schedule_next(schedule, state, context, now)


def decide_open(schedule: Schedule | None, state: ScheduleState, context: SlotContext, now: float) -> ScheduleState:
    """Decide the slot that is about to start once more; all other slots stay unchanged.

    ``schedule`` is None if the GameDay has no schedule now, or an invalid one.
    """
    starting = state.starting
    if starting is None or (schedule is not None and starting.at > now):
        return state
    found = judged(starting.decision, Case(schedule, starting.at, context, now, state.since))
    return state if found is None else state.close(starting.at, *found)


def start(state: ScheduleState, at: float, drill: str, uid: str) -> ScheduleState:
    """The calendar in which a slot's Drill begins, by its name and UID; one that may not begin changes nothing."""
    slot = state.slot(at)
    if slot is None or not may_start(slot.decision):
        return state
    return state.close(at, Decision.STARTED, f"drill {drill}", uid)


def due(schedule: Schedule, state: ScheduleState, now: float) -> float:
    """When the calendar, decided up to ``now``, has something to decide again, as a Unix second."""
    following = _following(schedule, state)
    if (starting := state.starting) is None:
        return following - AHEAD if following - AHEAD > now else following
    steps = [starting.at, starting.at + schedule.starting_deadline]
    if starting.decision is Decision.SCHEDULED:
        steps.append(starting.at + UNDECIDED)
    return min([following, *(at for at in steps if at > now)])


def check(schedule: Schedule) -> Iterator[Finding]:
    """Everything in a schedule that no schema can see."""
    if not is_zone(schedule.zone):
        text = f"{schedule.zone!r} is not an IANA time zone: write one such as Europe/Berlin or Etc/UTC"
        yield Finding("spec.schedule.timeZone", text)
        return
    yield from _cron("spec.schedule.cron", schedule.cron)
    for index, blackout in enumerate(schedule.blackouts):
        if isinstance(blackout, Window) and blackout.until <= blackout.since:
            text = "until must be later than from: it is the first moment after the blackout"
            yield Finding(f"spec.schedule.blackouts[{index}].until", text)


def local(at: float, zone: str) -> str:
    """A moment as people of a zone read it: ``Mon 2026-11-30 10:00 CET``."""
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M %Z")


def _with(known: ScheduleState, digest: str, generation: int, since: float) -> ScheduleState:
    return ScheduleState(digest, generation, since, known.last_decided, known.slots)


def _following(schedule: Schedule, state: ScheduleState) -> float:
    """The first slot that is not decided."""
    after = max(state.since, state.last_decided)
    return next(upcoming(schedule.cron, schedule.zone, after), float("inf"))


def _schedule_next(schedule: Schedule, state: ScheduleState, context: SlotContext, now: float) -> ScheduleState:
    """Record the next slot as scheduled, if its time is near; what hinders it is decided at its time."""
    if state.starting is not None:
        return state
    at = _following(schedule, state)
    found = judged(None, Case(schedule, at, context, now, state.since))
    return state.note(Slot(at, *found)) if found is not None and found[0] is Decision.SCHEDULED else state


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
        f"{many} slots since {local(first, schedule.zone)} passed while no operator was running; only the "
        "newest may still start, within startingDeadline"
    )
    yield Slot(last, Decision.TOO_LATE, text, missed)


def _last_before(schedule: Schedule, floor: float, at: float) -> float:
    found = newest(schedule, floor, at - 1)
    return at if found is None else found


def _cron(path: str, cron: str) -> Iterator[Finding]:
    if len(cron.split()) != 5 or not re.fullmatch(r"[0-9A-Za-z*,/#\- ]+", cron):
        yield Finding(
            path, f"{cron!r} is not a cron expression: write five fields, minute hour day-of-month month day-of-week"
        )
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
        yield Finding(path, f"{cron!r} matches no date: correct its day or month (30 February never comes)")
