"""Expectations of one stage that no drill can meet together: one is the plain negation of the other.

A drill of such a plan makes a real outage and then fails, whatever the system does. Only what is certain from the text
is found: both must be ``always`` without a tolerance, or one is, from the start of the stage, and the other must be
true once. A single request without an answer may be excused, so what reads ``ok``, ``error`` or ``latency`` is left out
of the second case.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final

from gameday.engine.cel.expressions import Expression, ExpressionError, compile_expression
from gameday.engine.cel.tokens import Token, tokens_of
from gameday.engine.validate.names import FIELD
from gameday.model.finding import Finding
from gameday.model.plan import Expectation, Mode, Plan, Stage

OPPOSITE: Final = {"!=": "==", ">=": "<", ">": "<="}
"""Comparisons that are never true together with another one."""
_COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_LOOSER: Final = frozenset({"&&", "||", "?", ":"})
_BINARY: Final = _COMPARISONS | _LOOSER | {"+", "-", "*", "/", "%"}
_OF_REQUESTS: Final = frozenset({"ok", "error", "latency"})
"""What a sample has that got no answer."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What an expression claims of its core; two claims of one core exclude each other where one is ``negated``."""

    core: tuple[str, ...]
    negated: bool


def check_contradictions(plan: Plan) -> Iterator[Finding]:
    """Every pair of expectations of one stage that no drill can meet."""
    for stage in Stage:
        listed = tuple(enumerate(plan.expectations(stage)))
        for (first, one), (second, other) in combinations(listed, 2):
            if _exclude(one, other):
                field = f"spec.{FIELD[stage]}.expect"
                yield Finding(
                    f"{field}[{second}].{other.mode.value}",
                    f"no drill can meet this together with {one.name!r} at {field}[{first}].{one.mode.value}, because "
                    "one is the negation of the other: take one of them out, or change it",
                )


@lru_cache(maxsize=512)
def claims_of(text: str) -> frozenset[Claim]:
    """The core of an expression that compiles, and whether it negates it; ``a > b`` negates ``a <= b`` as well."""
    tokens, negated = _bare(tuple(tokens_of(text))), False
    while tokens and tokens[0].text == "!" and not {sign for _, sign in _outside(tokens)} & _BINARY:
        tokens, negated = _bare(tokens[1:]), not negated
    texts = tuple(token.text for token in tokens)
    claim = Claim(texts, negated)
    signs = [(at, sign) for at, sign in _outside(tokens) if sign in _COMPARISONS | _LOOSER]
    # Not where a "!" stands before it: of what is no number both "!(a < b)" and "!(a >= b)" are true.
    if not negated and len(signs) == 1 and (opposite := OPPOSITE.get(signs[0][1])) is not None:
        at = signs[0][0]
        return frozenset({claim, Claim((*texts[:at], opposite, *texts[at + 1 :]), negated=True)})
    return frozenset({claim})


def _exclude(one: Expectation, other: Expectation) -> bool:
    if one.mode is not Mode.ALWAYS:
        one, other = other, one
    if not _strict(one):
        return False
    try:
        compiled = compile_expression(one.expression), compile_expression(other.expression)
    except ExpressionError:
        return False
    negations = {Claim(claim.core, not claim.negated) for claim in claims_of(one.expression)}
    # An increase counts from the start of its own window, so one text may have two values.
    if negations.isdisjoint(claims_of(other.expression)) or any(expression.increases for expression in compiled):
        return False
    return _strict(other) if other.mode is Mode.ALWAYS else not one.after and not _of_requests(compiled[0])


def _strict(expectation: Expectation) -> bool:
    """Whether one false sample is a miss."""
    tolerant = expectation.guardrail if expectation.tolerates is None else expectation.tolerates > 0
    return expectation.mode is Mode.ALWAYS and not tolerant


def _of_requests(expression: Expression) -> bool:
    return any(len(path) < 2 or path[1] in _OF_REQUESTS for path in expression.paths)


def _bare(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Tokens without the parentheses around all of them."""
    while len(tokens) > 2 and tokens[0].text == "(" and tokens[-1].text == ")" and not list(_outside(tokens)):
        tokens = tokens[1:-1]
    return tokens


def _outside(tokens: tuple[Token, ...]) -> Iterator[tuple[int, str]]:
    """The tokens outside of all brackets, each with its index; no texts, and no brackets."""
    depth = 0
    for index, token in enumerate(tokens):
        if token.kind == "text":
            if not depth:
                yield index, ""
        elif token.text in {"(", "[", "{"}:
            depth += 1
        elif token.text in {")", "]", "}"}:
            depth -= 1
        elif not depth:
            yield index, token.text
