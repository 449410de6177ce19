"""The ``action`` of an Event: a machine-readable verb for what was done or refused."""

import enum
from typing import Final

from gameday.engine.drill.mitigations import BEGUN, ENDED
from gameday.model.record import AGENTS_LEFT, AGENTS_WAITING, DrillRecord, Phase, Reason


class Action(enum.StrEnum):
    """What the operator did."""

    CHECK = "Check"
    """Looked at the plan and its surroundings, before anything was changed."""
    REFUSE = "Refuse"
    """Did not begin a drill, or ended one that had changed nothing."""
    CUT = "Cut"
    REVERT = "Revert"
    ROLL_BACK = "RollBack"
    MITIGATE = "Mitigate"
    JUDGE = "Judge"
    DECIDE = "Decide"
    """Decided what becomes of a slot of a schedule."""
    HALT = "Halt"
    RECORD = "Record"
    """Wrote a drill's status, or found that somebody else had."""


_BY_REASON: Final = {
    **dict.fromkeys((phase.value for phase in (Phase.PENDING, Phase.PREFLIGHT, Phase.STEADY_STATE)), Action.CHECK),
    **dict.fromkeys(
        (AGENTS_WAITING, "AgentsReady", "PreflightWarning", "NothingAnswers", "ExpressionWarning", "ProofWarning"),
        Action.CHECK,
    ),
    **dict.fromkeys(
        (
            Phase.OUTAGE.value,
            "FuseArmed",
            "WithoutFuse",
            "ActByHand",
            "Injecting",
            "CutProven",
            "ConnectionsClosed",
            "ConnectionsEnded",
        ),
        Action.CUT,
    ),
    **dict.fromkeys(
        (
            Reason.CONNECTIONS_NOT_CLOSED.value,
            Reason.CONNECTIONS_KEPT.value,
            Reason.INJECTION_FAILED.value,
            Reason.NO_EFFECT.value,
        ),
        Action.CUT,
    ),
    **dict.fromkeys(
        (Phase.RECOVERY.value, "CutReverted", "Undone", "UndoByHand", "UndoAgain", "FaultsNotCleared"), Action.REVERT
    ),
    **dict.fromkeys(("Stalled", "Resumed", AGENTS_LEFT, Reason.UNDO_UNVERIFIED.value), Action.REVERT),
    **dict.fromkeys((Phase.ROLLBACK.value, "StepIntended", "StepDone", "StepsDone", "RollbackEnded"), Action.ROLL_BACK),
    Reason.ROLLBACK_FAILED.value: Action.ROLL_BACK,
    **dict.fromkeys((BEGUN, ENDED, Reason.MITIGATION_FAILED.value), Action.MITIGATE),
    **dict.fromkeys((Phase.FINISHED.value, "MissedBy", Reason.UNKNOWN_RESULT.value), Action.JUDGE),
    **dict.fromkeys(("StatusRefused", Reason.STATUS_OVERWRITTEN.value), Action.RECORD),
}


def action_of(reason: str, record: DrillRecord) -> Action:
    """What was done when a timeline entry with this reason was recorded.

    A reason that ends a drill reverts its changes; if there are no changes yet, the drill is refused.
    """
    if reason in {"StepIntended", "StepDone"} and record.phase in {Phase.OUTAGE, Phase.RECOVERY}:
        return Action.MITIGATE
    known = _BY_REASON.get(reason)
    if known is not None:
        return known
    if reason.startswith("Expectation"):
        return Action.JUDGE
    return Action.REVERT if record.changes else Action.REFUSE
