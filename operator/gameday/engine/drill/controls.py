"""Why a control cannot connect: the dependency is down, the cut hits it, or a policy does not admit it.

A cut spares controls by their label ``gameday.dev/role``. A network that does not know this label cuts them as well,
and that looks as if the dependency were down, until the cut is reverted.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gameday.engine.drill import timeouts
from gameday.engine.drill.context import Context
from gameday.engine.evidence.proof import Proof
from gameday.model.change import Change
from gameday.model.effect import End
from gameday.model.labels import CONTROL, ROLE
from gameday.model.record import Doubt, DrillRecord, Reason

BACK: Final = 3.0
"""Seconds after a verified undo within which a control that the cut had held gets through again."""
REMEDY: Final = (
    f"the policy of the cut leaves out pods with the label {ROLE}={CONTROL}, so the network must know "
    "pods by this label (on Cilium add it to the setting `labels`)"
)


def not_spared(change: Change, dials: Proof) -> End | None:
    """Why the drill must end although the dependency is seen to answer: a control fails since the cut."""
    # A cut that is proven has spared the controls.
    if change.requested_at is None or change.proven_at is not None:
        return None
    found = dials.not_spared(change.requested_at)
    if found is None or found.since > change.requested_at + timeouts.PROVE:
        return None
    why = (
        f"{found.who} has not reached the target since the cut ({found.detail}), while other agents outside "
        "the cut reach it"
    )
    return End(Reason.CONTROL_CUT, f"{why}: {REMEDY}", found.since)


def unsettled(ctx: Context) -> bool:
    """Whether it is still to be seen if controls that failed get through again now that nothing is cut."""
    return ctx.now < _back(ctx.record) and any(_held(ctx, change) is None for change, _ in _suspects(ctx))


def named(ctx: Context) -> DrillRecord:
    """The record of a drill whose controls failed exactly while the cut existed: the dependency was not down."""
    record = ctx.record
    for change, suspect in _suspects(ctx):
        if _held(ctx, change) is not True:
            continue
        after = suspect.since - (change.requested_at or suspect.since)
        why = (
            f"every control lost the target {after:.1f} s after the cut was requested and reached it "
            f"again after the cut was removed, so the cut hit the controls as well; {REMEDY}"
        )
        doubts = tuple(Doubt(Reason.CONTROL_CUT, why, d.since) if d is suspect else d for d in record.doubts)
        return replace(record, doubts=doubts).note(ctx.now, Reason.CONTROL_CUT.value, why, warning=True)
    return record


def shut_out(ctx: Context, fault: str, dials: Proof) -> str | None:
    """A message about a kind of target that can never connect although others can, or None."""
    found = dials.shut_out()
    if not found:
        return None
    kinds, gates = ctx.observed.kinds, ctx.observed.gates.get(fault, ())
    who = ", ".join(kinds[index] if index < len(kinds) else f"the targets of witness-{index}" for index in found)
    by = f" ({', '.join(gates)})" if gates else ""
    return (
        f"{who}: neither witness nor control ever reached the target, while other agents do; most "
        f"likely the dependency's own policy{by} does not admit such pods, so admit them or select "
        "other targets; nothing was touched"
    )


def _suspects(ctx: Context) -> Iterator[tuple[Change, Doubt]]:
    """The doubt of a dependency that seemed down from when a cut came, and may not have been, with that cut."""
    record, asked = ctx.record, ctx.record.undo_requested_at
    found = next((doubt for doubt in record.doubts if doubt.cause is Reason.DEPENDENCY_DOWN), None)
    for change in record.changes:
        requested = change.requested_at
        if found is None or requested is None or asked is None or change.proven_at is not None:
            continue
        if change.name in ctx.evidence.proofs and requested <= found.since < min(requested + timeouts.PROVE, asked):
            yield change, found


def _held(ctx: Context, change: Change) -> bool | None:
    requested, asked = change.requested_at or 0.0, ctx.record.undo_requested_at or 0.0
    dials = ctx.evidence.proofs[change.name]
    return dials.held_by_the_cut(requested, requested + timeouts.PROVE, (asked, _back(ctx.record)))


def _back(record: DrillRecord) -> float:
    undone = (change.undone_at or 0.0 for change in record.changes)
    return max((record.undo_requested_at or 0.0, *undone)) + BACK
