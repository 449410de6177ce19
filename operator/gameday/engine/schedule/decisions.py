"""What becomes of a slot, as a table: what it was, what it becomes, and when.

``calendar`` asks the table and records the answer; the diagram in ``docs/dev/slots.md`` is made from it. The first rule
that applies decides. A decision that stands before no rule is final.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gameday.engine.schedule.slots import blackout_at, newest
from gameday.model.schedule import Decision, Schedule

AHEAD: Final = 30.0
"""Seconds before its time from which a slot is recorded as scheduled: a thousand at once take ten on two cores.

Less than a minute: no two slots of an expression are then scheduled at the same time.
"""
UNDECIDED: Final = 10.0
"""Seconds after its time for which a slot may stay Scheduled once its Drill exists; most drills start within them."""
NOBODY: Final = "no operator was running to create or start it"
WAITED: Final = "it waited for other drills, which ran in its namespace or were starting, or no operator was running"


@dataclass(frozen=True, slots=True)
class SlotContext:
    """What a decision about a slot depends on.

    ``running`` names a Drill of this GameDay that has not ended; ``halted`` is the administrator's reason for a halt,
    or ""; ``trouble`` is why the last Drill was not created; ``made`` is whether the Drill of the scheduled slot
    exists, which then does not count as running.
    """

    running: str | None = None
    halted: str = ""
    trouble: str = ""
    made: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A slot to be decided at ``now``: ``at`` is its time, and no slot up to ``since`` is of this schedule.

    ``schedule`` is None if the GameDay has no schedule now, or an invalid one. Times are Unix seconds.
    """

    schedule: Schedule | None
    at: float
    context: SlotContext
    now: float
    since: float


Applies = Callable[[Case], str | None]
"""The message of a decision, which may be empty, or None where the rule does not apply."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule by which a slot is decided; ``before`` is None for a slot without a record.

    ``when`` is a text for people. A rule without ``applies`` is not evaluated: the Drill itself starts, or there is a
    newer slot.
    """

    before: Decision | None
    after: Decision
    when: str
    applies: Applies | None


def judged(before: Decision | None, case: Case) -> tuple[Decision, str] | None:
    """What a slot becomes, and the message that says why, or None where it stays what it is."""
    for rule in RULES:
        if rule.before is before and rule.applies is not None and (message := rule.applies(case)) is not None:
            return rule.after, message
    return None


def may_start(before: Decision) -> bool:
    """Whether a slot's Drill may begin."""
    return any(rule.before is before and rule.after is Decision.STARTED for rule in RULES)


def _with_schedule(applies: Callable[[Schedule, Case], str | None]) -> Applies:
    """Make a rule that never applies where the GameDay has no schedule."""
    return lambda case: None if case.schedule is None else applies(case.schedule, case)


def _unless_made(applies: Applies) -> Applies:
    """Make a rule that never applies once the slot's Drill is there: it is for that Drill to wait, or to end."""
    return lambda case: None if case.context.made else applies(case)


def _halted(case: Case) -> str | None:
    return case.context.halted or None


@_with_schedule
def _suspended(schedule: Schedule, _: Case) -> str | None:
    return "spec.schedule.suspend is true" if schedule.suspend else None


@_with_schedule
def _in_blackout(schedule: Schedule, case: Case) -> str | None:
    blackout = blackout_at(schedule, case.at)
    return f"in blackout {blackout.name}" if blackout is not None else None


@_with_schedule
def _blackout_has_begun(schedule: Schedule, case: Case) -> str | None:
    blackout = blackout_at(schedule, max(case.at, case.now))
    return f"it would start in blackout {blackout.name}, which began after its time" if blackout is not None else None


@_with_schedule
def _seen_too_late(schedule: Schedule, case: Case) -> str | None:
    late = case.now - case.at
    if late <= schedule.starting_deadline:
        return None
    return f"seen {late:.0f} s after its time, and startingDeadline is {schedule.starting_deadline:.0f} s"


def _still_running(case: Case) -> str | None:
    running = case.context.running
    return f"drill {running} has not ended" if running is not None else None


def _ahead(case: Case) -> str | None:
    return "" if case.now < case.at <= case.now + AHEAD else None


def _at_its_time(case: Case) -> str | None:
    return "" if case.at <= case.now else None


