"""Part 2 of the proof: the connections that targets had open before the cut are gone.

There are two ways to prove it, and the first that succeeds counts. Either the network itself ends open connections,
which the connections held by witnesses and controls show (``evidence.held_connections``). Or the targets' connections
were closed at the dependency: every server had some before and none after. If neither is proven by the end of the
outage, it is unknown which connections the targets used under the cut.

Either way says it of the targets by what was seen elsewhere or at one moment. Where the dependency shows a connection
that a target opened under the cut, at another port or on a node that does not enforce the cut, neither counts. Where
it would show connections of all targets and never shows one of some, these may come by a proxy: what the network does
to the witnesses says nothing of them then, unless the system is seen to react. Some clients open a connection for each
request, and none is seen.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gameday.engine.drill import timeouts
from gameday.engine.drill.context import Context
from gameday.engine.drill.witness_proof import dials_of
from gameday.engine.evidence.held_connections import HeldResult, Span
from gameday.model.observation import ConnectionsClosed, Life
from gameday.model.plan import Mode, Plan, Stage
from gameday.model.record import Closing, Doubt, DrillRecord, Reason, ResultState

NOWHERE: Final = "the drill knows no Redis at which it could close the targets' open connections"
LATE: Final = "the outage ended before the targets' open connections were closed"
CAUSES: Final = frozenset({Reason.CONNECTIONS_KEPT, Reason.CONNECTIONS_NOT_CLOSED})
CONNECTED: Final = "targets were connected to the dependency under the cut"
REMEDY: Final = (
    "cut every port by which targets reach it, and where that is done look at the network agent on the node of that pod"
)
UNSEEN: Final = "the dependency shows the drill's own connections and none of the targets"
SOME_UNSEEN: Final = "the dependency shows connections of other targets and none of"
NAME_IT: Final = (
    "where they reach it by a proxy or by another port, name the Service that they use; where they keep no connection "
    "open, say openConnections: Keep"
)
SETTLED: Final = 5.0
"""Seconds after the start of the outage, or the end of the closing, in which a target may still open a connection: the
network agent of its node may be slower than those of the witnesses."""
ROUGHLY: Final = 2.0
"""Seconds by which a connection may have been opened later than a server's whole seconds say, with a margin."""
OTHERS_FIRST: Final = 4.0
"""Seconds after which a connection counts that a target opened: where somebody has removed the cut, that is seen
before, and is the reason of the verdict."""
BLIP: Final = 10.0
"""Seconds for which a dependency must have answered before the cut, so that nobody reacts to what it did by itself."""
LAST_WORD: Final = 2.0
"""Seconds after its time in which a closer that runs may still answer."""


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
    """The faults of which connections are to be ended, and nobody has said yet what that came to."""
    return tuple(one.fault for one in record.closings if one.requested_at is not None and not one.answered)


def doubtful(ctx: Context) -> Iterator[str]:
    """What already speaks against showing it, at the end of the steady state: nothing is cut yet."""
    for name in wanted(ctx.plan):
        yield from (f"{_which(ctx.plan, name)}{why}" for why in _doubtful(ctx, name))


def _doubtful(ctx: Context, name: str) -> Iterator[str]:
    """What speaks against showing it of the targets of one fault."""
    if agents := dials_of(ctx, name).held.local():
        yield (
            f"the connections that {', '.join(agents)} hold open end at a proxy in the agent's own pod, "
            "so they cannot show whether the network ends open connections"
        )
    counted = ctx.observed.connections_counted.get(name)
    if counted is not None and counted.error:
        yield f"the targets' connections cannot be counted or not be closed at the dependency: {counted.error}"
    elif unseen := _unseen(ctx, name):
        yield (
            f"{unseen} so far; unless one is seen, or a becomes of the outage is met, this drill cannot be decided "
            f"(ConnectionsKept): {NAME_IT}"
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
                f"fault {name}: the targets' open connections cannot be counted or not be closed at the dependency: "
                f"{why}"
            )


def look(ctx: Context, started_at: float) -> DrillRecord:
    """Look whether either way shows it by now; the record is unchanged while none does and none is under way."""
    for name in wanted(ctx.plan):
        if doubted(ctx.record) is not None:
            # Targets were seen connected, which nothing that is seen later takes back.
            break
        ctx = ctx.with_record(_look(ctx, name, started_at))
    return ctx.record


def awaited(ctx: Context) -> bool:
    """Whether a closer may still say at the end of the outage that targets are connected, where they seem cut off."""
    return any(
        one.gone is True
        and not one.answered
        and ctx.observed.closers.get(one.fault) is Life.RUNNING
        and (end := until(ctx.record, ctx.plan, one.fault)) is not None
        and ctx.now <= end + LAST_WORD
        for one in ctx.record.closings
    )


