"""The phase under the cut: arm, inject, prove, sever, then hold for the planned time, whatever comes."""

from dataclasses import replace

from gameday.engine.drill import budgets, connections
from gameday.engine.drill import commands as do
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.interrupts import give_up, guardrail_tripped, proof_broken
from gameday.engine.drill.limits import of_moment, of_plan
from gameday.engine.drill.permission import hindrance
from gameday.engine.drill.results import decide_stage, end_stage
from gameday.engine.drill.situation import Situation
from gameday.engine.drill.undo_log import ask_undo
from gameday.engine.drill.windows import outage_window
from gameday.model.plan import Stage
from gameday.model.record import Cause, Hold, HoldKind, HoldState, Phase, Record
from gameday.model.world import Cut


def outage(at: Situation) -> Record:
    """Carry the cut through; every way out of here asks for its undo."""
    if (broken := proof_broken(at)) is not None:
        return broken
    record = at.record
    if record.inject_requested_at is None:
        return _arm(at)
    if (stopped := _injecting(at)) is not None:
        return stopped
    at = at.knowing(decide_stage(at, Stage.OUTAGE, outage_window(at)))
    if (tripped := guardrail_tripped(at, outage_window(at))) is not None:
        return tripped
    if record.zero is None:
        return _prove(at)
    if (looked := connections.look(at, record.zero)) is not record:
        return looked
    return _hold(at, record.zero)


def cuts(record: Record) -> tuple[Hold, ...]:
    """The undo log's entries that are cuts."""
    return tuple(hold for hold in record.holds if hold.kind is HoldKind.NETWORK_PARTITION)


def _arm(at: Situation) -> Record:
    if (held := _held_back(at, at.record.since)) is not None:
        return held
    if all(hold.state is HoldState.ARMED for hold in cuts(at.record)):
        record = at.record
        for hold in cuts(record):
            record = record.with_hold(replace(hold, state=HoldState.REQUESTED, requested_at=at.now))
        record = replace(record, inject_requested_at=at.now)
        return record.note(at.now, "Injecting", ", ".join(hold.object_name for hold in cuts(record)))
    if at.now > at.record.since + budgets.ARM:
        error = error_of(at.world.errors, *map(do.ArmFuse, cuts(at.record))) or "no start time"
        return give_up(at, Cause.FUSE_NOT_ARMED, f"no change without a fuse: {error}", at.now)
    return at.record


def _held_back(at: Situation, since: float) -> Record | None:
    """The record of a drill that may not cut now, or None: what is unreadable for a moment ends nothing at once."""
    hindered = hindrance(at.world)
    if hindered is None:
        limits = at.world.ruling.limits
        exceeded = (*of_plan(limits, at.plan), *of_moment(limits, at.now))
        return give_up(at, Cause.LIMIT_EXCEEDED, "; ".join(exceeded), at.now) if exceeded else None
    return give_up(at, *hindered, at.now) if at.now > since + budgets.ARM else at.record


def _injecting(at: Situation) -> Record | None:
    """The record of a drill whose injection went wrong or is not certain, or None to go on."""
    for hold in cuts(at.record):
        if hold.state is not HoldState.REQUESTED or hold.requested_at is None:
            continue
        if hold.requested_at < at.world.resumed_at and not at.world.cuts.get(hold.name, Cut(present=True)).present:
            return _resume(at, hold)
        cut = at.world.cuts.get(hold.name, Cut())
        if cut.made and not cut.present:
            return give_up(at, Cause.CUT_REMOVED, f"policy {hold.object_name} was removed by somebody else", at.now)
        error = error_of(at.world.errors, do.Inject(hold))
        if error and at.now > hold.requested_at + budgets.ARM:
            return give_up(at, Cause.INJECTION_FAILED, f"{hold.object_name}: {error}", at.now)
    return None


def _resume(at: Situation, hold: Hold) -> Record:
    """Another process asked for this cut, and it is not there: it never came, or it came and somebody took it away.

    The witnesses know. Only if none of them has failed since, the injection is asked for anew, from now.
    """
    proof = at.seen.proof
    since = hold.requested_at or 0.0
    if proof.was_cut(since):
        why = f"policy {hold.object_name} was removed while no operator ran"
        return give_up(at, Cause.CUT_REMOVED, why, at.now)
    if not proof.ready(at.now) or not proof.caught_up(at.world.resumed_at):
        return at.record
    if (held := _held_back(at, at.world.resumed_at)) is not None:
        return held
    record = at.record.with_hold(replace(hold, requested_at=at.now))
    return replace(record, inject_requested_at=at.now).note(at.now, "Injecting", f"{hold.object_name}, asked anew")


def _prove(at: Situation) -> Record:
    requested = at.record.inject_requested_at or at.now
    zero = at.seen.proof.zero(requested)
    if zero is not None and all(hold.state is HoldState.ACTIVE for hold in cuts(at.record)):
        record = replace(at.record, zero=zero.at, zero_resolution=zero.resolution, proven_at=at.now)
        return record.note(
            at.now, "CutProven", f"witnesses cut off {zero.at - requested:.2f} s after the request, controls spared"
        )
    if at.now > requested + budgets.PROVE:
        hint = at.world.likely_leak or "another policy admits it, or the CNI does not enforce policies"
        why = f"no witness was cut off within {budgets.PROVE:.0f} s of the injection; most likely: {hint}"
        return give_up(at, Cause.NO_EFFECT, why, requested)
    return at.record


def _hold(at: Situation, zero: float) -> Record:
    ends = zero + at.plan.outage.duration
    if at.now < ends:
        return at.record
    if at.now < ends + budgets.GRACE and not at.seen.passed(Stage.OUTAGE, ends):
        return at.record
    at = at.knowing(connections.settle(at))
    record = end_stage(at, Stage.OUTAGE, outage_window(at, ends))
    record = record.enter(Phase.RECOVERY, at.now, "the outage is over; lifting the cut")
    # Where an earlier process has lifted and could not say so, the recovery began when the outage was to end.
    lifted = not any(at.world.cuts.get(hold.name, Cut()).present for hold in cuts(record))
    return ask_undo(record, ends if lifted else at.now)
