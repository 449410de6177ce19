"""A message as all kinds of receivers are sent it: one sentence, why, the times, what to do, whom to ask."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from gameday.model.notice import Event, Happened, Severity
from gameday.model.record import DrillRecord, ResultState, Verdict
from gameday.notify.happened import overdue, undone_at
from gameday.schema.bounds import cut
from gameday.schema.times import duration

ENDS_IT: Final = "end what this fault began"
"""What a person is asked for where the undo log does not say it."""
SENTENCE, PARAGRAPH = 512, 1024
"""Characters of a message's first sentence, and of each other part."""


@dataclass(frozen=True, slots=True)
class About:
    """The drill that a message is about, as far as its record does not say it. Lengths are seconds."""

    namespace: str
    gameday: str
    drill: str
    uid: str
    summary: str = ""
    description: str = ""
    steady: float = 0.0
    outage: float = 0.0
    recovery: float = 0.0
    faults: tuple[tuple[str, str], ...] = ()
    """Name and kind of each fault."""
    contacts: tuple[tuple[str, str], ...] = ()
    """Name of each, and how they are reached."""
    links: tuple[tuple[str, str], ...] = ()
    """Name and URL of each."""

    @property
    def of(self) -> str:
        """Arguments of a command about the drill."""
        return f"{self.drill} -n {self.namespace}"


@dataclass(frozen=True, slots=True)
class Message:
    """What a receiver is sent; times are Unix seconds."""

    about: About
    event: Event
    at: float
    severity: Severity
    summary: str
    why: str = ""
    todo: str = ""
    verdict: str = ""
    reason: str = ""
    outage: tuple[float, float] | None = None
    """From when to when the faults were in effect, once both are known."""
    times: tuple[tuple[str, float], ...] = field(default=())
    """What happened so far, and when."""

    @property
    def id(self) -> str:
        """The same for the same event of the same drill, whoever sends it and however often."""
        return identity(self.about.uid, self.event)


def identity(uid: str, event: Event) -> str:
    """What tells a message from all others."""
    return f"{uid}/{event.value}"


def message(about: About, record: DrillRecord, happened: Happened) -> Message:
    """The message about something that has happened in a drill."""
    severity, summary, why, todo = _TEXTS[happened.event](about, record)
    return Message(
        about,
        happened.event,
        happened.at,
        severity,
        cut(summary, SENTENCE),
        cut(why, PARAGRAPH),
        cut(todo, PARAGRAPH),
        record.verdict.value if record.verdict is not None else "",
        record.reason,
        _outage(about, record),
        tuple(_times(about, record)),
    )


def countdown(about: About, at: float, slot: float) -> Message:
    """The message that a slot of a schedule is near."""
    summary = f"GameDay {about.gameday} in {about.namespace} is due at {clock(slot)}"
    fault = f"About {duration(about.steady)} later it makes {_faults(about)}, for {duration(about.outage)}."
    todo = (
        "If it must not run now: `kubectl patch gameday"
        f' {about.gameday} -n {about.namespace} --type=merge -p \'{{"spec":{{"schedule":{{"suspend":true}}}}}}\'`.'
    )
    why = f"{fault} {about.description}".strip()
    times = (("due", slot),)
    return Message(
        about, Event.COUNTDOWN, at, Severity.INFO, cut(summary, SENTENCE), cut(why, PARAGRAPH), todo, times=times
    )


def cancelled(about: About, slot: float, why: str) -> Message:
    """The message that a slot which was announced did not run."""
    summary = f"GameDay {about.gameday} in {about.namespace} did not run at {clock(slot)}, as it was announced to do"
    todo = f"`gameday next {about.gameday} -n {about.namespace}` shows when it runs next."
    return Message(
        about,
        Event.CANCELLED,
        slot,
        Severity.INFO,
        cut(summary, SENTENCE),
        cut(why, PARAGRAPH),
        todo,
        times=(("due", slot),),
    )


