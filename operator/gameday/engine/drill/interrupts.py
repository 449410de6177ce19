"""What ends a drill early: a person, a lost permission, a fuse or cut that somebody touched, a proof that broke.

Whatever it is, the first act is the same: undo what is held.
"""

from dataclasses import replace

from gameday.engine.drill import effects
from gameday.engine.drill.connections import settle
from gameday.engine.drill.results import end_stage
from gameday.engine.drill.situation import Situation
from gameday.engine.drill.undo_log import ask_undo, of_faults
from gameday.engine.drill.windows import window_of
from gameday.engine.evidence.judgement import Window
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.names import COUNTER
from gameday.model.plan import Mode, Stage
from gameday.model.record import Cause, Phase, Record, ResultState
from gameday.model.world import Life, Planned

_STAGE_OF = {Phase.STEADY_STATE: Stage.STEADY_STATE, Phase.OUTAGE: Stage.OUTAGE, Phase.RECOVERY: Stage.RECOVERY}


def interrupted(at: Situation) -> Record | None:
    """The record of a drill that must end now, or None. The order is that of the verdict: people come first."""
    record, world = at.record, at.world
    if world.deleted:
        return abort(at, Cause.DELETED, "the Drill was deleted")
    if world.abort:
        return abort(at, Cause.ABORTED, "spec.abort was set to true")
    if world.overwritten:
        return give_up(at, Cause.STATUS_OVERWRITTEN, world.overwritten, at.now)
    if world.planned is Planned.DELETED:
        return abort(at, Cause.GAME_DAY_DELETED, "the GameDay was deleted")
    if world.halt.halted and record.phase is not Phase.PENDING:
        return abort(at, Cause.HALTED, str(world.halt))
    # The preflight itself says that a namespace has not opted in, and how it does.
    if record.phase in {Phase.PENDING, Phase.PREFLIGHT}:
        return None
    if not world.opted_in:
        why = (
            "the ServiceAccount gameday was deleted or lost its label gameday.dev/opt-in=true; to opt in "
            "again apply manifests/namespace"
        )
        return give_up(at, Cause.OPT_IN_REVOKED, why, at.now)
    if (lost := _lost_agent(at)) is not None:
        return give_up(
            at,
            Cause.AGENT_LOST,
            f"the pod of agent {lost} ended or was deleted during the drill; see its events",
            at.now,
        )
    if world.too_many and record.undo_requested_at is None:
        return give_up(
            at,
            Cause.TOO_MANY_ADDRESSES,
            f"{world.too_many}, more than a drill can record: cut a Service with fewer endpoints",
            at.now,
        )
    if world.unusable_log:
        return give_up(at, Cause.LOG_UNUSABLE, world.unusable_log, at.now)
    return None


def proof_broken(at: Situation) -> Record | None:
    """The record of a drill whose cut stopped being what it should be, or None. For the time of the cut."""
    if at.record.inject_requested_at is None:
        return None
    faults = of_faults(at.record, at.plan)
    for change in faults:
        if change.requested_at is not None:
            end = effects.proof_of(at, change.name).broken(change, change.requested_at)
            if end is not None:
                return give_up(at, *end)
    for change in faults:
        if (broken := _touched(at, change)) is not None:
            return broken
    return None


def guardrail_tripped(at: Situation, window: Window) -> Record | None:
    """The record of a drill whose guardrail was violated, or cannot be judged any more; else None."""
    record = at.record
    if record.inject_requested_at is None:
        return None
    for expectation in at.plan.outage.expect:
        if not expectation.guardrail or expectation.mode is not Mode.ALWAYS:
            continue
        result = record.result(Stage.OUTAGE, expectation.name)
        if result is not None and result.state is ResultState.MISSED:
            named = replace(record, guardrail=expectation.name).note(
                at.now, Cause.GUARDRAIL.value, f"{expectation.name} was violated: undoing the faults", warning=True
            )
            at = at.knowing(named)
            return finish_early(at.knowing(settle(at)), f"guardrail {expectation.name} was violated")
        why = at.seen.guardrail_unknown(expectation, window)
        if why is not None:
            return give_up(at, Cause.GUARDRAIL_UNKNOWN, f"guardrail {expectation.name} cannot be judged: {why}", at.now)
    return None


