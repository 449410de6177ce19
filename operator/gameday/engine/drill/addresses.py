"""Whether the addresses of a name that is cut are known: before the cut, under it, and until the end of the outage.

An address that is found under the cut is cut at once. But until then it was open, and targets may have used it, so no
expectation of the outage counts, nor does what followed from it. The same holds where nobody has looked any more.
"""

from dataclasses import replace
from typing import Final

from gameday.engine.drill import timeouts
from gameday.engine.drill.context import Context
from gameday.engine.evidence.proof import Proof
from gameday.model.addresses import LOOK_EVERY, OTHER_PORT
from gameday.model.change import Change
from gameday.model.effect import End
from gameday.model.plan import Plan, Stage
from gameday.model.record import Doubt, DrillRecord, Reason, ResultState

REMEDY: Final = "name the ranges of its addresses by cidrs beside host"
BY_TCP: Final = "name the ranges and all ports as a tcp dependency, or have all servers listen at the port in redis"
LATE: Final = 2 * LOOK_EVERY
"""Seconds after the undo was asked for in which a look may still find what was there before it."""


def unknown(ctx: Context, fault: str, ends: float) -> End | None:
    """Why a fault must not be asked for at the end of the steady state: not all of its addresses are known."""
    dials = ctx.evidence.proofs.get(fault)
    why = dials.addresses.doubt(dials.lookers, ends) if dials is not None else ""
    if dials is None or not why:
        return None
    remedy = BY_TCP if why.endswith(OTHER_PORT) else REMEDY
    text = f"fault {fault}: the addresses of {dials.addresses.host} are not known: {why}; nothing was touched: {remedy}"
    return End(Reason.ADDRESSES_UNKNOWN, text, ctx.now)


def doubted(record: DrillRecord) -> Doubt | None:
    """The doubt of a drill that had asked for its faults, and then found addresses that it did not know."""
    if record.inject_requested_at is None:
        return None
    return next((doubt for doubt in record.doubts if doubt.cause is Reason.ADDRESSES_UNKNOWN), None)


def look(ctx: Context) -> DrillRecord:
    """The record once an address was found under a proven cut: what was decided under it is unknown."""
    if ctx.record.inject_requested_at is None or doubted(ctx.record) is not None:
        return ctx.record
    for change, dials in _proven(ctx):
        grew = dials.addresses.grew(change.effect_at or 0.0, _until(ctx.record))
        if grew is not None:
            after = grew[1] - (change.effect_at or grew[1])
            why = f"its address {grew[0]} was found {after:.1f} s after the cut began, and targets may have used it"
            return _void(ctx, f"{change.name}: {dials.addresses.host} has addresses that were not cut: {why}")
    return ctx.record


def unsettled(ctx: Context) -> bool:
    """Whether it is still to be seen if an address came at the very end of the outage."""
    asked = ctx.record.undo_requested_at
    if asked is None or ctx.record.doubts or ctx.record.aborted is not None:
        return False
    waits = ctx.now < asked + timeouts.UNDO
    return waits and any(not dials.addresses.looked_since(dials.lookers, asked) for _, dials in _proven(ctx))


def named(ctx: Context) -> DrillRecord:
    """The record of a drill that is to be judged: what was decided after the last look is unknown."""
    if ctx.record.inject_requested_at is None or doubted(ctx.record) is not None:
        return ctx.record
    for change, dials in _proven(ctx):
        until = dials.addresses.looked_until(dials.lookers)
        if any(r.stage is Stage.OUTAGE and r.at > until and r.state in _DECIDED for r in ctx.record.results):
            return _void(ctx, f"{change.name}: no agent looked up {dials.addresses.host} up to the end of the outage")
    return ctx.record


_DECIDED: Final = frozenset({ResultState.MET, ResultState.ALWAYS_TRUE, ResultState.MISSED})


def excused(record: DrillRecord, plan: Plan) -> bool:
    """Whether what was decided under the cut says nothing, since targets may have reached what was not cut yet."""
    return doubted(record) is not None and any(fault.action.WITNESSED for fault in plan.outage.faults)


def _proven(ctx: Context) -> list[tuple[Change, Proof]]:
    """The cuts of names that were proven."""
    found = ((change, ctx.evidence.proofs.get(change.name)) for change in ctx.record.changes)
    return [
        (change, dials)
        for change, dials in found
        if dials is not None and dials.addresses.wanted and change.effect_at is not None
    ]


def _until(record: DrillRecord) -> float:
    asked = record.undo_requested_at
    return asked + LATE if asked is not None else float("inf")


def _void(ctx: Context, why: str) -> DrillRecord:
    """A doubt from the request on, and no result of the outage."""
    since = ctx.record.inject_requested_at or ctx.now
    record = ctx.record.doubt(Reason.ADDRESSES_UNKNOWN, f"{why}: {REMEDY}", since, ctx.now)
    results = tuple(
        replace(one, state=ResultState.UNKNOWN, why=f"the targets were not shown to be cut off: {why}", seconds=None)
        if one.stage is Stage.OUTAGE and one.state in _DECIDED
        else one
        for one in record.results
    )
    return replace(record, results=results)
