"""Comparisons of values of different types, found on real samples; their result is never what was meant."""

from collections.abc import Callable, Iterable, Iterator

from gameday.engine.cel.comparisons import EACH, Comparison, Kind, Operand, path_text_of
from gameday.engine.cel.expressions import Expression
from gameday.engine.cel.paths import Path

KindsAt = Callable[[Path], frozenset[Kind]]
"""The kinds that the samples of a probe hold at a path, which begins with the probe's name."""


def type_mismatches(expression: Expression, kinds_at: KindsAt) -> tuple[str, ...]:
    """Every comparison of two kinds that can never be alike, in words."""
    return tuple(dict.fromkeys([*_compared(expression.comparisons, kinds_at), *_counted(expression, kinds_at)]))


def _compared(comparisons: Iterable[Comparison], kinds_at: KindsAt) -> Iterator[str]:
    for comparison in comparisons:
        left = _kinds(comparison.left, kinds_at, items=False) - {Kind.NULL}
        right = _kinds(comparison.right, kinds_at, items=comparison.operator == "in") - {Kind.NULL}
        if odd := next(((a, b) for a in _sorted(left) for b in _sorted(right) if a is not b), None):
            yield _told(comparison, *odd)


def _counted(expression: Expression, kinds_at: KindsAt) -> Iterator[str]:
    for path in expression.increases:
        for kind in _sorted(kinds_at(path) - {Kind.NUMBER}):
            yield f"increase({path_text_of(path)}) takes a number, but {path_text_of(path)} is {kind.value}"


def _sorted(kinds: Iterable[Kind]) -> list[Kind]:
    return sorted(kinds, key=lambda kind: kind.value)


def _kinds(operand: Operand, kinds_at: KindsAt, *, items: bool) -> frozenset[Kind]:
    if operand.path is None:
        return operand.kinds
    return kinds_at((*operand.path, EACH)) if items else kinds_at(operand.path)


def _told(comparison: Comparison, left: Kind, right: Kind) -> str:
    text = f"{comparison.left.text} is {left.value}, but "
    if comparison.operator == "in":
        text += f"{comparison.right.text} holds {right.value}, so `in` is never true"
    else:
        text += f"{comparison.right.text} is {right.value}, so {comparison.operator} cannot compare them"
    return f"{text}; {_remedy(comparison, left, right)}"


def _remedy(comparison: Comparison, left: Kind, right: Kind) -> str:
    for operand, kind, other in ((comparison.left, left, right), (comparison.right, right, left)):
        if operand.path is None and {kind, other} == {Kind.TEXT, Kind.NUMBER} and not operand.text.startswith("["):
            bare = operand.text.strip("'\"")
            return f"write {bare} without quotes" if kind is Kind.TEXT else f"write '{bare}' in quotes"
    return "compare values of one kind"
