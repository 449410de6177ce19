"""What an expression may say, what it reads, and what it comes to."""

import pytest

from gameday.engine.cel.expressions import (
    ExpressionError,
    Outcome,
    OutcomeKind,
    compile_expression,
    parse_path,
    view,
)
from gameday.engine.cel.paths import Path, path_text, paths_by_probe
from gameday.model.sample import Sample, Value

TRUE, FALSE = OutcomeKind.TRUE, OutcomeKind.FALSE
MISSING, TYPE_ERROR = OutcomeKind.MISSING, OutcomeKind.TYPE_ERROR

BODY: Value = {
    "redis": "ok",
    "depth": 3,
    "x y": 1.5,
    "none": None,
    "items": ({"n": 1, "ok": True}, {"n": 2, "ok": True}),
}
HEALTH: dict[str, Value] = {"ok": True, "error": "", "latency": 0.1, "status": 200, "body": BODY}
BASELINE: dict[str, Value] = {"health": {"body": {"depth": 2.5}}}


def evaluate(text: str) -> Outcome:
    return compile_expression(text).evaluate({"health": HEALTH, "baseline": BASELINE})


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("health.ok", [("health", "ok")]),
        ("health.body.redis == 'ok'", [("health", "body", "redis")]),
        ('queue.body["x y"] > 1', [("queue", "body", "x y")]),
        ("queue.body['it\\'s'] > 1", [("queue", "body", "it's")]),
        ("a.body.items[0].n == 1", [("a", "body", "items", 0, "n")]),
        ("a.body.items[0]['n'] == 1", [("a", "body", "items", 0, "n")]),
        ("a . body . n == 1 // a.comment", [("a", "body", "n")]),
        ("a.body.items.size() > 1", [("a", "body", "items")]),
        ("size(a.body.items) > 1", [("a", "body", "items")]),
        ("a.body.items.all(x, x.ok)", [("a", "body", "items")]),
        ("a.body.items.all(x, x.n == b.body.n)", [("a", "body", "items"), ("b", "body", "n")]),
        ("a.body.items.filter(x, x.ok).size() == 2 && x.ok", [("a", "body", "items"), ("x", "ok")]),
        ("a.body.items.exists(a, a.n == 1)", [("a", "body", "items")]),
        ("has(a.body.n) && a.body.n > 1", [("a", "body", "n")]),
        ("a.text.startsWith('b.body.c')", [("a", "text")]),
        ("a.status in [200, 204]", [("a", "status")]),
        ("a.ok ? b.ok : c.ok", [("a", "ok"), ("b", "ok"), ("c", "ok")]),
        ("!a.ok || -a.latency < -1", [("a", "ok"), ("a", "latency")]),
        ("near(a.value, b.value, 0.1, 5)", [("a", "value"), ("b", "value")]),
        ("[a.value, 2][0] > 1", [("a", "value")]),
    ],
)
def test_paths_are_read_from_the_text(text: str, paths: list[Path]) -> None:
    expression = compile_expression(text)
    assert list(expression.paths) == paths
    assert expression.probes == {path[0] for path in paths}


