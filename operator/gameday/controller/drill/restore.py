"""Restores a drill from its status, also if the state in it cannot be read.

A state is unreadable when it is of a newer operator, damaged, or was edited; a plan is when its form is another than
this operator's. Neither is guessed: the undo log, which is written plainly, says what to undo, and the drill then ends
Inconclusive, ``StateUnreadable``. A frozen plan is not checked again: a newer operator may have stricter rules.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from gameday.api import dry_run as findings
from gameday.api import versions
from gameday.api.drill import is_dry_run
from gameday.api.parse import plan_of
from gameday.api.record import moment, saved_of, status_of, timeline_of
from gameday.api.state import Saved, plan_text_of
from gameday.api.undo_entries import read
from gameday.api.undo_log import change_of
from gameday.cluster.resources import Object
from gameday.engine.cel.expressions import ExpressionError
from gameday.engine.drill.results import close_plan
from gameday.engine.validate.plan import complete
from gameday.errors import PlanInvalid, StateUnreadable
from gameday.model.change import Change
from gameday.model.plan import NO_PLAN, Plan
from gameday.model.record import DrillRecord, Phase, Reason, Verdict
from gameday.model.setup import Setup
from gameday.schema.bounds import cut
from gameday.schema.renamed import modern

BEGUN: Final = ("phase", "undo", "plan")
"""Fields of which a drill that has a state has one."""


@dataclass(frozen=True, slots=True)
class RestoredDrill:
    """What was left: ``record`` None is that of a drill that never began; ``unreadable`` says why the rest is not."""

    record: DrillRecord | None = None
    setup: Setup | None = None
    plan: Plan | None = None
    plan_text: str = ""
    plan_digest: str = ""
    unreadable: str = ""


def restore(drill: Object, now: float) -> RestoredDrill:
    """Read what an earlier process left; whatever it is, something can be done with it."""
    status = drill.get("status", {})
    try:
        saved = _saved(status, drill.get("metadata", {}).get("namespace", ""))
    except StateUnreadable as error:
        return _with_the_plan(drill, _undoing(drill, _undo_log(status), str(error), now), now)
    if saved is None:
        return RestoredDrill()
    record, setup = saved.record, saved.setup
    for doubt in record.doubts:
        if doubt.cause is Reason.STATE_UNREADABLE:
            restored = _undoing(drill, record.changes, doubt.message or "it could not be read before", now)
            return _with_the_plan(drill, restored, now)
    try:
        plan = _plan(drill, saved.plan)
    except StateUnreadable as error:
        return _undoing(drill, record.changes, str(error), now)
    return RestoredDrill(record, setup, plan, saved.plan, status.get("planDigest", ""))


def _with_the_plan(drill: Object, restored: RestoredDrill, now: float) -> RestoredDrill:
    """Mark each expectation of a plan that can still be read Unknown, because no record holds its result any more."""
    try:
        plan = _plan(drill, restored.plan_text)
    except StateUnreadable:
        return restored
    if plan is None or restored.record is None or restored.record.phase is Phase.FINISHED:
        return restored
    return replace(restored, record=close_plan(restored.record, plan, now, "the drill's status could not be read"))


def _saved(status: Mapping[str, Any], namespace: str) -> Saved | None:
    if not status.get("state") and any(status.get(field) for field in BEGUN):
        raise StateUnreadable("status.state was removed")
    saved = saved_of(status, namespace)
    try:
        # Times that no calendar has would keep it from ever being saved again.
        status_of(saved.record if saved is not None else DrillRecord(), 1)
    except (ValueError, OverflowError, OSError) as error:
        raise StateUnreadable(f"status.state was edited: {error}") from error
    return saved


def _plan(drill: Object, text: str) -> Plan | None:
    if not text:
        return None
    if drill["status"].get("planDigest") != f"sha256:{hashlib.sha256(text.encode()).hexdigest()}":
        raise StateUnreadable("the frozen plan was edited: its digest differs from status.planDigest")
    try:
        plan = modern(json.loads(text), drill["metadata"]["namespace"])
        return complete(plan_of(drill["spec"]["gameDay"], plan))
    except (PlanInvalid, ExpressionError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"this operator cannot read the frozen plan: {cut(str(error), 256)}"
        raise StateUnreadable(f"{why}: run the operator that wrote it") from error


def _undo_log(status: Mapping[str, Any]) -> tuple[Change, ...]:
    """The readable entries of the undo log; a damaged entry is left to its fuse."""
    found = []
    for entry in status.get("undo", ()):
        try:
            found.append(change_of(read(entry)))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            continue
    return tuple({change.name: change for change in found}.values())


def _undoing(drill: Object, changes: tuple[Change, ...], why: str, now: float) -> RestoredDrill:
    """The record of a drill that only undoes what it holds, or of one that had ended before."""
    status = drill.get("status", {})
    started = _optional(status.get("startedAt"))
    dry_run = findings.read(status) if is_dry_run(drill) else None
    record = DrillRecord(
        since=now,
        targets=versions.read(status),
        dry_run=dry_run,
        started_at=started,
        changes=changes,
        timeline=timeline_of(status),
    )
    # What the preflight decided is not needed to undo.
    setup = Setup()
    if (
        status.get("phase") == Phase.FINISHED.value
        and not record.holds_anything
        and ("verdict" in status or dry_run is not None)
    ):
        record = replace(
            record,
            phase=Phase.FINISHED,
            verdict=Verdict(status["verdict"]) if "verdict" in status else None,
            reason=status.get("reason", ""),
            message=status.get("message", ""),
            finished_at=_optional(status.get("finishedAt")),
            faults_cleared=True,
            reported=not status.get("unreported"),
        )
    else:
        record = replace(record, phase=Phase.RECOVERY, finishing=True)
        record = record.doubt(Reason.STATE_UNREADABLE, f"{why}; everything in the undo log is undone", 0.0, now)
    return RestoredDrill(record, setup, NO_PLAN, plan_text_of(status), str(status.get("planDigest", "")), why)


def _optional(text: str | None) -> float | None:
    try:
        return moment(text) if text else None
    except (ValueError, OverflowError):
        return None
