"""Stop conditions: an abort, a lost permission, a changed fuse or cut, or a violated proof ends a drill early.

In each case the first act is the same: revert all changes.
"""

from dataclasses import replace

from gameday.engine.drill import effects
from gameday.engine.drill.connections import settle
from gameday.engine.drill.context import Context
from gameday.engine.drill.results import end_stage
from gameday.engine.drill.undo_log import ask_undo, of_faults
from gameday.engine.drill.windows import window_of
from gameday.engine.evidence.judgement import Window
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.names import COUNTER
from gameday.model.observation import Life, Planned
from gameday.model.plan import Mode, Stage
from gameday.model.record import DrillRecord, Phase, Reason, ResultState

_STAGE_OF = {Phase.STEADY_STATE: Stage.STEADY_STATE, Phase.OUTAGE: Stage.OUTAGE, Phase.RECOVERY: Stage.RECOVERY}


def interrupted(ctx: Context) -> DrillRecord | None:
    """The record of a drill that must end now, or None. The order is that of the verdict: people come first."""
    record, observed = ctx.record, ctx.observed
    if observed.deleted:
        return abort(ctx, Reason.DELETED, "the Drill was deleted")
    if observed.abort:
        return abort(ctx, Reason.ABORTED, "spec.abort was set to true")
    if observed.overwritten:
        return end_inconclusive(ctx, Reason.STATUS_OVERWRITTEN, observed.overwritten, ctx.now)
    if observed.planned is Planned.DELETED:
        return abort(ctx, Reason.GAME_DAY_DELETED, "the GameDay was deleted")
    if observed.halt.halted and record.phase is not Phase.PENDING:
        return abort(ctx, Reason.HALTED, str(observed.halt))
    # The preflight itself says that a namespace has not opted in, and how it does.
    if record.phase in {Phase.PENDING, Phase.PREFLIGHT}:
        return None
    if not observed.opted_in:
        why = (
            "the ServiceAccount gameday was deleted or lost its label gameday.dev/opt-in=true; to opt in "
            "again apply manifests/namespace"
        )
        return end_inconclusive(ctx, Reason.OPT_IN_REVOKED, why, ctx.now)
    if (lost := _lost_agent(ctx)) is not None:
        return end_inconclusive(
            ctx,
            Reason.AGENT_LOST,
            f"the pod of agent {lost} ended or was deleted during the drill: "
            f"{observed.agent_troubles.get(lost) or 'see its events'}",
            ctx.now,
        )
    if observed.too_many_addresses and record.undo_requested_at is None:
        return end_inconclusive(
            ctx,
            Reason.TOO_MANY_ADDRESSES,
            f"{observed.too_many_addresses}, more than a drill can record: cut a Service with fewer endpoints",
            ctx.now,
        )
    if observed.unusable_log:
        return end_inconclusive(ctx, Reason.LOG_UNUSABLE, observed.unusable_log, ctx.now)
    return None


def proof_broken(ctx: Context) -> DrillRecord | None:
    """The record of a drill whose cut stopped being what it should be, or None. For the time of the cut."""
    if ctx.record.inject_requested_at is None:
        return None
    faults = of_faults(ctx.record, ctx.plan)
    for change in faults:
        if change.requested_at is not None:
            end = effects.proof_of(ctx, change.name).broken(change, change.requested_at)
            if end is not None:
                return end_inconclusive(ctx, *end)
    for change in faults:
        if why := ctx.observed.changed_by_admission.get(change.name):
            return end_inconclusive(ctx, Reason.CUT_CHANGED, why, ctx.now)
        if (broken := _touched(ctx, change)) is not None:
            return broken
    return None


def guardrail_tripped(ctx: Context, window: Window) -> DrillRecord | None:
    """The record of a drill whose guardrail was violated, or cannot be judged any more; else None."""
    record = ctx.record
    if record.inject_requested_at is None:
        return None
    for expectation in ctx.plan.outage.expect:
        if not expectation.guardrail or expectation.mode is not Mode.ALWAYS:
            continue
        result = record.result(Stage.OUTAGE, expectation.name)
        if result is not None and result.state is ResultState.MISSED and not result.by:
            named = replace(record, guardrail=expectation.name).note(
                ctx.now, Reason.GUARDRAIL.value, f"{expectation.name} was violated: undoing the faults", warning=True
            )
            ctx = ctx.with_record(named)
            return finish_early(ctx.with_record(settle(ctx)), f"guardrail {expectation.name} was violated")
        why = ctx.evidence.guardrail_unknown(expectation, window)
        if why is not None:
            return end_inconclusive(
                ctx, Reason.GUARDRAIL_UNKNOWN, f"guardrail {expectation.name} cannot be judged: {why}", ctx.now
            )
    return None


