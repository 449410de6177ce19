"""Part 2 of the proof: that the connections are gone which targets had open when the cut came.

Two ways show it, and the first that does counts: the network ends open connections itself, as those that twins hold
tell (``held``); or those of the targets were ended at the dependency, where some were seen before and none after, on
every server. Where neither does by the end of the outage, nobody can tell what the targets used under the cut.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gameday.engine.drill import budgets
from gameday.engine.drill.situation import Situation
from gameday.engine.drill.witnessed import dials_of
from gameday.engine.evidence.held import Span, Telling
from gameday.model.plan import Plan
from gameday.model.record import Cause, Closing, Doubt, Record
from gameday.model.world import Severed

NOWHERE: Final = "the drill knows no Redis at which it could close the targets' open connections"
LATE: Final = "the outage ended before the targets' open connections were closed"
CAUSES: Final = frozenset({Cause.CONNECTIONS_KEPT, Cause.NOT_SEVERED})


def wanted(plan: Plan) -> tuple[str, ...]:
    """The faults of which the plan wants open connections gone as well; else new ones are all that it asks about."""
    return tuple(fault.name for fault in plan.outage.faults if fault.action.closes_connections)


def shown(record: Record, plan: Plan) -> bool:
    """Whether the targets are known to have been cut off as the plan requires."""
    return all(record.closing(name).gone is True for name in wanted(plan))


def gone_at(record: Record) -> float | None:
    """The Unix second since when the open connections of all faults are known to be gone, where any are."""
    return max((closing.gone_at for closing in record.closings if closing.gone_at is not None), default=None)


def doubted(record: Record) -> Doubt | None:
    """The doubt of a drill of which it is settled that neither way showed it."""
    return next((doubt for doubt in record.doubts if doubt.cause in CAUSES), None)


def until(record: Record, plan: Plan, fault: str) -> float | None:
    """The Unix second after which no connection may be ended any more; None while none is to be ended."""
    asked = record.closing(fault).requested_at
    if record.zero is None or asked is None:
        return None
    return min(asked + budgets.SEVER, record.zero + plan.outage.duration)


def asked(record: Record) -> tuple[str, ...]:
    """The faults of which connections are to be ended, and were not yet."""
    return tuple(one.fault for one in record.closings if one.requested_at is not None and one.gone is None)


def doubtful(at: Situation) -> Iterator[str]:
    """What already speaks against showing it, at the end of the steady state: nothing is cut yet."""
    for name in wanted(at.plan):
        if agents := dials_of(at, name).held.local():
            yield (
                f"the connections that {', '.join(agents)} hold open end at a proxy in the agent's own pod, "
                "so they cannot show whether the network ends open connections"
            )
        counted = at.world.counted.get(name)
        if counted is not None and counted.error:
            yield (
                "the targets' connections cannot be counted at the dependency, so closing them may "
                f"fail as well: {counted.error}"
            )
        elif counted is not None and not counted.most:
            yield (
                "the dependency shows no connection of the targets so far: either they have none open, "
                "or it sees the address of a proxy, a NAT or a sidecar; in that case only the network "
                "can show that open connections end"
            )


def look(at: Situation, zero: float) -> Record:
    """Look whether either way shows it by now; the record is unchanged while none does and none is under way."""
    for name in wanted(at.plan):
        at = at.knowing(_look(at, name, zero))
    return at.record


def _look(at: Situation, name: str, zero: float) -> Record:
    record, closing = at.record, at.record.closing(name)
    if closing.gone is True:
        return record
    told = _held(at, name, zero)
    if told.since is not None:
        record = record.with_closing(replace(closing, gone=True, gone_at=told.since))
        return record.note(
            at.now, "ConnectionsEnded", "the network ended open connections of the witnesses and none of the controls"
        )
    return _sever(at, closing, zero) if closing.gone is None and name in at.world.severs else record


def settle(at: Situation) -> Record:
    """The record of a drill whose outage is over, with a doubt if neither way has proven it."""
    record = at.record
    if record.zero is None or doubted(record) is not None:
        return record
    kept = (record.closing(name) for name in wanted(at.plan))
    closing = next((one for one in kept if one.gone is not True), None)
    if closing is None:
        return record
    untried = (Cause.NOT_SEVERED, LATE) if closing.fault in at.world.severs else (Cause.CONNECTIONS_KEPT, NOWHERE)
    tried = closing.doubt or Doubt(*untried, record.zero)
    why = "; ".join(filter(None, (tried.message, _held(at, closing.fault, record.zero).why)))
    return record.doubt(tried.cause, f"no proof that the targets were cut off: {why}", record.zero, at.now)


def _held(at: Situation, name: str, zero: float) -> Telling:
    change, dials = at.record.change(name), dials_of(at, name)
    requested = change.requested_at if change is not None and change.requested_at is not None else zero
    began = change.effect_at if change is not None and change.effect_at is not None else zero
    return dials.held.told(dials.twins, Span(requested, began, zero + at.plan.outage.duration))


def _sever(at: Situation, closing: Closing, zero: float) -> Record:
    if closing.requested_at is None:
        return at.record.with_closing(replace(closing, requested_at=at.now))
    found = at.world.severed.get(closing.fault)
    if found is None:
        if at.now <= closing.requested_at + budgets.SEVER + budgets.GRACE:
            return at.record
        return _unsevered(
            at,
            closing,
            Doubt(
                Cause.NOT_SEVERED, "the closer pod, which closes the targets' connections, did not answer in time", zero
            ),
        )
    if found.at > zero + at.plan.outage.duration:
        return _unsevered(at, closing, Doubt(Cause.NOT_SEVERED, LATE, zero))
    if found.error or found.left:
        why = found.error or f"{found.left} connections of the targets are still open"
        return _unsevered(at, closing, Doubt(Cause.NOT_SEVERED, why, zero))
    if unknown := _of_some(found):
        return _unsevered(at, closing, Doubt(Cause.CONNECTIONS_KEPT, unknown, zero))
    record = at.record.with_closing(replace(closing, gone=True, gone_at=found.at))
    return record.note(at.now, "Severed", f"{found.killed} open connections of the targets closed, none left")


def _of_some(found: Severed) -> str:
    """The targets whose connections are of unknown state, as a message, or "".

    Redis sees other addresses than the targets' own if there is a proxy, a NAT or a sidecar in between.
    """
    if not found.unseen:
        return ""
    more = f" (and of {found.unseen - 1} more)" if found.unseen > 1 else ""
    return (
        f"the dependency never showed a connection of {found.example}{more}, so it cannot show that such "
        "connections are closed"
    )


def _unsevered(at: Situation, closing: Closing, doubt: Doubt) -> Record:
    record = at.record.with_closing(replace(closing, gone=False, doubt=doubt))
    text = f"{doubt.message}; unless the network ends open connections, this drill will be Inconclusive"
    return record.note(at.now, "ProofWarning", text, warning=True)
