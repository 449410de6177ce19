"""Part 2 of the proof: the connections that targets had open before the cut are gone.

There are two ways to prove it, and the first that succeeds counts. Either the network itself ends open connections,
which the connections held by witnesses and controls show (``evidence.held_connections``). Or the targets' connections
were closed at the dependency: every server had some before and none after. If neither is proven by the end of the
outage, it is unknown which connections the targets used under the cut.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gameday.engine.drill import timeouts
from gameday.engine.drill.context import Context
from gameday.engine.drill.witness_proof import dials_of
from gameday.engine.evidence.held_connections import HeldResult, Span
from gameday.model.observation import ConnectionsClosed
from gameday.model.plan import Plan
from gameday.model.record import Closing, Doubt, DrillRecord, Reason

NOWHERE: Final = "the drill knows no Redis at which it could close the targets' open connections"
LATE: Final = "the outage ended before the targets' open connections were closed"
CAUSES: Final = frozenset({Reason.CONNECTIONS_KEPT, Reason.CONNECTIONS_NOT_CLOSED})


def wanted(plan: Plan) -> tuple[str, ...]:
    """The faults of which the plan wants open connections gone as well; else new ones are all that it asks about."""
    return tuple(fault.name for fault in plan.outage.faults if fault.action.closes_connections)


def shown(record: DrillRecord, plan: Plan) -> bool:
    """Whether the targets are known to have been cut off as the plan requires."""
    return all(record.closing(name).gone is True for name in wanted(plan))


def gone_at(record: DrillRecord) -> float | None:
    """The Unix second since when the open connections of all faults are known to be gone, where any are."""
    return max((closing.gone_at for closing in record.closings if closing.gone_at is not None), default=None)


def doubted(record: DrillRecord) -> Doubt | None:
    """The doubt of a drill of which it is settled that neither way showed it."""
    return next((doubt for doubt in record.doubts if doubt.cause in CAUSES), None)


def until(record: DrillRecord, plan: Plan, fault: str) -> float | None:
    """The Unix second after which no connection may be ended any more; None while none is to be ended."""
    asked = record.closing(fault).requested_at
    if record.outage_started_at is None or asked is None:
        return None
    return min(asked + timeouts.CLOSE_CONNECTIONS, record.outage_started_at + plan.outage.duration)


def asked(record: DrillRecord) -> tuple[str, ...]:
    """The faults of which connections are to be ended, and were not yet."""
    return tuple(one.fault for one in record.closings if one.requested_at is not None and one.gone is None)


def doubtful(ctx: Context) -> Iterator[str]:
    """What already speaks against showing it, at the end of the steady state: nothing is cut yet."""
    for name in wanted(ctx.plan):
        if agents := dials_of(ctx, name).held.local():
            yield (
                f"the connections that {', '.join(agents)} hold open end at a proxy in the agent's own pod, "
                "so they cannot show whether the network ends open connections"
            )
        counted = ctx.observed.connections_counted.get(name)
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


def counted(ctx: Context) -> bool:
    """Whether each agent that counts connections has done so, for a dry run."""
    found = ctx.observed.connections_counted
    return all(name in found and not found[name].error for name in ctx.observed.closing_faults)


def uncounted(ctx: Context) -> Iterator[str]:
    """What keeps the targets' connections from being counted, for a dry run."""
    for name in sorted(ctx.observed.closing_faults):
        found = ctx.observed.connections_counted.get(name)
        why = found.error if found is not None else "the agent that counts them has not said anything"
        if why:
            yield (
                f"fault {name}: the targets' open connections cannot be counted at the dependency, so closing them "
                f"may fail as well: {why}"
            )


def look(ctx: Context, started_at: float) -> DrillRecord:
    """Look whether either way shows it by now; the record is unchanged while none does and none is under way."""
    for name in wanted(ctx.plan):
        ctx = ctx.with_record(_look(ctx, name, started_at))
    return ctx.record


def _look(ctx: Context, name: str, started_at: float) -> DrillRecord:
    record, closing = ctx.record, ctx.record.closing(name)
    if closing.gone is True:
        return record
    told = _held(ctx, name, started_at)
    if told.since is not None:
        record = record.with_closing(replace(closing, gone=True, gone_at=told.since))
        return record.note(
            ctx.now, "ConnectionsEnded", "the network ended open connections of the witnesses and none of the controls"
        )
    return (
        _close_connections(ctx, closing, started_at)
        if closing.gone is None and name in ctx.observed.closing_faults
        else record
    )


def settle(ctx: Context) -> DrillRecord:
    """The record of a drill whose outage is over, with a doubt if neither way has proven it."""
    record = ctx.record
    if record.outage_started_at is None or doubted(record) is not None:
        return record
    kept = (record.closing(name) for name in wanted(ctx.plan))
    closing = next((one for one in kept if one.gone is not True), None)
    if closing is None:
        return record
    untried = (
        (Reason.CONNECTIONS_NOT_CLOSED, LATE)
        if closing.fault in ctx.observed.closing_faults
        else (Reason.CONNECTIONS_KEPT, NOWHERE)
    )
    tried = closing.doubt or Doubt(*untried, record.outage_started_at)
    why = "; ".join(filter(None, (tried.message, _held(ctx, closing.fault, record.outage_started_at).why)))
    return record.doubt(
        tried.cause, f"no proof that the targets were cut off: {why}", record.outage_started_at, ctx.now
    )


def _held(ctx: Context, name: str, started_at: float) -> HeldResult:
    change, dials = ctx.record.change(name), dials_of(ctx, name)
    requested = change.requested_at if change is not None and change.requested_at is not None else started_at
    began = change.effect_at if change is not None and change.effect_at is not None else started_at
    return dials.held.result(dials.pairs, Span(requested, began, started_at + ctx.plan.outage.duration))


def _close_connections(ctx: Context, closing: Closing, started_at: float) -> DrillRecord:
    if closing.requested_at is None:
        return ctx.record.with_closing(replace(closing, requested_at=ctx.now))
    found = ctx.observed.connections_closed.get(closing.fault)
    if found is None:
        if ctx.now <= closing.requested_at + timeouts.CLOSE_CONNECTIONS + timeouts.GRACE:
            return ctx.record
        return _not_closed(
            ctx,
            closing,
            Doubt(
                Reason.CONNECTIONS_NOT_CLOSED,
                "the closer pod, which closes the targets' connections, did not answer in time",
                started_at,
            ),
        )
    if found.at > started_at + ctx.plan.outage.duration:
        return _not_closed(ctx, closing, Doubt(Reason.CONNECTIONS_NOT_CLOSED, LATE, started_at))
    if found.error or found.left:
        why = found.error or f"{found.left} connections of the targets are still open"
        return _not_closed(ctx, closing, Doubt(Reason.CONNECTIONS_NOT_CLOSED, why, started_at))
    if unknown := _of_some(found):
        return _not_closed(ctx, closing, Doubt(Reason.CONNECTIONS_KEPT, unknown, started_at))
    record = ctx.record.with_closing(replace(closing, gone=True, gone_at=found.at))
    return record.note(
        ctx.now, "ConnectionsClosed", f"{found.killed} open connections of the targets closed, none left"
    )


def _of_some(found: ConnectionsClosed) -> str:
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


def _not_closed(ctx: Context, closing: Closing, doubt: Doubt) -> DrillRecord:
    record = ctx.record.with_closing(replace(closing, gone=False, doubt=doubt))
    text = f"{doubt.message}; unless the network ends open connections, this drill will be Inconclusive"
    return record.note(ctx.now, "ProofWarning", text, warning=True)
