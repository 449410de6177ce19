"""Turning judgements into results: each expectation of the plan is decided once, however the drill ends."""

from collections.abc import Callable
from dataclasses import replace

from gameday.engine.drill import addresses, connections
from gameday.engine.drill.aid import credited
from gameday.engine.drill.context import Context
from gameday.engine.evidence.judgement import PENDING, Judgement, Window
from gameday.model.plan import Expectation, Mode, Plan, Stage
from gameday.model.record import NOT_REACHED, DrillRecord, Result, ResultState


def decide_stage(
    ctx: Context,
    stage: Stage,
    window: Window,
    *,
    again: bool = False,
    only: Callable[[Expectation], bool] | None = None,
) -> DrillRecord:
    """Judge what is still open in a stage; the record gains a result for each that is decided now.

    ``only`` says which expectations are judged in this window; without it all are.
    """
    record = ctx.record
    for expectation in ctx.plan.expectations(stage):
        if only is not None and not only(expectation):
            continue
        if record.result(stage, expectation.name, again=again) is None:
            judgement = ctx.evidence.judge(stage, expectation, window)
            if judgement.state is not ResultState.PENDING:
                if stage is Stage.OUTAGE:
                    judgement = _fair(ctx, expectation, judgement)
                if not again:
                    judgement = credited(ctx, stage, expectation, judgement)
                if judgement.state is not ResultState.PENDING:
                    record = _settle(record, _result(stage, expectation, judgement, again=again), ctx.now)
    return record


def end_stage(ctx: Context, stage: Stage, window: Window, why: str = "", *, again: bool = False) -> DrillRecord:
    """Decide all of a stage that is over, and say of each miss by how much.

    ``window.ends_at`` is its end; ``why`` says what ended it before its time, if anything did.
    """
    final = replace(window, final=True)
    ctx = ctx.with_record(decide_stage(ctx, stage, window, again=again))
    record = ctx.record
    for expectation in ctx.plan.expectations(stage):
        known = record.result(stage, expectation.name, again=again)
        if known is None:
            judgement = ctx.evidence.judge(stage, expectation, final)
            record = _settle(record, _unknown(stage, expectation, judgement, ctx.now, why, again=again), ctx.now)
        elif known.state is ResultState.MISSED:
            if not known.by:
                record = _told_by_how_much(ctx.with_record(record), known, expectation, final)
            record = _excused(record, ctx.plan, stage, expectation)
    return record


def close_plan(record: DrillRecord, plan: Plan, now: float, why: str = "") -> DrillRecord:
    """Decide what no stage did: a stage that never began left its expectations unknown; ``why`` is another reason."""
    left = [
        _not_reached(stage, one, now, why)
        for stage, one in plan.all_expectations()
        if record.result(stage, one.name) is None
    ]
    return replace(record, results=(*record.results, *left)) if left else record


def _not_reached(stage: Stage, expectation: Expectation, now: float, why: str) -> Result:
    reason = "" if why else NOT_REACHED
    why = why or f"the drill ended before its stage {stage.value} began"
    return Result(stage, expectation.name, ResultState.UNKNOWN, now, why=why, reason=reason)


def complete(ctx: Context, stage: Stage, *, again: bool = False) -> bool:
    """Whether every expectation of the stage is decided."""
    return all(ctx.record.result(stage, e.name, again=again) is not None for e in ctx.plan.expectations(stage))


def timed_complete(ctx: Context, stage: Stage, *, again: bool = False) -> bool:
    """Whether all with a deadline are decided; an ``always`` is only decided when its stage ends."""
    return all(
        ctx.record.result(stage, e.name, again=again) is not None
        for e in ctx.plan.expectations(stage)
        if e.mode is not Mode.ALWAYS
    )


