"""Bugs in judging, put in on purpose: each rule of what passes, fails and is unknown, broken in both simulations."""

from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from gameday.engine.cel.increases import Increase
from gameday.engine.drill import results, verdict
from gameday.engine.drill.phases import ending
from gameday.engine.evidence import always as judge_always
from gameday.engine.evidence import becomes as judge_becomes
from gameday.engine.evidence import evaluator, evidence, expression_checks, judge
from gameday.engine.evidence.judgement import Judgement, Window
from gameday.engine.evidence.series import Evaluation, Issue, Series
from gameday.model.plan import Expectation
from gameday.model.sample import Sample
from simulation.invariants import Rule
from simulation.scenario import Defect, What
from unit.simulation.mutations import MUTATIONS, mutation

BEFORE = len(MUTATIONS)
GOOD, ENDING = (Defect.NONE,), (What.ABORT, What.REDIS_DOWN, What.HALT)


@mutation("what a stage did not decide vanishes", Rule.ALL_DECIDED, kinds=ENDING, whole=None)
def _() -> tuple[Any, ...]:
    return (patch.object(ending, "close_plan", lambda record, *_: record),)


@mutation("silence says nothing against an always", Rule.UNTOUCHED, whole=None, defects=(Defect.SILENT,))
def _() -> tuple[Any, ...]:
    original = judge_always.judge_always

    def deaf(expectation: Expectation, series: Series, window: Window) -> Judgement:
        evaluations = [
            replace(evaluation, value=True) if evaluation.lost else evaluation for evaluation in series.evaluations
        ]
        return original(expectation, replace(series, evaluations=evaluations), window)

    return (patch.object(judge, "judge_always", deaf),)


@mutation("any number of lost requests is excused", Rule.UNTOUCHED, whole=None, defects=(Defect.SILENT,))
def _() -> tuple[Any, ...]:
    original = evaluator.Evaluator._false

    def patient(self: evaluator.Evaluator, sample: Sample, why: str, issue: Issue | None) -> Evaluation:
        return replace(original(self, sample, why, issue), lost_before=None)

    return (patch.object(evaluator.Evaluator, "_false", patient),)


@mutation("what the observer cannot read is false", Rule.HONEST_FAIL, kinds=(What.CURTAIL,), whole=None, defects=GOOD)
def _() -> tuple[Any, ...]:
    return (patch.object(evaluator.Evaluator, "_unknown", lambda _: ""),)


@mutation(
    "what the observer cannot read is true",
    Rule.HONEST_PASS,
    kinds=(What.CURTAIL,),
    whole=None,
    defects=(Defect.BLIND, Defect.MUTE, Defect.LOST),
)
def _() -> tuple[Any, ...]:
    original = evaluator.Evaluator._cannot_tell

    def hopeful(self: evaluator.Evaluator, sample: Sample, why: str, issue: Issue) -> Evaluation:
        evaluation = original(self, sample, why, issue)
        return replace(evaluation, value=True) if issue is Issue.UNKNOWN else evaluation

    return (patch.object(evaluator.Evaluator, "_cannot_tell", hopeful),)


@mutation("a growth counts from zero", Rule.DECIDED, kinds=(What.REPEAT,), whole=None, defects=GOOD)
def _() -> tuple[Any, ...]:
    original = Increase.take

    def from_zero(self: Increase, sample: Sample, seen: Any) -> None:
        original(self, sample, seen)
        if self.value is not None:
            self.value = self._last

    return (patch.object(Increase, "take", from_zero),)


@mutation(
    "what was true without the fault is taken for its effect", Rule.UNTOUCHED, whole=None, defects=(Defect.NOISY,)
)
def _() -> tuple[Any, ...]:
    return (patch.object(expression_checks, "already_true", lambda *_: False),)


@mutation(
    "what became true before the request counts",
    Rule.HONEST_PASS,
    kinds=(What.WATCH_DROPS, What.WATCH_LATE),
    whole=None,
    defects=(Defect.EARLY,),
)
def _() -> tuple[Any, ...]:
    return (patch.object(judge_becomes, "_before", lambda *_: ""),)


@mutation("a number may be compared with text", Rule.UNTOUCHED, whole=None, defects=GOOD)
def _() -> tuple[Any, ...]:
    return (patch.object(evidence, "type_mismatches", lambda *_: ()),)


@mutation("a miss does not say by how much", Rule.BY_HOW_MUCH, kinds=(What.REPEAT,), whole=None, defects=(Defect.SLOW,))
def _() -> tuple[Any, ...]:
    return (patch.object(results, "_told_by_how_much", lambda at, *_: at.record),)


@mutation("the verdict counts less than the plan", Rule.ALL_DECIDED, kinds=(What.REPEAT,), whole=None, defects=GOOD)
def _() -> tuple[Any, ...]:
    return (patch.object(verdict, "results_of", lambda record, _: record.results[1:]),)


NAMES: Final = frozenset(mutation.name for mutation in MUTATIONS[BEFORE:])
"""The names of these bugs, each of which is put into both simulations."""