def _without_schedule(case: Case) -> str | None:
    return _CHANGED if case.schedule is None else None


@_with_schedule
def _is_no_time(schedule: Schedule, case: Case) -> str | None:
    return _CHANGED if newest(schedule, case.at - 1, case.at) is None else None


def _is_no_slot(case: Case) -> str | None:
    return _CHANGED if case.schedule is not None and case.at <= case.since else _is_no_time(case)


@_with_schedule
def _not_begun(schedule: Schedule, case: Case) -> str | None:
    if case.now < case.at + schedule.starting_deadline:
        return None
    return f"its Drill did not start in time: {case.context.trouble or (WAITED if case.context.made else NOBODY)}"


@_with_schedule
def _next_has_come(schedule: Schedule, case: Case) -> str | None:
    if newest(schedule, case.at, case.now) is None:
        return None
    return f"its Drill did not exist by the next slot: {case.context.trouble or 'no operator was running to create it'}"


def _undecided(case: Case) -> str | None:
    return "" if case.now >= case.at + UNDECIDED else None


_CHANGED: Final = "the GameDay was changed before its Drill started"

RULES: Final = (
    Rule(None, Decision.HALTED, "drills are halted", _halted),
    Rule(None, Decision.SUSPENDED, "spec.schedule.suspend", _suspended),
    Rule(None, Decision.BLACKOUT, "in a blackout", _in_blackout),
    Rule(None, Decision.TOO_LATE, "seen after startingDeadline", _seen_too_late),
    Rule(None, Decision.BLACKOUT, "a blackout has begun since", _blackout_has_begun),
    Rule(None, Decision.TOO_LATE, "missed, and a newer slot is due", None),
    Rule(None, Decision.STILL_RUNNING, "an earlier drill has not ended", _still_running),
    Rule(None, Decision.SCHEDULED, f"{AHEAD:.0f} s ahead, nothing blocks it", _ahead),
    Rule(None, Decision.STARTING, "at its time, nothing blocks it", _at_its_time),
    Rule(Decision.SCHEDULED, Decision.CHANGED, "the schedule was removed", _without_schedule),
    Rule(Decision.SCHEDULED, Decision.CHANGED, "no longer a slot of the schedule", _is_no_slot),
    Rule(Decision.SCHEDULED, Decision.SUSPENDED, "spec.schedule.suspend", _suspended),
    Rule(Decision.SCHEDULED, Decision.BLACKOUT, "in a blackout", _in_blackout),
    Rule(Decision.SCHEDULED, Decision.TOO_LATE, "not started by startingDeadline", _not_begun),
    Rule(Decision.SCHEDULED, Decision.BLACKOUT, "a blackout has begun since", _blackout_has_begun),
    Rule(Decision.SCHEDULED, Decision.TOO_LATE, "no Drill by the next slot", _unless_made(_next_has_come)),
    Rule(Decision.SCHEDULED, Decision.HALTED, "drills are halted, no Drill yet", _unless_made(_halted)),
    Rule(
        Decision.SCHEDULED, Decision.STILL_RUNNING, "an earlier drill has not ended, no Drill yet",
        _unless_made(_still_running),
    ),
    Rule(Decision.SCHEDULED, Decision.STARTED, "its Drill starts", None),
    Rule(Decision.SCHEDULED, Decision.STARTING, f"{UNDECIDED:.0f} s after its time", _undecided),
    Rule(Decision.STARTING, Decision.CHANGED, "the schedule was removed", _without_schedule),
    Rule(Decision.STARTING, Decision.CHANGED, "no longer a time of its cron expression", _is_no_time),
    Rule(Decision.STARTING, Decision.SUSPENDED, "spec.schedule.suspend", _suspended),
    Rule(Decision.STARTING, Decision.BLACKOUT, "in a blackout", _in_blackout),
    Rule(Decision.STARTING, Decision.TOO_LATE, "not started by startingDeadline", _not_begun),
    Rule(Decision.STARTING, Decision.BLACKOUT, "a blackout has begun since", _blackout_has_begun),
    Rule(Decision.STARTING, Decision.STARTED, "its Drill starts", None),
)  # fmt: skip
"""Every way in which a slot is decided, by what it was; the first one that applies decides."""
