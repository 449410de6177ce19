"""Whose doing it is that a control does not get through: the dependency's, the cut's, or its own policy's.

A cut spares controls by their label ``gameday.dev/role``. A network that does not know this label cuts them as well,
and that looks as if the dependency were down, until the cut is lifted.
"""

from dataclasses import replace
from typing import Final

from gameday.engine.drill import budgets
from gameday.engine.drill.effects import cut, cut_requested_at
from gameday.engine.drill.situation import Situation
from gameday.model.labels import CONTROL, ROLE
from gameday.model.record import Cause, Doubt, Record

BACK: Final = 3.0
"""Seconds after a verified undo within which a control that the cut had held gets through again."""
REMEDY: Final = (
    f"the cut leaves out pods with the label {ROLE}={CONTROL}, so the network must tell pods apart by that label "
    "(Cilium: its setting `labels` must admit it to identities)"
)


def not_spared(at: Situation) -> tuple[Cause, str, float] | None:
    """Why the drill must end although the dependency is seen to answer: a control fails since the cut."""
    change = cut(at.record, at.plan)
    # A cut that is proven has spared the controls.
    if change is None or change.requested_at is None or change.proven_at is not None:
        return None
    found = at.seen.proof.not_spared(change.requested_at)
    if found is None or found.since > change.requested_at + budgets.PROVE:
        return None
    why = f"{found.who} cannot reach the target ({found.detail}) since the cut, and others of ours that it spares do"
    return Cause.CONTROL_CUT, f"{why}: {REMEDY}", found.since


def unsettled(at: Situation) -> bool:
    """Whether it is still to be seen if controls that failed get through again now that nothing is cut."""
    return _suspect(at) is not None and _held(at) is None and at.now < _back(at.record)


def named(at: Situation) -> Record:
    """The record of a drill whose controls failed just as long as the cut was there: the dependency was not down."""
    record, suspect = at.record, _suspect(at)
    if suspect is None or _held(at) is not True:
        return record
    after = suspect.since - (cut_requested_at(record, at.plan) or suspect.since)
    why = (
        f"every control lost the target {after:.1f} s after the cut was asked for and reached it again once it was "
        f"lifted: the cut did not spare them; {REMEDY}"
    )
    doubts = tuple(Doubt(Cause.CONTROL_CUT, why, d.since) if d is suspect else d for d in record.doubts)
    return replace(record, doubts=doubts).note(at.now, Cause.CONTROL_CUT.value, why, warning=True)


def shut_out(at: Situation) -> str | None:
    """What to say of a kind of target that never gets through while others do; None where there is none."""
    found = at.seen.proof.shut_out()
    if not found:
        return None
    kinds = at.world.kinds
    who = ", ".join(kinds[index] if index < len(kinds) else f"the targets of witness-{index}" for index in found)
    by = f" ({', '.join(at.world.gates)})" if at.world.gates else ""
    return (
        f"{who}: neither witness nor control ever reached the target, and others of ours do, so most likely the "
        f"dependency's own policy{by} does not admit such pods; nothing was touched"
    )


def _suspect(at: Situation) -> Doubt | None:
    """The doubt of a dependency that seemed down from when the cut came, and may not have been."""
    change, record = cut(at.record, at.plan), at.record
    requested, asked = change.requested_at if change is not None else None, record.undo_requested_at
    if change is None or requested is None or asked is None or change.proven_at is not None:
        return None
    until = min(requested + budgets.PROVE, asked)
    found = next((doubt for doubt in record.doubts if doubt.cause is Cause.DEPENDENCY_DOWN), None)
    return found if found is not None and requested <= found.since < until else None


def _held(at: Situation) -> bool | None:
    record = at.record
    requested, asked = cut_requested_at(record, at.plan) or 0.0, record.undo_requested_at or 0.0
    return at.seen.proof.held_by_the_cut(requested, requested + budgets.PROVE, (asked, _back(record)))


def _back(record: Record) -> float:
    undone = (change.undone_at or 0.0 for change in record.changes)
    return max((record.undo_requested_at or 0.0, *undone)) + BACK