def clock(at: float) -> str:
    """A moment, as people read it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _started(about: About, record: DrillRecord) -> tuple[Severity, str, str, str]:
    fault = (record.steady_from or record.since) + about.steady
    summary = f"GameDay {about.gameday} in {about.namespace} has started: drill {about.drill} measures the steady state"
    why = f"At about {clock(fault)} it makes {_faults(about)}, for {duration(about.outage)}, if the system is steady."
    return Severity.INFO, summary, f"{why} {about.description}".strip(), _abort(about)


def _cut(about: About, record: DrillRecord) -> tuple[Severity, str, str, str]:
    since = record.outage_started_at or record.proven_at or record.since
    summary = f"Drill {about.drill} in {about.namespace} has a fault in effect since {clock(since)}: {_faults(about)}"
    why = f"It is reverted at about {clock(since + about.outage)}, or at once if a guardrail is violated."
    return Severity.WARNING, summary, why, _abort(about)


def _guardrail(about: About, record: DrillRecord) -> tuple[Severity, str, str, str]:
    summary = (
        f"Guardrail “{record.guardrail}” was violated: drill {about.drill} in {about.namespace} reverts its faults"
    )
    missed = next((one.why for one in record.results if one.name == record.guardrail and one.why), "")
    todo = "See whether the system recovers. If it does not, treat it as an incident."
    return Severity.ERROR, summary, missed, f"{todo} Follow it with `gameday watch {about.of}`."


def _undone(about: About, record: DrillRecord) -> tuple[Severity, str, str, str]:
    at = undone_at(record, [name for name, _ in about.faults]) or record.since
    summary = f"Drill {about.drill} in {about.namespace} has reverted its faults, verified at {clock(at)}"
    why = f"The system has until {clock(at + about.recovery)} to recover; the verdict follows."
    return Severity.INFO, summary, why, f"Follow it with `gameday watch {about.of}`."


def _leftover(about: About, record: DrillRecord) -> tuple[Severity, str, str, str]:
    late = overdue(record)
    if by_hand := [one for one in late if one.by_hand]:
        names = ", ".join(one.name for one in by_hand)
        summary = f"Drill {about.drill} in {about.namespace} waits for a person who undoes {names}"
        asked = "; ".join(f"{one.name}: {one.asked or ENDS_IT}" for one in by_hand)
        todo = f"Undo it now: {asked}. The namespace stays locked until probes have seen it."
        return Severity.CRITICAL, summary, record.stalled_by, todo
    held = ", ".join(f"{one.object_kind} {one.object_name}" for one in late)
    summary = f"Drill {about.drill} in {about.namespace} could not revert what it changed: {held}"
    todo = (
        f"The operator goes on trying. Read `kubectl -n {about.namespace} describe drill {about.drill}`, and do what"
        " its condition Stalled says. docs/reasons.md says how to revert it by hand (UndoOverdue)."
    )
    return Severity.CRITICAL, summary, record.stalled_by, todo


def _cleared(about: About, _: DrillRecord) -> tuple[Severity, str, str, str]:
    return Severity.INFO, f"Nothing of drill {about.drill} in {about.namespace} is left in the cluster any more", "", ""


_SEVERITIES = {Verdict.PASSED: Severity.INFO, Verdict.FAILED: Severity.ERROR}


def _verdict(about: About, record: DrillRecord) -> tuple[Severity, str, str, str]:
    verdict = record.verdict or Verdict.INCONCLUSIVE
    missed = [one for one in record.results if one.state is ResultState.MISSED]
    why = "; ".join(f"“{one.name}” was missed" + (f": {one.why}" if one.why else "") for one in missed)
    changed = any(change.touched for change in record.changes) or bool(record.steps)
    kept = "Nothing of it is left in the cluster." if changed else "Nothing in the cluster was changed."
    todo = f"Write the report with `gameday report {about.of}`, or ask why with `gameday explain {about.of}`."
    why = f"{why}. {kept}" if why else kept
    return _SEVERITIES.get(verdict, Severity.WARNING), about.summary or record.message, why, todo


_TEXTS = {
    Event.STARTED: _started,
    Event.CUT: _cut,
    Event.GUARDRAIL: _guardrail,
    Event.UNDONE: _undone,
    Event.LEFTOVER: _leftover,
    Event.VERDICT: _verdict,
    Event.CLEARED: _cleared,
}


def _faults(about: About) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in about.faults) or "its faults"


def _abort(about: About) -> str:
    return f"To end it now: `gameday abort {about.of}`, which reverts everything first."


def _outage(about: About, record: DrillRecord) -> tuple[float, float] | None:
    ended = undone_at(record, [name for name, _ in about.faults])
    if record.outage_started_at is None or ended is None or ended < record.outage_started_at:
        return None
    return record.outage_started_at, ended


def _times(about: About, record: DrillRecord) -> list[tuple[str, float]]:
    ended = undone_at(record, [name for name, _ in about.faults])
    known = (
        ("started", record.started_at),
        ("fault in effect", record.outage_started_at),
        ("faults reverted", ended),
        ("finished", record.finished_at),
    )
    return [(name, at) for name, at in known if at is not None]
