"""Turning judgements into results: each expectation is decided once, and never again."""

from dataclasses import replace

from gameday.engine import budgets
from gameday.engine.judgement import Judgement, Window
from gameday.engine.situation import Situation
from gameday.model.plan import Expectation, Mode, Stage
from gameday.model.record import Record, Result, ResultState


def decide_stage(at: Situation, stage: Stage, window: Window, *, again: bool = False) -> Record:
    """Judge what is still open in a stage; the record gains a result for each that is decided now."""
    record = at.record
    for expectation in at.plan.expectations(stage):
        if record.result(stage, expectation.name, again=again) is None:
            judgement = at.seen.judge(stage, expectation, window)
            if judgement.state is not ResultState.PENDING:
                if stage is Stage.OUTAGE and expectation.mode is Mode.EVENTUALLY:
                    judgement = _fair(at, judgement)
                record = _settle(record, _result(stage, expectation, judgement, again=again), at.now)
    return record


def severs(at: Situation) -> bool:
    """Whether connections that targets had are ended once the cut is proven, as the preflight decided."""
    return "sever" in at.world.agents_wanted


def close_stage(at: Situation, stage: Stage, why: str, *, again: bool = False) -> Record:
    """End a stage before its time: what was not decided by then is unknown, and says why."""
    record = at.record
    for expectation in at.plan.expectations(stage):
        if record.result(stage, expectation.name, again=again) is None:
            unknown = Result(stage, expectation.name, ResultState.UNKNOWN, at.now, why=why, again=again)
            record = replace(record, results=(*record.results, unknown))
    return record


def complete(at: Situation, stage: Stage, *, again: bool = False) -> bool:
    """Whether every expectation of the stage is decided."""
    return all(at.record.result(stage, e.name, again=again) is not None for e in at.plan.expectations(stage))


def eventually_complete(at: Situation, stage: Stage, *, again: bool = False) -> bool:
    """Whether every ``eventually`` of the stage is decided; an ``always`` is only decided when its stage ends."""
    return all(
        at.record.result(stage, e.name, again=again) is not None
        for e in at.plan.expectations(stage)
        if e.mode is Mode.EVENTUALLY
    )


def longest_wait(expectations: tuple[Expectation, ...], length: float) -> float:
    """Seconds from a stage's zero after which nothing of it can still be open."""
    latest = max(((e.within or length) + e.holds for e in expectations), default=length)
    return max(length, latest) + budgets.GRACE


def _fair(at: Situation, judgement: Judgement) -> Judgement:
    """A deadline that passed while targets still had their connections is no fault of theirs."""
    if judgement.state is not ResultState.MISSED or at.record.severed is False or not severs(at):
        return judgement
    if at.record.severed_at is not None and at.record.severed_at <= judgement.at:
        return judgement
    why = "its deadline passed before the connections that targets had were ended: give it longer"
    return replace(judgement, state=ResultState.UNKNOWN, why=why)


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
