"""Expectations of one stage that no drill can meet together; what a drill may meet is never refused."""

from dataclasses import replace

import pytest

from gameday.engine.validate.plan import check
from gameday.model.plan import Expectation, Mode, Plan, Stage
from unit.engine.simulation import a_plan

DEPTH, ONE = "health.body.depth", "health.body.a"


def planned(stage: Stage, *expectations: Expectation) -> Plan:
    plan = a_plan()
    match stage:
        case Stage.STEADY_STATE:
            return replace(plan, steady_state=replace(plan.steady_state, expect=expectations))
        case Stage.OUTAGE:
            return replace(plan, outage=replace(plan.outage, expect=expectations))
        case Stage.RECOVERY:
            return replace(plan, recovery=replace(plan.recovery, expect=expectations))


def always(expression: str, name: str = "one") -> Expectation:
    return Expectation(name, Mode.ALWAYS, expression)


def found(stage: Stage, *expectations: Expectation) -> list[tuple[str, str]]:
    plan = planned(stage, *expectations)
    return [(finding.path, finding.message) for finding in check(plan) if "no drill can meet" in finding.message]


NEGATIONS = (
    ("health.ok", "!health.ok"),
    ("health.ok", " ! ( health . ok )  // silence"),
    ("!health.ok", "!!(health.ok)"),
    (f"{DEPTH} > 5", f"!({DEPTH} > 5)"),
    (f"{DEPTH} > 5", f"{DEPTH} <= 5"),
    (f"{DEPTH} + 1 < 5", f"({DEPTH} + 1 >= 5)"),
    (f"{ONE} == 'x'", f"{ONE} != 'x'"),
    (f"!{ONE} == {DEPTH}", f"!{ONE} != {DEPTH}"),
    (f"{ONE} == 'x' && {DEPTH} > 5", f"!({ONE} == 'x' && {DEPTH} > 5)"),
    ("health.body.l.exists(a, a > 1)", "!health.body.l.exists(a, a > 1)"),
)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize(("one", "other"), NEGATIONS)
def test_what_must_always_be_true_and_always_be_false_is_a_finding(stage: Stage, one: str, other: str) -> None:
    field = {"SteadyState": "steadyState", "Outage": "outage", "Recovery": "recovery"}[stage.value]
    for first, second in ((one, other), (other, one)):
        ((path, text),) = found(stage, always(first), always(DEPTH, "between"), always(second, "two"))
        assert path == f"spec.{field}.expect[2].always"
        assert f"together with 'one' at spec.{field}.expect[0].always" in text


SATISFIABLE = (
    ("health.ok", "health.ok"),
    ("health.ok", "!health.body.ok"),
    (f"{ONE} && {DEPTH} > 5", f"!{ONE} && {DEPTH} > 5"),
    (f"{ONE} || {DEPTH} > 5", f"!({ONE}) || {DEPTH} > 5"),
    (f"!({ONE}) || ({DEPTH} > 5)", f"{ONE} || ({DEPTH} > 5)"),
    (f"{DEPTH} > 5", f"{DEPTH} >= 5"),
    (f"{DEPTH} >= 5", f"{DEPTH} <= 5"),
    (f"{DEPTH} > 5", f"{DEPTH} <= 50"),
    (f"!({DEPTH} < 5)", f"!({DEPTH} >= 5)"),
    (f"{DEPTH} < 5", f"!({DEPTH} >= 5)"),
    (f"{ONE} == '!='", f"{ONE} == '=='"),
    (f"{ONE} != 'x' || {DEPTH} > 5", f"{ONE} == 'x' || {DEPTH} > 5"),
    (f"{ONE} ? {DEPTH} > 5 : true", f"{ONE} ? {DEPTH} <= 5 : true"),
    (f"increase({DEPTH}) > 5", f"increase({DEPTH}) <= 5"),
)


@pytest.mark.parametrize(("one", "other"), SATISFIABLE)
def test_what_may_be_true_together_is_no_finding(one: str, other: str) -> None:
    assert found(Stage.OUTAGE, always(one), always(other, "two")) == []
    assert found(Stage.OUTAGE, always(other), always(one, "two")) == []


@pytest.mark.parametrize(("stage", "mode"), [(Stage.OUTAGE, Mode.BECOMES), (Stage.RECOVERY, Mode.EVENTUALLY)])
def test_what_must_be_true_once_and_is_never_allowed_is_a_finding(stage: Stage, mode: Mode) -> None:
    once = Expectation("two", mode, f"{DEPTH} > 5", within=10)
    for pair in ((always(f"{DEPTH} <= 5"), once), (once, always(f"{DEPTH} <= 5"))):
        assert len(found(stage, *pair)) == 1


def test_where_a_violation_is_tolerated_both_may_be_met() -> None:
    strict, once = always(f"{DEPTH} <= 5"), Expectation("two", Mode.BECOMES, f"{DEPTH} > 5", within=10)
    for tolerant in (replace(strict, tolerates=3.0), replace(strict, guardrail=True)):
        assert found(Stage.OUTAGE, tolerant, once) == []
        assert found(Stage.OUTAGE, tolerant, always(f"{DEPTH} > 5", "two")) == []
    for still in (replace(strict, tolerates=0.0), replace(strict, guardrail=True, tolerates=0.0)):
        assert len(found(Stage.OUTAGE, still, once)) == 1


def test_what_is_true_before_the_other_begins_is_no_finding() -> None:
    late = replace(always(f"{DEPTH} <= 5"), after=5.0)
    assert found(Stage.OUTAGE, late, Expectation("two", Mode.BECOMES, f"{DEPTH} > 5", within=10)) == []
    assert len(found(Stage.OUTAGE, late, always(f"{DEPTH} > 5", "two"))) == 1, "both hold at the end of the stage"


@pytest.mark.parametrize("path", ["health.ok", "health.latency < 1"])
def test_one_request_without_an_answer_may_be_excused(path: str) -> None:
    """It can be what becomes true, while the other one does not count it."""
    assert found(Stage.OUTAGE, always(path), Expectation("two", Mode.BECOMES, f"!({path})", within=10)) == []


def test_what_must_be_true_once_and_false_once_is_no_finding() -> None:
    once = (
        Expectation("one", Mode.BECOMES, DEPTH, within=10),
        Expectation("two", Mode.BECOMES, f"!{DEPTH}", within=10),
    )
    assert found(Stage.OUTAGE, *once) == []