def _fair(ctx: Context, expectation: Expectation, judgement: Judgement) -> Judgement:
    """What a judgement under the cut is worth: targets may still have had the connections that were open before it.

    A ``becomes`` that is met stays met. All else waits until they are known to be gone, and is unknown where that is
    never shown; only a guardrail reverts the cut at once.
    """
    record, mode = ctx.record, expectation.mode
    missed = judgement.state is ResultState.MISSED
    decided = missed or judgement.state in {ResultState.MET, ResultState.ALWAYS_TRUE}
    if addresses.excused(record, ctx.plan) and decided and not (missed and expectation.guardrail):
        return replace(judgement, state=ResultState.UNKNOWN, why=_kept(judgement.state, judgement.why), seconds=None)
    if not (missed or (judgement.state is ResultState.MET and mode is Mode.ALWAYS)):
        return judgement
    if connections.awaited(ctx) and not (missed and expectation.guardrail):
        return PENDING
    if connections.shown(record, ctx.plan):
        gone_at = connections.gone_at(record)
        late = gone_at is not None and gone_at > judgement.at
        if missed and mode is Mode.BECOMES and late:
            why = "its deadline passed before the targets' open connections were closed: give it a longer within"
            return replace(judgement, state=ResultState.UNKNOWN, why=why)
        return judgement
    if connections.doubted(record) is not None:
        return replace(judgement, state=ResultState.UNKNOWN, why=_kept(judgement.state, judgement.why))
    return judgement if missed and expectation.guardrail else PENDING


def _kept(state: ResultState, why: str) -> str:
    word = "it was missed" + (f" ({why})" if why else "") if state is ResultState.MISSED else "it was met"
    return f"{word}, but there is no proof that the targets were cut off"


def _excused(record: DrillRecord, plan: Plan, stage: Stage, expectation: Expectation) -> DrillRecord:
    """What was missed is unknown after all, where targets were not shown to be cut off.

    A guardrail counts before that is known, and what showed it may be refuted later.
    """
    known = record.result(stage, expectation.name)
    shown = connections.shown(record, plan) and not addresses.excused(record, plan)
    if stage is not Stage.OUTAGE or shown or known is None:
        return record
    unknown = replace(known, state=ResultState.UNKNOWN, why=_kept(known.state, known.why))
    return replace(record, results=tuple(unknown if one is known else one for one in record.results))


def _unknown(
    stage: Stage, expectation: Expectation, judgement: Judgement, now: float, why: str, *, again: bool
) -> Result:
    """The Unknown result of an expectation that was undecided at the end of its stage."""
    reason = judgement.why if judgement.state is ResultState.UNKNOWN else "it was not decided when its stage ended"
    text = f"{why}; {reason}" if why and reason else why or reason
    return Result(stage, expectation.name, ResultState.UNKNOWN, now, why=text, again=again)


def _told_by_how_much(ctx: Context, known: Result, expectation: Expectation, window: Window) -> DrillRecord:
    late, why = ctx.evidence.miss(known.stage, expectation, window)
    if not why or (late, why) == (known.late, known.why):
        return ctx.record
    result = replace(known, late=late, why=why)
    results = tuple(result if one is known else one for one in ctx.record.results)
    record = replace(ctx.record, results=results)
    return record.note(ctx.now, "MissedBy", f"{result.name}: {why}", warning=True) if late is not None else record


def _result(stage: Stage, expectation: Expectation, judgement: Judgement, *, again: bool) -> Result:
    return Result(
        stage,
        expectation.name,
        judgement.state,
        judgement.at,
        judgement.seconds,
        judgement.resolution,
        judgement.why,
        again=again,
        by=judgement.by,
    )


def _settle(record: DrillRecord, result: Result, now: float) -> DrillRecord:
    took = f" after {result.seconds:.1f} s" if result.seconds is not None else ""
    by = f" by mitigation {result.by}" if result.by and result.state is ResultState.MET else ""
    why = f"{by}: {result.why}" if result.why else by
    bad = result.state in {ResultState.MISSED, ResultState.UNKNOWN}
    return replace(record, results=(*record.results, result)).note(
        now, f"Expectation{result.state.value}", f"{result.name}: {result.state.value}{took}{why}", warning=bad
    )