def abort(at: Situation, cause: Cause, message: str) -> Record:
    """End the drill because a person wants it."""
    record = replace(at.record, aborted=cause, aborted_why=message).note(at.now, cause.value, message, warning=True)
    return finish_early(at.knowing(record), message)


def give_up(at: Situation, cause: Cause, message: str, since: float) -> Record:
    """End the drill because of something that we do not know or did not manage."""
    return finish_early(at.knowing(at.record.doubt(cause, message, since, at.now)), message)


def finish_early(at: Situation, why: str) -> Record:
    """Close the stage, ask for the undo of everything, and only tidy from here on."""
    record = at.record
    stage, window = _STAGE_OF.get(record.phase), window_of(at)
    if stage is not None and window is not None and not _never_began(record):
        record = end_stage(at, stage, replace(window, ends_at=None), f"the drill ended early: {why}")
    record = replace(record, finishing=True)
    if record.holds_anything and record.phase is Phase.OUTAGE:
        record = record.enter(Phase.RECOVERY, at.now, "undoing what the drill changed")
    return ask_undo(record, at.plan, at.now) if record.holds_anything else record


def _never_began(record: Record) -> bool:
    """Whether the drill's stage has no samples yet, because nothing of it was requested or measured."""
    match record.phase:
        case Phase.STEADY_STATE:
            return record.steady_from is None
        case Phase.OUTAGE:
            return record.inject_requested_at is None
        case _:
            return record.recovery_zero is None


def _lost_agent(at: Situation) -> str | None:
    if at.record.steady_from is None:
        return None
    lives = at.world.agents
    if all(lives.get(name) is Life.RUNNING for name in at.world.agents_wanted):
        return None
    for name in sorted(at.world.agents_wanted):
        life = lives.get(name, Life.ABSENT)
        # Once the cut is there, what is counted before it says nothing any more.
        needed = not name.startswith(COUNTER) or at.record.inject_requested_at is None
        if life in {Life.ABSENT, Life.ENDED} and needed:
            return name
    return None


def fuse_lost(at: Situation, change: Change) -> Record | None:
    """The record of a drill with a change that its fuse no longer guards, or None."""
    if change.state not in {ChangeState.ARMED, ChangeState.REQUESTED, ChangeState.ACTIVE}:
        return None
    if not change.fuse_name:
        return None
    fuse = at.world.fuse(change.fuse_name)
    if fuse.uid is not None and fuse.uid == change.fuse_uid and not fuse.dead:
        return None
    why = fuse.dead or ("it was deleted" if fuse.uid is None else "it was replaced")
    return give_up(at, Cause.FUSE_LOST, f"fuse {change.fuse_name} no longer guards {change.name}: {why}", at.now)


def _touched(at: Situation, change: Change) -> Record | None:
    if (lost := fuse_lost(at, change)) is not None:
        return lost
    if change.state is not ChangeState.ACTIVE:
        return None
    seen = at.world.change(change.name)
    what = f"{change.object_kind} {change.object_name}"
    if not seen.there and at.record.zero is not None and at.now >= at.record.zero + at.plan.outage.duration:
        return None
    if seen.presence is Presence.UNKNOWN:
        return None
    if not seen.there or seen.uid != change.object_uid:
        return give_up(at, Cause.CUT_REMOVED, f"{what} {seen.detail or 'was deleted by somebody else'}", at.now)
    if seen.presence is Presence.TAMPERED:
        return give_up(at, Cause.CUT_CHANGED, f"{what} was changed by somebody else: {seen.detail}", at.now)
    return None
