"""The conditions of a Drill, by Kubernetes' conventions and those of kstatus, which Flux and ``kubectl wait`` read.

``Reconciling``, ``Stalled`` and ``Halted`` say that something is not as it should be or not over: they are there while
that is so, and absent else. A Drill is ``Reconciling`` until it has ended and ``Ready`` from then on, whatever its
verdict, which is about the system; while it cannot clear what it holds, or cannot go on, it is ``Stalled`` instead.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from gameday.api.notified import NOTIFIED
from gameday.model.record import NOT_KEPT, DrillRecord, Phase, Reason, Verdict
from gameday.schema.bounds import MESSAGE, WORD, cut

Condition = tuple[str, str, str, str]
"""Type, status, reason and message."""

STALLED: Final = "Stalled"
"""Reason of a drill that cannot go on, and of the line of its timeline and the Event that say so."""
UNDO_OVERDUE: Final = "UndoOverdue"
"""Reason of a drill that could not undo what it holds in the time that this may take."""
SAMPLES_KEPT: Final = "SamplesKept"
"""The condition that says why samples are missing; where none are, ``status.samples`` is all that is said."""
UNDER_WAY: Final = "under way"

OF_A_DRILL: Final = {
    "Complete": "It has ended; for `kubectl wait --for=condition=Complete`.",
    "Passed": "It passed. False: it failed. Unknown: it is under way, inconclusive or aborted.",
    "FaultsCleared": "Nothing of it is left. False: `Held` while a fault stands, `UndoOverdue` once an undo is late.",
    "Ready": "It has ended, whatever its verdict; the message has the verdict.",
    "Reconciling": "It is under way, or waits; the reason is its phase, or what it waits for.",
    "Stalled": "It cannot clear what it holds, or cannot go on; the message says why. It goes on trying.",
    "Halted": "A halt keeps it from beginning, or ended it.",
    SAMPLES_KEPT: "Its samples were kept but for what the message names. False: the message says why none were.",
    NOTIFIED: "Every message so far was sent. False: one was not. Unknown: one may not have arrived.",
}
"""The meaning of True in a Drill's conditions, by type; the reference page is made from it."""
OF_A_GAMEDAY: Final = {
    "Ready": "Its drills can run; the message has each finding where it is False.",
    "Reconciling": "The administrator's limits are invalid; it is checked again once they are mended.",
    "Stalled": "Its plan is refused, or exceeds the administrator's limits: somebody must change it.",
    "Halted": "A halt keeps its drills from beginning.",
}
"""The meaning of True in a GameDay's conditions, by type."""
ABSENT_UNLESS_TRUE: Final = frozenset({"Reconciling", "Stalled", "Halted"})
"""Conditions that are there only while they are True."""
ONCE_NOTIFIED: Final = frozenset({NOTIFIED})
"""Conditions that are there from the first message on."""
ONCE_ENDED: Final = frozenset({SAMPLES_KEPT})
"""Conditions of a drill that has ended, which are there only where something is missing."""

_PASSED: Final = {Verdict.PASSED: "True", Verdict.FAILED: "False"}


def conditions_of(record: DrillRecord) -> tuple[Condition, ...]:
    """All conditions of a drill with this record, the newest state of each."""
    done = record.phase is Phase.FINISHED
    complete = ("Complete", str(done), *(_ended(record) if done else _under_way(record)))
    verdict = _PASSED.get(record.verdict, "Unknown") if record.verdict is not None else "Unknown"
    passed = ("Passed", verdict, *_ended(record))
    return (complete, passed, _cleared(record), *_readiness(record), *_halted(record), *_samples(record))


def dated(conditions: Iterable[Condition], known: Iterable[Mapping[str, Any]], now: str) -> list[dict[str, Any]]:
    """Conditions as a status has them, each with the time at which its state last changed."""
    before = {one["type"]: one for one in known}
    return [
        {
            "type": kind,
            "status": state,
            "reason": cut(reason, WORD),
            "message": cut(message, MESSAGE),
            "lastTransitionTime": (
                before[kind].get("lastTransitionTime", now)
                if kind in before and before[kind].get("status") == state
                else now
            ),
        }
        for kind, state, reason, message in conditions
    ]


def stalls(record: DrillRecord) -> bool:
    """Whether a drill cannot clear what it holds, or cannot go on."""
    return bool(record.stalled_by) or (record.faults_cleared is False and record.holds_anything)


def _readiness(record: DrillRecord) -> tuple[Condition, ...]:
    if stalls(record):
        overdue = record.faults_cleared is False and record.holds_anything
        said = (UNDO_OVERDUE if overdue else STALLED, record.stalled_by or f"still to be undone: {_open(record)}")
        return (("Ready", "False", *said), ("Stalled", "True", *said))
    if record.phase is Phase.FINISHED:
        verdict = record.verdict.value if record.verdict is not None else record.reason or "ended"
        return (("Ready", "True", record.reason or verdict, f"{verdict}: {record.message}"),)
    said = _under_way(record)
    return (("Ready", "Unknown", *said), ("Reconciling", "True", *said))


def _ended(record: DrillRecord) -> tuple[str, str]:
    return record.reason or record.phase.value, record.message or UNDER_WAY


def _under_way(record: DrillRecord) -> tuple[str, str]:
    if record.waiting is not None:
        return record.waiting.cause.value, f"waiting: {record.waiting.message}"
    return record.phase.value, record.message or UNDER_WAY


def _cleared(record: DrillRecord) -> Condition:
    if not record.holds_anything:
        return ("FaultsCleared", "True", "NothingHeld", "nothing of this drill is left in the cluster")
    if record.faults_cleared is False:
        return ("FaultsCleared", "False", UNDO_OVERDUE, f"still to be undone: {_open(record)}")
    return ("FaultsCleared", "False", "Held", f"changed by the drill and not undone yet: {_open(record)}")


def _open(record: DrillRecord) -> str:
    return ", ".join(f"{change.object_kind} {change.object_name}" for change in record.changes if change.open)


def _samples(record: DrillRecord) -> tuple[Condition, ...]:
    if record.keeping is None or (record.keeping.kept and not record.keeping.why):
        return ()
    if record.keeping.kept:
        return ((SAMPLES_KEPT, "True", "Kept", record.keeping.why),)
    if record.keeping.why:
        return ((SAMPLES_KEPT, "False", NOT_KEPT, record.keeping.why),)
    return ((SAMPLES_KEPT, "False", "NotWanted", "spec.history.samples of its GameDay is 0"),)


def _halted(record: DrillRecord) -> tuple[Condition, ...]:
    waits = record.waiting is not None and record.waiting.cause is Reason.HALTED and record.phase is Phase.PENDING
    ended = record.aborted is Reason.HALTED or record.reason == Reason.HALTED.value
    if not (waits or ended):
        return ()
    why = record.waiting.message if waits and record.waiting is not None else record.aborted_why or record.message
    return (("Halted", "True", Reason.HALTED.value, why),)