def test_paths_of_the_baseline_are_kept_apart() -> None:
    expression = compile_expression("queue.body.depth <= baseline.queue.body.depth + baseline.health.latency")
    assert expression.paths == (("queue", "body", "depth"),)
    assert expression.baseline_paths == (("queue", "body", "depth"), ("health", "latency"))
    assert expression.probes == {"queue"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("health.status == 200", TRUE, id="a whole number in the sample equals a literal"),
        pytest.param("health.body.depth + 1 == 4", TRUE, id="whole numbers add to literals"),
        pytest.param("health.body.depth / 2 == 1.5", TRUE, id="division is that of doubles"),
        pytest.param("health.body.depth > 1 * baseline.health.body.depth", TRUE, id="literals of both kinds mix"),
        pytest.param("health.body.depth == 0x3", TRUE, id="a hexadecimal literal is a number too"),
        pytest.param("health.body.items.size() + 1 == 3", TRUE, id="a length is a number like any other"),
        pytest.param("size(health.body.redis) == 2", TRUE, id="a length of a text"),
        pytest.param("health.body.items[1].n == 2", TRUE, id="an index stays a whole number"),
        pytest.param("health.body['x y'] == 1.5", TRUE, id="a key in quotes"),
        pytest.param("health.body.redis == '200'", FALSE, id="a number in quotes is a text"),
        pytest.param("health.body.redis == 1", FALSE, id="a text never equals a number"),
        pytest.param("health.ok == 1", FALSE, id="true is no number"),
        pytest.param("health.body.none == null", TRUE, id="null is a value"),
        pytest.param("health.error == ''", TRUE, id="no error is an empty text"),
        pytest.param("health.body.items.all(x, x.ok)", TRUE, id="a comprehension"),
        pytest.param("health.body.items.exists(x, x.n > 2)", FALSE, id="a comprehension that finds nothing"),
        pytest.param("health.ok || health.body.nope", TRUE, id="what is not needed is not missing"),
        pytest.param("has(health.body.nope)", FALSE, id="has() never misses the last key"),
        pytest.param("health.body.nope == 1", MISSING, id="a key that is not there"),
        pytest.param("health.body.items[2].n == 1", MISSING, id="an index that is not there"),
        pytest.param("other.ok", MISSING, id="a probe that is not there"),
        pytest.param("health.body.redis < 1", TYPE_ERROR, id="a text compared with a number"),
        pytest.param("health.body.none < 1", TYPE_ERROR, id="null compared with a number"),
        pytest.param("health.body.depth", TYPE_ERROR, id="a number is no answer"),
        pytest.param("health.body.redis.matches('[')", TYPE_ERROR, id="a pattern that is none"),
        pytest.param("double(health.body.redis) > 1", TYPE_ERROR, id="a text that is no number"),
    ],
)
def test_what_an_expression_comes_to(text: str, kind: OutcomeKind) -> None:
    assert evaluate(text).kind is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("near(95.0, 100, 0.1, 5)", TRUE, id="within the fraction"),
        pytest.param("near(110, 100, 0.1, 5)", TRUE, id="exactly at the fraction"),
        pytest.param("near(110.5, 100, 0.1, 5)", FALSE, id="beyond the fraction"),
        pytest.param("near(5, 0, 0.1, 5)", TRUE, id="exactly at the floor"),
        pytest.param("near(5.1, 0, 0.1, 5)", FALSE, id="beyond the floor"),
        pytest.param("near(-110, -100, 0.1, 5)", TRUE, id="the fraction is of the amount"),
        pytest.param("atMost(110, 100, 0.1, 5)", TRUE, id="at most the reference and its fraction"),
        pytest.param("atMost(111, 100, 0.1, 5)", FALSE, id="more than that"),
        pytest.param("atMost(-1000, 100, 0.1, 5)", TRUE, id="less is always allowed"),
        pytest.param("atMost(5, 0, 0.1, 5)", TRUE, id="the floor counts where it is more"),
        pytest.param("near('a', 100, 0.1, 5)", TYPE_ERROR, id="a text is not near anything"),
        pytest.param("!atMost(true, 100, 0.1, 5)", TYPE_ERROR, id="nor is a truth"),
    ],
)
def test_functions(text: str, kind: OutcomeKind) -> None:
    assert evaluate(f"{text} || !health.ok").kind is kind


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("health.body.nope == 1", "health.body.nope"),
        ("health.body.nope.deeper == 1", "health.body.nope.deeper"),
        ('health.body["no key"] == 1', 'health.body["no key"]'),
        ("health.body.items[7].n == 1", "health.body.items[7].n"),
        ("health.body.depth > baseline.health.body.other", "baseline.health.body.other"),
        ("health.body.items.all(x, x.z)", "key z"),
        ("health.body.redis < 1", "the types do not fit (health.body.redis is text)"),
        ("near(health.body.redis, 1, 1, 1)", "near() takes four numbers (health.body.redis is text)"),
        ("health.body.depth", "the result is a number, not true or false (health.body.depth is a number)"),
    ],
)
def test_what_is_in_the_way_is_named(text: str, detail: str) -> None:
    assert evaluate(text).detail == detail


