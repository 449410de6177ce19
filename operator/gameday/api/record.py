"""A drill's record on its way to and from its status: ``status.state`` is for the operator, all else for people.

The timeline is kept once, in ``status.timeline``, and read back from there.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gameday.api import dry_run, versions
from gameday.api.lines import expectation_line, mitigation_line, step_line, timeline_line, timeline_of
from gameday.api.state import TEXTS, Saved, read_state, state_text
from gameday.api.undo_entries import shown
from gameday.api.undo_log import entry_of
from gameday.model.record import DrillRecord, Reason, TimelineEntry
from gameday.model.setup import Setup
from gameday.schema.bounds import MESSAGE, WORD, cut
from gameday.schema.times import duration, moment, shown_moment, timestamp

__all__ = [
    "changed",
    "duration",
    "moment",
    "saved_of",
    "shown_moment",
    "status_of",
    "timeline_of",
    "timestamp",
]


def saved_of(status: Mapping[str, Any], namespace: str = "") -> Saved | None:
    """What an earlier process left in a status, or None for a drill that never began; see ``read_state``.

    Raises:
        StateUnreadable: when it cannot be read.

    """
    if not status.get("state"):
        return None
    saved = read_state(status, namespace)
    record = replace(saved.record, timeline=timeline_of(status), targets=versions.read(status))
    if record.dry_run is not None:
        record = replace(record, dry_run=dry_run.read(status))
    return replace(saved, record=record)


def status_of(
    record: DrillRecord, generation: int, setup: Setup | None = None, plan: str = "", texts: tuple[int, ...] = TEXTS
) -> dict[str, Any]:
    """The status that shows a record to people and to the next process."""
    status: dict[str, Any] = {
        "state": state_text(record, setup, plan, texts),
        "observedGeneration": generation,
        "phase": record.phase.value,
        "changed": changed(record),
        "expectations": [expectation_line(result) for result in record.results],
        "undo": [shown(entry_of(change)) for change in record.changes],
        "timeline": [timeline_line(line) for line in record.timeline if _shown(line)],
    }
    if record.mitigations:
        status["mitigations"] = [mitigation_line(one) for one in record.mitigations]
    if record.targets:
        status["targets"] = versions.shown(record.targets)
    if record.steps:
        status["steps"] = [step_line(step) for step in record.steps]
    if record.verdict is not None:
        status["verdict"] = record.verdict.value
    if record.verdict is not None or record.dry_run is not None:
        status |= {"reason": cut(record.reason, WORD), "message": cut(record.message, MESSAGE)}
    if record.dry_run is not None:
        status["dryRun"] = dry_run.shown(record.dry_run)
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


def changed(record: DrillRecord) -> bool:
    """Whether a change may have reached the cluster; the drill's own pods do not count.

    Where the state could not be read, entries of the undo log may be missing, so something may have been changed.
    """
    unread = any(doubt.cause is Reason.STATE_UNREADABLE for doubt in record.doubts)
    return unread or bool(record.steps) or any(change.touched for change in record.changes)


def _shown(line: TimelineEntry) -> bool:
    """Whether an entry belongs into the timeline that people see; results of expectations have their own list."""
    return not line.reason.startswith("Expectation")