def _look(ctx: Context, name: str, started_at: float) -> DrillRecord:
    record, closing = ctx.record, ctx.record.closing(name)
    if seen := _connected(ctx, closing, started_at):
        why = f"{_which(ctx.plan, name)}{CONNECTED}: {seen}; {REMEDY}"
        doubt = Doubt(Reason.CONNECTIONS_NOT_CLOSED, why, started_at)
        record = record.with_closing(replace(closing, answered=True, gone=False, gone_at=None, doubt=doubt))
        return record.doubt(doubt.cause, doubt.message, doubt.since, ctx.now)
    if closing.gone is not True and _used(ctx, name) and (told := _held(ctx, name, started_at)).since is not None:
        record = record.with_closing(replace(closing, gone=True, gone_at=told.since))
        text = "the network ended open connections of the witnesses and none of the controls"
        return record.note(ctx.now, "ConnectionsEnded", f"{_which(ctx.plan, name)}{text}")
    # Also where the network ended connections: those of targets that come back were not cut off.
    if name in ctx.observed.closing_faults and not closing.answered:
        return _close_connections(ctx, closing, started_at)
    return record


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
    if _elsewhere(ctx, closing.fault):
        unseen = _unseen(ctx, closing.fault)
        tried = Doubt(Reason.CONNECTIONS_KEPT, f"{unseen}: {NAME_IT}", record.outage_started_at)
    why = "; ".join(filter(None, (tried.message, _held(ctx, closing.fault, record.outage_started_at).why)))
    text = f"{_which(ctx.plan, closing.fault)}no proof that the targets were cut off: {why}"
    return record.doubt(tried.cause, text, record.outage_started_at, ctx.now)


def _which(plan: Plan, fault: str) -> str:
    """The name of a fault, to begin a message with, where the plan cuts connections by more than one."""
    return f"{fault}: " if len(wanted(plan)) > 1 else ""


def _connected(ctx: Context, closing: Closing, started_at: float) -> str:
    """What shows that targets have opened connections under the cut, as a message, or ""."""
    found = ctx.observed.connections_closed.get(closing.fault)
    if found is not None and found.opened:
        return (
            "after the drill had ended their connections they opened others "
            f"({found.opened} at the end), such as {found.opener}"
        )
    counted = ctx.observed.connections_counted.get(closing.fault)
    if closing.gone is not True or closing.gone_at is None or counted is None:
        return ""
    skew, ends = ctx.observed.skew, started_at + ctx.plan.outage.duration
    after = max(closing.gone_at, started_at + SETTLED) + skew
    before = min(ctx.now, ends) - OTHERS_FIRST - skew
    # Where a closer has left none, what is there after that was opened after it. Else some may be from before the cut.
    none_left_at = found.at + skew if found is not None and not (found.error or found.left) else math.inf
    for one in counted.opened:
        stays = one.opened_at > none_left_at - ROUGHLY and one.seen_at > none_left_at + SETTLED
        if (one.opened_at > after or stays) and one.opened_at < before:
            began = max(0.0, one.opened_at - started_at)
            return f"one opened a connection {began:.0f} s after the start of the outage, {one.whose}"
    return ""


def _used(ctx: Context, name: str) -> bool:
    """Whether what the witnesses show may be said of the targets: nothing shows that they come by another way."""
    told = name in ctx.observed.connections_counted or name not in ctx.observed.closing_faults
    return told and not _elsewhere(ctx, name)


def _elsewhere(ctx: Context, name: str) -> bool:
    """Whether targets seem to come by another way than the one that is cut."""
    return bool(_unseen(ctx, name)) and not _reacted(ctx, name)


def _reacted(ctx: Context, name: str) -> bool:
    """Whether something that was not so without the cut became so under it, and nothing else can have caused it."""
    change, becomes = ctx.record.change(name), {one.name for one in ctx.plan.outage.expect if one.mode is Mode.BECOMES}
    if change is None or change.requested_at is None or len(ctx.plan.outage.faults) > 1:
        return False
    before, dials = change.requested_at - BLIP, dials_of(ctx, name)
    return any(
        one.stage is Stage.OUTAGE
        and one.name in becomes
        and one.state is ResultState.MET
        and not one.by
        and dials.always_up(before, one.at)
        for one in ctx.record.results
    )


def _unseen(ctx: Context, name: str) -> str:
    """The targets of which the dependency would show a connection and has never shown one, as a message, or ""."""
    counted = ctx.observed.connections_counted.get(name)
    if counted is None or not counted.direct or (counted.most and not counted.unseen):
        return ""
    return f"{SOME_UNSEEN} {_named(counted.unseen, counted.example)}" if counted.most else UNSEEN


def _named(unseen: int, example: str) -> str:
    """Targets of which no connection was seen, as words."""
    return f"{example} (and of {unseen - 1} more)" if unseen > 1 else example


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
    gone_at = found.at if closing.gone_at is None else closing.gone_at
    record = ctx.record.with_closing(replace(closing, answered=True, gone=True, gone_at=gone_at))
    if closing.gone is True and not found.killed:
        return record
    text = f"{found.killed} open connections of the targets closed, none left"
    return record.note(ctx.now, "ConnectionsClosed", f"{_which(ctx.plan, closing.fault)}{text}")


def _of_some(found: ConnectionsClosed) -> str:
    """The targets whose connections are of unknown state, as a message, or "".

    Redis sees other addresses than the targets' own if there is a proxy, a NAT or a sidecar in between.
    """
    if not found.unseen:
        return ""
    return (
        f"the dependency never showed a connection of {_named(found.unseen, found.example)}, so it cannot show that "
        "such connections are closed"
    )


def _not_closed(ctx: Context, closing: Closing, doubt: Doubt) -> DrillRecord:
    record = ctx.record.with_closing(replace(closing, answered=True, gone=closing.gone is True, doubt=doubt))
    if closing.gone is True:
        return record
    why = f"{_which(ctx.plan, closing.fault)}{doubt.message}"
    text = f"{why}; unless the network ends open connections, this drill will be Inconclusive"
    return record.note(ctx.now, "ProofWarning", text, warning=True)
