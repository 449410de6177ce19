"""Turning judgements into results: each expectation of the plan is decided once, however the drill ends."""

from dataclasses import replace

from gameday.engine.judgement import Judgement, Window
from gameday.engine.situation import Situation
from gameday.model.plan import Expectation, Mode, Plan, Stage
from gameday.model.record import NOT_REACHED, Record, Result, ResultState


def decide_stage(at: Situation, stage: Stage, window: Window, *, again: bool = False) -> Record:
    """Judge what is still open in a stage; the record gains a result for each that is decided now."""
    record = at.record
    for expectation in at.plan.expectations(stage):
        if record.result(stage, expectation.name, again=again) is None:
            judgement = at.seen.judge(stage, expectation, window)
            if judgement.state is not ResultState.PENDING:
                if expectation.mode is Mode.BECOMES:
                    judgement = _fair(at, judgement)
                record = _settle(record, _result(stage, expectation, judgement, again=again), at.now)
    return record


def severs(at: Situation) -> bool:
    """Whether connections that targets had are ended once the cut is proven, as the preflight decided."""
    return "sever" in at.world.agents_wanted


def end_stage(at: Situation, stage: Stage, window: Window, why: str = "", *, again: bool = False) -> Record:
    """Decide all of a stage that is over, and say of each miss by how much.

    ``window.ends_at`` is its end; ``why`` says what ended it before its time, if anything did.
    """
    final = replace(window, final=True)
    at = at.knowing(decide_stage(at, stage, window, again=again))
    record = at.record
    for expectation in at.plan.expectations(stage):
        known = record.result(stage, expectation.name, again=again)
        if known is None:
            judgement = at.seen.judge(stage, expectation, final)
            record = _settle(record, _unknown(stage, expectation, judgement, at.now, why, again=again), at.now)
        elif known.state is ResultState.MISSED:
            record = _told_by_how_much(at.knowing(record), known, expectation, final)
    return record


def close_plan(record: Record, plan: Plan, now: float, why: str = "") -> Record:
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


def complete(at: Situation, stage: Stage, *, again: bool = False) -> bool:
    """Whether every expectation of the stage is decided."""
    return all(at.record.result(stage, e.name, again=again) is not None for e in at.plan.expectations(stage))


def timed_complete(at: Situation, stage: Stage, *, again: bool = False) -> bool:
    """Whether all with a deadline are decided; an ``always`` is only decided when its stage ends."""
    return all(
        at.record.result(stage, e.name, again=again) is not None
        for e in at.plan.expectations(stage)
        if e.mode is not Mode.ALWAYS
    )


def _fair(at: Situation, judgement: Judgement) -> Judgement:
    """A deadline that passed while targets still had their connections is no fault of theirs."""
    if judgement.state is not ResultState.MISSED or at.record.severed is False or not severs(at):
        return judgement
    if at.record.severed_at is not None and at.record.severed_at <= judgement.at:
        return judgement
    why = "its deadline passed before the connections that targets had were ended: give it longer"
    return replace(judgement, state=ResultState.UNKNOWN, why=why)


def _unknown(
    stage: Stage, expectation: Expectation, judgement: Judgement, now: float, why: str, *, again: bool
) -> Result:
    """The result of what the end of its stage found undecided; a verdict that needs what did not come is no verdict."""
    reason = judgement.why if judgement.state is ResultState.UNKNOWN else "it was not decided when its stage ended"
    text = f"{why}; {reason}" if why and reason else why or reason
    return Result(stage, expectation.name, ResultState.UNKNOWN, now, why=text, again=again)


def _told_by_how_much(at: Situation, known: Result, expectation: Expectation, window: Window) -> Record:
    late, why = at.seen.miss(known.stage, expectation, window)
    if not why or (late, why) == (known.late, known.why):
        return at.record
    result = replace(known, late=late, why=why)
    results = tuple(result if one is known else one for one in at.record.results)
    record = replace(at.record, results=results)
    return record.note(at.now, "MissedBy", f"{result.name}: {why}", warning=True) if late is not None else record


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
    )


def _settle(record: Record, result: Result, now: float) -> Record:
    took = f" after {result.seconds:.1f} s" if result.seconds is not None else ""
    why = f": {result.why}" if result.why else ""
    bad = result.state in {ResultState.MISSED, ResultState.UNKNOWN}
    return replace(record, results=(*record.results, result)).note(
        now, f"Expectation{result.state.value}", f"{result.name}: {result.state.value}{took}{why}", warning=bad
    )
