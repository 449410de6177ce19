"""No expression that is let through holds the operator up: measured as a ratio to a plain one, in the same run."""

import time
from collections.abc import Callable

import pytest

from gameday.engine.cel.cost import MOST, VALUES
from gameday.engine.cel.expressions import Expression, ExpressionError, compile_expression, view
from gameday.engine.validate.plan import check
from gameday.model.finding import Finding
from gameday.model.plan import Expectation, Mode, Outage, Plan, Probe, Recovery, SteadyState
from gameday.model.sample import Sample, Value
from gameday.model.wire import MOST_VALUES, encode, parse_line
from gameday.probes.http.kind import HttpProbe

NUMBERS: Value = (1,) * (VALUES - 10)
TEXTS: Value = ("a" * 250,) * 15
LETTERS: Value = ("a",) * (VALUES - 10)


def env(items: Value) -> dict[str, dict[str, Value]]:
    """The largest sample there is, as expressions see it; the line's own length bounds it too."""
    sample = Sample("observer", 1, "a", 1.0, 2.0, ok=True, values={"body": {"l": items, "n": 1}, "text": "a" * 256})
    return {"a": view(parse_line("observer", encode(sample)))}


def repeated(head: str, unit: str, tail: str, joint: str) -> Callable[[int], str]:
    return lambda count: head + joint.join([unit] * count) + tail


SHAPES = {
    "comparisons for each item": (repeated("a.body.l.all(x, ", "x<2", ")", "&&"), NUMBERS),
    "sums for each item": (repeated("a.body.l.all(x, ", "x", ">0)", "+"), NUMBERS),
    "the list for each item": (repeated("a.body.l.all(x, ", "size(a.body.l)>0", ")", "&&"), NUMBERS),
    "a search for each item": (repeated("a.body.l.all(x, ", "!(2 in a.body.l)", ")", "&&"), NUMBERS),
    "lists joined for each item": (repeated("a.body.l.all(x, size(", "a.body.l", ")>0)", "+"), NUMBERS),
    "calls for each item": (repeated("a.body.l.all(x, ", "near(x,1,1,1)", ")", "&&"), NUMBERS),
    "a long list for each item": (repeated("a.body.l.all(x, x in [", "1", "])", ","), NUMBERS),
    "map after map": (repeated("a.body.l", ".map(y,y)", ".size()>0", ""), NUMBERS),
    "filter after filter": (repeated("a.body.l", ".filter(y,y>0)", ".size()>0", ""), NUMBERS),
    "comprehension after comprehension": (repeated("", "a.body.l.all(x,x<2)", "", "&&"), NUMBERS),
    "the list again and again": (repeated("", "size(a.body.l)>0", "", "&&"), NUMBERS),
    "text that grows": (repeated("a.body.l.all(x, (", "x", ")!='')", "+"), TEXTS),
    "patterns": (repeated("", "a.text.matches('(a*)*b')", "", "||"), NUMBERS),
    "patterns of classes": (repeated("a.text.matches('", "\\\\w", "b') || a.ok", ""), NUMBERS),
    "patterns for each item": (repeated("a.body.l.all(x, ", "x.matches('^a')", ")", "||"), LETTERS),
    "signs": (repeated("a.body.l.all(x, ", "!!", "(x<2))", ""), NUMBERS),
    "choices": (repeated("a.body.l.all(x, ", "(x<2?true:false)", ")", "&&"), NUMBERS),
}


def largest(shape: Callable[[int], str]) -> Expression | None:
    """The largest expression of a shape that is let through."""
    found: Expression | None = None
    for count in range(1, 520):
        try:
            found = compile_expression(shape(count))
        except ExpressionError:
            break
    return found


def seconds(expression: Expression, values: dict[str, dict[str, Value]], times: int, *, at_once: int = 1) -> float:
    """The best of so many measurements, each of so many evaluations: a short one may take no time by the clock."""
    best = float("inf")
    for _ in range(times):
        began = time.thread_time()
        for _ in range(at_once):
            expression.evaluate(values)
        best = min(best, (time.thread_time() - began) / at_once)
    return best


@pytest.mark.parametrize("name", SHAPES)
def test_the_worst_that_is_let_through_is_bounded(name: str) -> None:
    shape, items = SHAPES[name]
    expression = largest(shape)
    if expression is None:
        return
    plain = seconds(compile_expression("a.body.n == 1 && a.ok"), env(()), 20, at_once=100)
    ratio = seconds(expression, env(items), 5) / plain
    print(f"{name}: {len(expression.text)} bytes, {ratio:.0f} times a plain one, said {expression.micros:.0f} us")
    assert ratio < 1000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a.body.l.all(x, " + "size(a.body.l) > 0 && " * 5 + "true)", "at most 10 ms are allowed"),
        ("a.body.l" + ".map(y, y)" * 3 + ".size() > 0", "at most 10 ms are allowed"),
        ("a.text.matches('a{1,99}')", "counted repetition"),
        ("a.text.matches(a.body.n)", "write the pattern of matches as text"),
        ("matches(a.text, a.body.n)", "write the pattern of matches as text"),
        ("a.text.matches('a' + a.text)", "write the pattern of matches as text"),
        ("a.text.matches('" + "a" * 101 + "')", "at most 100 characters"),
        ("a.text.matches('" + "\\\\pL" * 20 + "')", "at most 10 ms are allowed"),
    ],
)
def test_what_would_take_too_long_is_refused_with_a_remedy(text: str, says: str) -> None:
    with pytest.raises(ExpressionError, match=says):
        compile_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "a.body.items.all(x, x.state == 'ok' && x.age < 60 && x.name.startsWith('job-'))",
        "a.body.items.all(x, x.n <= b.body.n)",
        "a.body.items.filter(x, x.ok).size() >= 2",
        "a.text.matches('^ok [a-z]+$')",
        "matches(a.text, '^\\\\d+$')",
    ],
)
def test_what_people_write_is_let_through(text: str) -> None:
    assert compile_expression(text).micros <= MOST


def test_the_bound_on_values_is_the_one_that_costs_are_told_from() -> None:
    assert VALUES == MOST_VALUES
    with pytest.raises(ValueError, match="field values has too many values"):
        env((1,) * VALUES)["a"]


def plan(every: float, *expressions: str) -> Plan:
    always = tuple(Expectation(f"e{i}", Mode.ALWAYS, text) for i, text in enumerate(expressions))
    probes = tuple(Probe(name, HttpProbe("http://x"), every, 1.0) for name in "ab")
    return Plan(
        "g",
        probes,
        SteadyState(5.0, always),
        Outage(9.0, ()),
        Recovery(9.0, (Expectation("up again", Mode.EVENTUALLY, "b.ok"),)),
    )


def costs(one: Plan) -> list[Finding]:
    """What is said of the plan as a whole; it has no fault, which is found as well."""
    return [finding for finding in check(one) if finding.path == "spec"]


def test_many_that_are_allowed_alone_are_refused_together_unless_they_are_seldom_asked() -> None:
    costly = [f"a.body.l.filter(x, x > {n}).size() > 0 && b.ok" for n in range(20)]
    (finding,) = costs(plan(1.0, *costly))
    assert "probe less often" in finding.message
    assert not costs(plan(10.0, *costly))
    assert not costs(plan(1.0, *(f"a.body.n == {n} && b.body.m < {n} || !a.ok" for n in range(32))))
