"""The phase under the faults: arm, apply, prove, close connections, then hold for the planned time."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import budgets, connections, effects
from gameday.engine.drill import commands as do
from gameday.engine.drill.commands import error_of
from gameday.engine.drill.interrupts import give_up, guardrail_tripped, proof_broken
from gameday.engine.drill.limits import of_moment, of_plan
from gameday.engine.drill.permission import hindrance
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.results import decide_stage, end_stage
from gameday.engine.drill.situation import Situation
from gameday.engine.drill.undo_log import ask_undo, of_faults
from gameday.engine.drill.undo_orders import undo_orders
from gameday.engine.drill.windows import outage_window
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.plan import Plan, Stage
from gameday.model.record import Cause, Phase, Record
from gameday.model.world import World


def decide(at: Situation) -> Record:
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


def commands(_plan: Plan | None, record: Record, world: World) -> Iterator[do.Command]:
    """Make the changes of the undo log, and close connections once that is requested."""
    yield from undo_orders(record, world)
    yield from (do.Sever(fault) for fault in connections.asked(record) if fault not in world.severed)


def _arm(at: Situation) -> Record:
    if (held := _held_back(at, at.record.since)) is not None:
        return held
    if all(change.state is ChangeState.ARMED for change in of_faults(at.record, at.plan)):
        return _request(at, of_faults(at.record, at.plan)[0])
    if at.now > at.record.since + budgets.ARM:
        error = error_of(at.world.errors, *map(do.ArmFuse, of_faults(at.record, at.plan))) or (
            "its Job has no start time"
        )
        return give_up(
            at, Cause.FUSE_NOT_ARMED, f"nothing was changed, because the fuse could not be armed: {error}", at.now
        )
    return at.record


def _request(at: Situation, change: Change) -> Record:
    """Ask for the change of a fault; the first one's request is the drill's."""
    seen = at.world.change(change.name)
    if seen.presence in {Presence.TAMPERED, Presence.GONE} or (seen.there and change.before is None):
        why = (
            f"fault {change.name}: somebody changed {change.object_kind} {change.object_name} before the "
            f"fault was applied: it {seen.detail}"
        )
        return give_up(at, Cause.CUT_CHANGED, why, at.now)
    record = at.record.with_change(replace(change, state=ChangeState.REQUESTED, requested_at=at.now))
    if record.inject_requested_at is None:
        record = replace(record, inject_requested_at=at.now)
    if seen.by_hand:
        return record.note(at.now, "ActByHand", f"{change.name}: {seen.shown}", warning=True)
    return record.note(at.now, "Injecting", change.object_name)


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
    for change in of_faults(at.record, at.plan):
        if change.state is not ChangeState.REQUESTED or change.requested_at is None:
            continue
        seen = at.world.change(change.name)
        ours = change.requested_at >= at.world.resumed_at
        proof = effects.proof_of(at, change.name)
        if seen.presence is Presence.ABSENT and not ours and proof.remembers:
            return _resume(at, change, proof.came(change.requested_at))
        if seen.presence is Presence.ABSENT and change.name in at.world.made:
            return give_up(at, Cause.CUT_REMOVED, f"{_object(change)} was deleted by somebody else", at.now)
        error = error_of(at.world.errors, do.Apply(change))
        if error and at.now > change.requested_at + budgets.ARM:
            return give_up(at, Cause.INJECTION_FAILED, f"{change.object_name}: {error}", at.now)
    return None


def _resume(at: Situation, change: Change, came: bool | None) -> Record:
    """Handle a fault that an earlier process requested and that is absent: never applied, or removed by somebody.

    The fault is requested again, from now, only if it is known that it was never applied.
    """
    if came:
        why = f"{_object(change)} was deleted while no operator was running"
        return give_up(at, Cause.CUT_REMOVED, why, at.now)
    if came is None:
        return at.record
    if (held := _held_back(at, at.world.resumed_at)) is not None:
        return held
    record = at.record.with_change(replace(change, requested_at=at.now))
    if change is of_faults(at.record, at.plan)[0]:
        record = replace(record, inject_requested_at=at.now)
    return record.note(at.now, "Injecting", f"{change.object_name}, requested again")


def _object(change: Change) -> str:
    return f"{change.object_kind} {change.object_name}"


def _prove(at: Situation) -> Record:
    """Prove the faults one after the other: each is requested once the one before it is proven."""
    changes = of_faults(at.record, at.plan)
    change = next(change for change in changes if change.proven_at is None)
    if change.requested_at is None:
        return _held_back(at, at.record.since) or _request(at, change)
    proof = effects.proof_of(at, change.name)
    if (effect := proof.effect(change)) is None:
        return _without_effect(at, change, change.requested_at, proof.lacking(change))
    proven = replace(change, proven_at=at.now, effect_at=effect.at, effect_resolution=effect.resolution)
    record = at.record.with_change(proven).note(at.now, "CutProven", f"{change.name}: {effect.how}")
    if (doubt := proof.doubt(proven)) is not None:
        record = record.doubt(doubt.cause, doubt.message, doubt.since, at.now)
    if change is not changes[-1]:
        return record
    return replace(record, zero=effect.at, zero_resolution=effect.resolution, proven_at=at.now)


def _without_effect(at: Situation, change: Change, requested: float, lacking: str) -> Record:
    patience = effects.proof_of(at, change.name).patience()
    if at.now <= requested + patience:
        return at.record
    why = f"fault {change.name} had no effect within {patience:.0f} s: {lacking}"
    return give_up(at, Cause.NO_EFFECT, why, requested)


def _hold(at: Situation, zero: float) -> Record:
    ends = zero + at.plan.outage.duration
    if at.now < ends:
        return at.record
    if at.now < ends + budgets.GRACE and not at.seen.passed(Stage.OUTAGE, ends):
        return at.record
    at = at.knowing(connections.settle(at))
    record = end_stage(at, Stage.OUTAGE, outage_window(at, ends))
    record = record.enter(Phase.RECOVERY, at.now, "the outage is over; undoing the faults")
    # Where an earlier process has lifted and could not say so, the recovery began when the outage was to end.
    lifted = not any(at.world.change(change.name).there for change in of_faults(record, at.plan))
    return ask_undo(record, at.plan, ends if lifted else at.now)


RULES = PhaseRules(
    decide, commands, {Phase.RECOVERY: "the outage is over / it ends early; the faults are undone there"}
)
