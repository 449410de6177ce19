"""The engine's memory in a Drill's status: ``status.engine`` is its JSON, all else in the status is for people.

The timeline is kept once, in ``status.timeline``, and read back from there.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from gameday.model.record import Cause, Hold, Line, Phase, Record, Result, StepEntry, Verdict
from gameday.model.setup import Setup

_RECORD = TypeAdapter(Record)
_SETUP = TypeAdapter(Setup)


def timestamp(at: float) -> str:
    """RFC 3339 with milliseconds, as Kubernetes reads it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def moment(text: str) -> float:
    """The Unix second of an RFC 3339 time."""
    return datetime.fromisoformat(text).timestamp()


def duration(seconds: float) -> str:
    """A length of time for a column: ``6m12s``, ``4.2s``."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s"


def record_of(status: Mapping[str, Any]) -> Record | None:
    """The record that an earlier process left in a status, or None for a drill that never began."""
    text = status.get("engine")
    if not text:
        return None
    record = _RECORD.validate_json(text)
    lines = tuple(
        Line(moment(line["at"]), line["reason"], line["message"], line.get("warning", False))
        for line in status.get("timeline", ())
    )
    return replace(record, timeline=lines)


def status_of(record: Record, generation: int) -> dict[str, Any]:
    """The status that shows a record to people and to the next process."""
    status: dict[str, Any] = {
        "engine": _RECORD.dump_json(replace(record, timeline=()), exclude_none=True).decode(),
        "observedGeneration": generation,
        "phase": record.phase.value,
        "expectations": [_expectation(result) for result in record.results],
        "undo": [_undo(hold) for hold in record.holds],
        "steps": [_step(step) for step in record.steps],
        "timeline": [_line(line) for line in record.timeline],
    }
    if record.verdict is not None:
        status |= {"verdict": record.verdict.value, "reason": record.reason, "message": record.message[:1024]}
    if record.started_at is not None:
        status["startedAt"] = timestamp(record.started_at)
    if record.finished_at is not None:
        status["finishedAt"] = timestamp(record.finished_at)
        if record.started_at is not None:
            status["took"] = duration(record.finished_at - record.started_at)
        if not record.reported:
            status["unreported"] = True
    if record.recovered_by:
        status["recoveredBy"] = record.recovered_by
    if record.missed_before_abort:
        status["missedBeforeAbort"] = list(record.missed_before_abort)
    return status


def conditions_of(record: Record) -> tuple[tuple[str, str, str, str], ...]:
    """Conditions as (type, status, reason, message): Complete, Passed, FaultsCleared; Halted and Hindered while so."""
    done = record.phase is Phase.FINISHED
    complete = ("Complete", str(done), record.reason if done else record.phase.value, record.message or "under way")
    if not done and record.waiting is not None:
        complete = ("Complete", "False", record.waiting.cause.value, f"waiting: {record.waiting.message}")
    match record.verdict:
        case Verdict.PASSED:
            passed = "True"
        case Verdict.FAILED:
            passed = "False"
        case Verdict.INCONCLUSIVE | Verdict.ABORTED | None:
            passed = "Unknown"
    open_holds = [hold for hold in record.holds if hold.open]
    if not record.holds or not open_holds:
        cleared = ("FaultsCleared", "True", "NothingHeld", "nothing of this drill is left in the cluster")
    else:
        names = ", ".join(f"{hold.kind.value} {hold.object_name}" for hold in open_holds)
        if record.faults_cleared is False:
            cleared = ("FaultsCleared", "False", "UndoOverdue", f"still to be undone: {names}")
        else:
            cleared = ("FaultsCleared", "False", "Held", f"held by the drill: {names}")
    told = ("Passed", passed, record.reason or record.phase.value, record.message or "under way")
    return (complete, told, cleared, *_halted(record), *_hindered(record))


def _hindered(record: Record) -> tuple[tuple[str, str, str, str], ...]:
    return (("Hindered", "True", "Hindered", record.obstacle),) if record.obstacle else ()


def _halted(record: Record) -> tuple[tuple[str, str, str, str], ...]:
    waits = record.waiting is not None and record.waiting.cause is Cause.HALTED and record.phase is Phase.PENDING
    ended = record.aborted is Cause.HALTED or record.reason == Cause.HALTED.value
    if not (waits or ended):
        return ()
    why = record.waiting.message if waits and record.waiting is not None else record.aborted_why or record.message
    return (("Halted", "True", Cause.HALTED.value, why),)


def _expectation(result: Result) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": result.name,
        "stage": "Rollback" if result.again else result.stage.value,
        "state": result.state.value,
        "at": timestamp(result.at),
    }
    if result.seconds is not None:
        shown["seconds"] = round(result.seconds, 3)
    if result.resolution is not None:
        shown["resolution"] = round(result.resolution, 3)
    if result.late is not None:
        shown["late"] = round(result.late, 3)
    if result.reason:
        shown["reason"] = result.reason
    if result.why:
        shown["message"] = result.why[:512]
    return shown


def _undo(hold: Hold) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": hold.name,
        "kind": hold.kind.value,
        "object": {"name": hold.object_name} | ({"uid": hold.object_uid} if hold.object_uid else {}),
        "fuse": {"name": hold.fuse_name} | ({"uid": hold.fuse_uid} if hold.fuse_uid else {}),
        "state": hold.state.value,
        "registeredAt": timestamp(hold.registered_at),
    }
    if hold.before is not None:
        shown["before"] = f'{{"replicas":{hold.before}}}'
    if hold.fuse_deadline is not None:
        shown["fuse"]["deadline"] = timestamp(hold.fuse_deadline)
    if hold.requested_at is not None:
        shown["requestedAt"] = timestamp(hold.requested_at)
    if hold.undo_requested_at is not None:
        shown["undoRequestedAt"] = timestamp(hold.undo_requested_at)
    if hold.undone_at is not None:
        shown["undoneAt"] = timestamp(hold.undone_at)
    return shown


def _step(step: StepEntry) -> dict[str, Any]:
    return {"name": step.name, "state": step.state.value, "at": timestamp(step.at), "message": step.message[:512]}


def _line(line: Line) -> dict[str, Any]:
    shown: dict[str, Any] = {"at": timestamp(line.at), "reason": line.reason, "message": line.message[:512]}
    if line.warning:
        shown["warning"] = True
    return shown


def setup_of(status: Mapping[str, Any]) -> Setup | None:
    """The setup that an earlier process left in a status."""
    text = status.get("setup")
    return _SETUP.validate_json(text) if text else None


def setup_text(setup: Setup) -> str:
    """A setup as the status keeps it."""
    return _SETUP.dump_json(setup).decode()
