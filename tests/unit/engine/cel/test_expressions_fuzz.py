"""Whatever is written and whatever a system answers, an expression is refused by name or comes to an outcome."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from gameday.engine.cel.expressions import ExpressionError, Outcome, compile_expression
from gameday.model.sample import Value

NAMES = st.sampled_from(
    ["a.n", "a.body", "a.body.n", 'a.body["x y"]', "a.items[0]", "a.items[0].n", "baseline.a.n", "a"]
)
LITERALS = st.sampled_from(["1", "0.5", "0x1F", "2u", "'t'", '"x"', "r'\\d'", "true", "null", "[1, 2]", "[]"])
WORDS = st.sampled_from(
    [
        "all(x,",
        "exists(",
        "map(y, y.n",
        ".size()",
        "size(",
        "near(",
        "has(",
        "matches(",
        "in",
        "?",
        ":",
        "{",
        "//",
        "\n",
    ]
)
SIGNS = st.sampled_from([*"()[].,!-+*/%<>=&|'\"\\`@#", "&&", "||", "==", "!=", "<=", ">="])

SOUP = st.lists(NAMES | LITERALS | WORDS | SIGNS, max_size=12).map(" ".join)


def _operation(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(["+", "-", "*", "/", "<", ">=", "==", "!=", "&&", "||", "in"])
    calls = st.sampled_from(
        [
            "size({})",
            "!({})",
            "-({})",
            "({}).size()",
            "double({})",
            "string({})",
            "({}).all(x, x == 1)",
            "near({}, 1, 1, 1)",
        ]
    )
    return (
        st.tuples(inner, signs, inner).map(lambda parts: f"({' '.join(parts)})")
        | st.tuples(calls, inner).map(lambda parts: parts[0].format(parts[1]))
        | st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} ? {parts[1]} : {parts[2]})")
    )


WELL_FORMED = st.recursive(NAMES | LITERALS, _operation, max_leaves=8)

ANSWERS: st.SearchStrategy[Value] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just(10**400)
    | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.sampled_from(["n", "x y", "body", "items"]), inner)
    ),
    max_leaves=8,
)
SAMPLES = st.fixed_dictionaries({}, optional={"n": ANSWERS, "body": ANSWERS, "items": ANSWERS})


@settings(max_examples=400)
@given(SOUP | st.text(max_size=20) | st.just("a.n == '\ud800'") | WELL_FORMED, SAMPLES, SAMPLES)
def test_nothing_but_an_expression_error_or_an_outcome(
    text: str, sample: dict[str, Value], baseline: dict[str, Value]
) -> None:
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return
    assert isinstance(expression.evaluate({"a": sample, "baseline": {"a": baseline}}), Outcome)


@settings(max_examples=300)
@given(WELL_FORMED, SAMPLES)
def test_an_outcome_depends_on_nothing_but_the_paths(text: str, sample: dict[str, Value]) -> None:
    """An agent reports only the paths: pruning a sample to them changes no outcome."""
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return
    env: dict[str, Mapping[str, Value]] = {"a": sample, "baseline": {"a": {"n": 1.0}}}
    pruned = {key: value for key, value in sample.items() if any(path[1] == key for path in expression.paths)}
    assert expression.evaluate({**env, "a": pruned}) == expression.evaluate(env)