def test_a_missing_key_names_whose_it_is() -> None:
    text = "a.body.n == b.body.n"
    outcome = compile_expression(text).evaluate({"a": {"body": {}}, "b": {"body": {}}})
    assert outcome.roots == {"a", "b"}
    assert compile_expression(text).evaluate({"a": {"body": {"n": 1}}, "b": {"body": {}}}).roots == {"b"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("health.ok &&", "not a CEL expression: mismatched input '<EOF>'; correct it at the mark"),
        ("health.ok ==\n 1 +* 2", "  1 +* 2\n      ^"),
        ("health.body[health.status] == 1", "an index must be a literal"),
        ("health.body.items[-1] == 1", "an index must be a literal"),
        ("health.body.items[1.0] == 1", "an index must be a literal"),
        ("health.body.items.all(x, health.body.items[x.n] == 1)", "an index must be a literal"),
        ("a.b.all(x, x.c.exists(y, y.ok))", "a comprehension inside another"),
        ("a.b.all(x, a.c.exists(y, y == x))", "a comprehension inside another"),
        ("a.b.map(x, (a.b.filter(y, y.ok)))", "a comprehension inside another"),
        ("near(a.b, 1, 2)", "near(value, reference, fraction, floor) with 4 arguments, not 3"),
        ("a.b.near(1, 2, 3) || near(1, 2, 3, a.b.contains('x,y'), 5)", "4 arguments"),
        ("now() > a.b", "now() is not known; the functions are atMost,"),
        ("timestamp(a.b) > timestamp('2026-01-01T00:00:00Z')", "timestamp() is not known"),
        ("a.b % 2 == 0", "% works on whole numbers"),
        ("{'x': 1}.x == a.b", "maps and messages are not supported"),
        ("a.b == ok", "name a value of ok, as ok.ok; strings stand in quotes"),
        ("true", "uses no probe"),
        ("baseline.a.b > 1", "uses no probe"),
        ("a.b > baseline.a", "write baseline.<probe>.<path>"),
        ("a.b > baseline.a.items[0]", "without an index"),
        ("", "not a CEL expression"),
        (f"a.b == '{'x' * 1024}'", "the expression has 1033 bytes, and at most 1024 are allowed"),
        ("(" * 500 + "a.b" + ")" * 500, "not a CEL expression"),
    ],
)
def test_what_is_refused_says_what_to_do(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert message in str(caught.value)


def test_the_mark_stands_under_the_place() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression("health.ok && queue.body[queue.status] == 1")
    _, line, mark = str(caught.value).split("\n")
    assert line[mark.index("^") :].startswith("queue.status]")


def test_a_comprehension_may_follow_another() -> None:
    assert evaluate("health.body.items.filter(x, x.n > 1).all(x, x.n == 2)").kind is TRUE


def test_a_sample_as_expressions_see_it() -> None:
    sample = Sample("observer", 1, "health", 10.0, 10.5, ok=False, error="timeout", values={"status": 200, "ok": True})
    assert view(sample) == {"status": 200.0, "ok": False, "error": "timeout", "latency": 0.5}


@pytest.mark.parametrize(
    "text", ["health.body.n", 'queue.body["x y"]', "a.body.items[0].n", "metrics.latency", 'm["up{a=\\"b\\"}"]']
)
def test_a_path_is_written_as_it_is_read(text: str) -> None:
    assert path_text(parse_path(text)) == text


def test_a_path_may_choose_a_series_by_its_labels() -> None:
    assert parse_path("""metrics['up{job="api"}']""") == ("metrics", 'up{job="api"}')


@pytest.mark.parametrize("text", ["health", "health.a + health.b", "health.n > 1", "1", "health.a.size()", "!health.a"])
def test_what_is_not_one_path_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_path(text)


def test_each_probe_is_asked_for_the_paths_that_somebody_reads() -> None:
    paths: list[Path] = [
        ("health", "ok"),
        ("queue", "body", "depth"),
        ("queue", "body", "items", 0, "n"),
        ("queue", "body", "items"),
        ("queue", "latency"),
        ("queue", "body", "depth"),
    ]
    assert paths_by_probe(paths) == {"health": (), "queue": (("body", "depth"), ("body", "items"))}


def test_an_answer_nested_without_end_is_cut_off() -> None:
    deep: Value = 1.0
    for _ in range(5000):
        deep = (deep,)
    outcome = compile_expression("a.n[0][0].size() == 1 && a.ok").evaluate({"a": {"n": deep, "ok": True}})
    assert outcome.kind is TRUE