def abort(ctx: Context, reason: Reason, message: str) -> DrillRecord:
    """End the drill because a person wants it."""
    record = replace(ctx.record, aborted=reason, aborted_why=message).note(ctx.now, reason.value, message, warning=True)
    return finish_early(ctx.with_record(record), message)


def end_inconclusive(ctx: Context, reason: Reason, message: str, since: float) -> DrillRecord:
    """End the drill because of something that we do not know or did not manage."""
    return finish_early(ctx.with_record(ctx.record.doubt(reason, message, since, ctx.now)), message)


def finish_early(ctx: Context, why: str) -> DrillRecord:
    """Close the stage, ask for the undo of everything, and only tidy from here on."""
    record = ctx.record
    stage, window = _STAGE_OF.get(record.phase), window_of(ctx)
    if stage is not None and window is not None and not _never_began(record):
        record = end_stage(ctx, stage, replace(window, ends_at=None), f"the drill ended early: {why}")
    record = replace(record, finishing=True)
    if record.holds_anything and record.phase is Phase.OUTAGE:
        record = record.enter(Phase.RECOVERY, ctx.now, "undoing what the drill changed")
    return ask_undo(record, ctx.plan, ctx.now) if record.holds_anything else record


def _never_began(record: DrillRecord) -> bool:
    """Whether the drill's stage has no samples yet, because nothing of it was requested or measured."""
    match record.phase:
        case Phase.STEADY_STATE:
            return record.steady_from is None
        case Phase.OUTAGE:
            return record.inject_requested_at is None
        case _:
            return record.recovery_started_at is None


def _lost_agent(ctx: Context) -> str | None:
    if ctx.record.steady_from is None:
        return None
    lives = ctx.observed.agents
    if all(lives.get(name) is Life.RUNNING for name in ctx.observed.agents_wanted):
        return None
    for name in sorted(ctx.observed.agents_wanted):
        life = lives.get(name, Life.ABSENT)
        # Once the cut is there, what is counted before it says nothing any more.
        needed = not name.startswith(COUNTER) or ctx.record.inject_requested_at is None
        if life in {Life.ABSENT, Life.ENDED} and needed:
            return name
    return None


def fuse_lost(ctx: Context, change: Change) -> DrillRecord | None:
    """The record of a drill with a change that its fuse no longer guards, or None."""
    if change.state not in {ChangeState.ARMED, ChangeState.REQUESTED, ChangeState.ACTIVE}:
        return None
    if not change.fuse_name:
        return None
    fuse = ctx.observed.fuse(change.fuse_name)
    if fuse.uid is not None and fuse.uid == change.fuse_uid and not fuse.dead:
        return None
    why = fuse.dead or ("it was deleted" if fuse.uid is None else "it was replaced")
    return end_inconclusive(
        ctx, Reason.FUSE_LOST, f"fuse {change.fuse_name} no longer guards {change.name}: {why}", ctx.now
    )


def _touched(ctx: Context, change: Change) -> DrillRecord | None:
    if (lost := fuse_lost(ctx, change)) is not None:
        return lost
    if change.state is not ChangeState.ACTIVE:
        return None
    seen = ctx.observed.change(change.name)
    what = f"{change.object_kind} {change.object_name}"
    if (
        not seen.there
        and ctx.record.outage_started_at is not None
        and ctx.now >= ctx.record.outage_started_at + ctx.plan.outage.duration
    ):
        return None
    if seen.presence is Presence.UNKNOWN:
        return None
    if not seen.there or seen.uid != change.object_uid:
        return end_inconclusive(
            ctx, Reason.CUT_REMOVED, f"{what} {seen.detail or 'was deleted by somebody else'}", ctx.now
        )
    if seen.presence is Presence.TAMPERED:
        who = "admission as it was created" if seen.by_admission else "somebody else"
        return end_inconclusive(ctx, Reason.CUT_CHANGED, f"{what} was changed by {who}: {seen.detail}", ctx.now)
    return None
