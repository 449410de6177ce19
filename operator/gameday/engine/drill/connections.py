"""Part 2 of the proof: that the connections are gone which targets had open when the cut came.

Two ways show it, and the first that does counts: the network ends open connections itself, as those that twins hold
tell (``held``); or those of the targets were ended at the dependency, where some were seen before and none after, on
every server. Where neither does by the end of the outage, nobody can tell what the targets used under the cut.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gameday.engine.drill import budgets, effects
from gameday.engine.drill.situation import Situation
from gameday.engine.evidence.held import Span, Telling
from gameday.model.names import COUNTER
from gameday.model.plan import OpenConnections, Plan
from gameday.model.record import Cause, Doubt, Record
from gameday.model.world import Severed

NOWHERE: Final = "there is nowhere to end the targets' connections"
LATE: Final = "the outage was over before the targets' connections were ended"
CAUSES: Final = frozenset({Cause.CONNECTIONS_KEPT, Cause.NOT_SEVERED})


def wanted(plan: Plan) -> bool:
    """Whether the plan wants open connections gone as well; else new ones are all that it asks about."""
    return any(cut.open_connections is OpenConnections.CLOSE for _, cut in plan.partitions())


def shown(record: Record, plan: Plan) -> bool:
    """Whether the targets are known to have been cut off as far as the plan wants."""
    return record.severed is True or not wanted(plan)


def doubted(record: Record) -> Doubt | None:
    """The doubt of a drill of which it is settled that neither way showed it."""
    return next((doubt for doubt in record.doubts if doubt.cause in CAUSES), None)


def severs(at: Situation) -> bool:
    """Whether connections that targets had are ended at the dependency, as the preflight decided."""
    return COUNTER in at.world.agents_wanted


def until(record: Record, plan: Plan) -> float | None:
    """The Unix second after which no connection may be ended any more; None while none is to be ended."""
    if record.zero is None or record.sever_requested_at is None:
        return None
    return min(record.sever_requested_at + budgets.SEVER, record.zero + plan.outage.duration)


def doubtful(at: Situation) -> Iterator[str]:
    """What already speaks against showing it, at the end of the steady state: nothing is cut yet."""
    if not wanted(at.plan):
        return
    if agents := at.seen.proof.held.local():
        yield f"the connections that {', '.join(agents)} hold end at a proxy in their own pod and will show nothing"
    counted = at.world.counted
    if counted is not None and counted.error:
        yield f"the targets' connections cannot be counted at the dependency, and may not be ended: {counted.error}"
    elif counted is not None and not counted.most:
        yield (
            "no connection of the targets is seen at the dependency so far: either they have none open, or it sees the "
            "address of a proxy, a NAT or a sidecar, and then only the network can show that open ones end"
        )


def look(at: Situation, zero: float) -> Record:
    """Look whether either way shows it by now; the record is unchanged while none does and none is under way."""
    record = at.record
    if shown(record, at.plan):
        return record
    told = _held(at, zero)
    if told.since is not None:
        record = replace(record, severed=True, severed_at=told.since)
        return record.note(
            at.now, "ConnectionsEnded", "the network ended open connections of the witnesses, and none of the controls"
        )
    return _sever(at, zero) if record.severed is None and severs(at) else record


def settle(at: Situation) -> Record:
    """The record of a drill whose outage is over: with a doubt where neither way has shown it."""
    record = at.record
    if record.zero is None or shown(record, at.plan) or doubted(record) is not None:
        return record
    untried = (Cause.NOT_SEVERED, LATE) if severs(at) else (Cause.CONNECTIONS_KEPT, NOWHERE)
    tried = record.unsevered or Doubt(*untried, record.zero)
    why = "; ".join(filter(None, (tried.message, _held(at, record.zero).why)))
    return record.doubt(tried.cause, f"the targets were not shown to be cut off: {why}", record.zero, at.now)


def _held(at: Situation, zero: float) -> Telling:
    record = at.record
    requested = effects.cut_requested_at(record, at.plan)
    asked = requested if requested is not None else zero
    return at.seen.proof.held.told(at.seen.proof.pairs, Span(asked, zero, zero + at.plan.outage.duration))


def _sever(at: Situation, zero: float) -> Record:
    asked = at.record.sever_requested_at
    if asked is None:
        return replace(at.record, sever_requested_at=at.now)
    found = at.world.severed
    if found is None:
        if at.now <= asked + budgets.SEVER + budgets.GRACE:
            return at.record
        return _unsevered(at, zero, Cause.NOT_SEVERED, "the severing pod gave no answer")
    if found.at > zero + at.plan.outage.duration:
        return _unsevered(at, zero, Cause.NOT_SEVERED, LATE)
    if found.error or found.left:
        why = found.error or f"{found.left} connections of the targets are left"
        return _unsevered(at, zero, Cause.NOT_SEVERED, why)
    if unknown := _of_some(found):
        return _unsevered(at, zero, Cause.CONNECTIONS_KEPT, unknown)
    record = replace(at.record, severed=True, severed_at=found.at)
    return record.note(at.now, "Severed", f"{found.killed} open connections of the targets ended, none left")


def _of_some(found: Severed) -> str:
    """Of which targets nobody knows whether their connections are gone, or "".

    Redis sees other addresses than the targets' own where a proxy, a NAT or a sidecar stands between.
    """
    if not found.unseen:
        return ""
    more = f" (and of {found.unseen - 1} more)" if found.unseen > 1 else ""
    return f"no connection of {found.example}{more} was ever seen at the dependency, so none left proves nothing"


def _unsevered(at: Situation, zero: float, cause: Cause, why: str) -> Record:
    record = replace(at.record, severed=False, unsevered=Doubt(cause, why, zero))
    text = f"{why}: unless the network is seen to end open connections, this drill cannot be decided"
    return record.note(at.now, "ProofWarning", text, warning=True)
