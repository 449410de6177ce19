"""Whether the addresses of a name that is cut are known: before the cut, under it, and until the end of the outage.

An address that is found under the cut is cut at once. But until then it was open, and targets may have used it, so no
expectation of the outage counts, nor does what followed from it. The same holds where nobody has looked any more.
"""

from dataclasses import replace
from typing import Final

from gameday.engine.drill import budgets
from gameday.engine.drill.situation import Situation
from gameday.engine.evidence.proof import Proof
from gameday.model.addresses import LOOK_EVERY
from gameday.model.change import Change
from gameday.model.effect import End
from gameday.model.plan import Plan, Stage
from gameday.model.record import Cause, Doubt, Record, ResultState

REMEDY: Final = "name the ranges of its addresses by cidrs beside host"
LATE: Final = 2 * LOOK_EVERY
"""Seconds after the undo was asked for in which a look may still find what was there before it."""


def unknown(at: Situation, fault: str, ends: float) -> End | None:
    """Why a fault must not be asked for at the end of the steady state: not all of its addresses are known."""
    dials = at.seen.proofs.get(fault)
    why = dials.addresses.doubt(dials.lookers, ends) if dials is not None else ""
    if dials is None or not why:
        return None
    text = f"fault {fault}: the addresses of {dials.addresses.host} are not known: {why}; nothing was touched: {REMEDY}"
    return End(Cause.ADDRESSES_UNKNOWN, text, at.now)


def doubted(record: Record) -> Doubt | None:
    """The doubt of a drill that had asked for its faults, and then found addresses that it did not know."""
    if record.inject_requested_at is None:
        return None
    return next((doubt for doubt in record.doubts if doubt.cause is Cause.ADDRESSES_UNKNOWN), None)


def look(at: Situation) -> Record:
    """The record once an address was found under a proven cut: what was decided under it is unknown."""
    if at.record.inject_requested_at is None or doubted(at.record) is not None:
        return at.record
    for change, dials in _proven(at):
        grew = dials.addresses.grew(change.effect_at or 0.0, _until(at.record))
        if grew is not None:
            after = grew[1] - (change.effect_at or grew[1])
            why = f"its address {grew[0]} was found {after:.1f} s after the cut began, and targets may have used it"
            return _void(at, f"{change.name}: the name {dials.addresses.host} has others than were cut: {why}")
    return at.record


def unsettled(at: Situation) -> bool:
    """Whether it is still to be seen if an address came at the very end of the outage."""
    asked = at.record.undo_requested_at
    if asked is None or at.record.doubts or at.record.aborted is not None:
        return False
    waits = at.now < asked + budgets.UNDO
    return waits and any(not dials.addresses.looked_since(dials.lookers, asked) for _, dials in _proven(at))


def named(at: Situation) -> Record:
    """The record of a drill that is to be judged: what was decided after the last look is unknown."""
    if at.record.inject_requested_at is None or doubted(at.record) is not None:
        return at.record
    for change, dials in _proven(at):
        until = dials.addresses.looked_until(dials.lookers)
        if any(r.stage is Stage.OUTAGE and r.at > until and r.state in _DECIDED for r in at.record.results):
            return _void(at, f"{change.name}: nobody looked {dials.addresses.host} up to the end of the outage")
    return at.record


_DECIDED: Final = frozenset({ResultState.MET, ResultState.ALWAYS_TRUE, ResultState.MISSED})


def excused(record: Record, plan: Plan) -> bool:
    """Whether what was decided under the cut says nothing, since targets may have reached what was not cut yet."""
    return doubted(record) is not None and any(fault.action.WITNESSED for fault in plan.outage.faults)


def _proven(at: Situation) -> list[tuple[Change, Proof]]:
    """The cuts of names that were proven."""
    found = ((change, at.seen.proofs.get(change.name)) for change in at.record.changes)
    return [
        (change, dials)
        for change, dials in found
        if dials is not None and dials.addresses.wanted and change.effect_at is not None
    ]


def _until(record: Record) -> float:
    asked = record.undo_requested_at
    return asked + LATE if asked is not None else float("inf")


def _void(at: Situation, why: str) -> Record:
    """A doubt from the request on, and no result of the outage."""
    since = at.record.inject_requested_at or at.now
    record = at.record.doubt(Cause.ADDRESSES_UNKNOWN, f"{why}: {REMEDY}", since, at.now)
    results = tuple(
        replace(one, state=ResultState.UNKNOWN, why=f"the targets were not shown to be cut off: {why}", seconds=None)
        if one.stage is Stage.OUTAGE and one.state in _DECIDED
        else one
        for one in record.results
    )
    return replace(record, results=results)
