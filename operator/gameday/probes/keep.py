"""Only what expressions use leaves the observer: paths are picked out of an answer, everything else is forgotten."""

from collections.abc import Mapping, Sequence
from typing import Any

from gameday.model.wire import LONGEST_STRING

DEPTH = 8
"""Levels of a subtree that are kept."""


def keep(values: Mapping[str, Any], paths: Sequence[Sequence[str | int]]) -> dict[str, Any]:
    """The parts of ``values`` that ``paths`` lead to, in the same shape; what is not there is left out.

    A path through a list keeps the list up to its end, since an index counts from the list's beginning.
    """
    kept: dict[str, Any] = {}
    for path in paths:
        _copy(values, kept, path)
    return kept


def _copy(source: Mapping[str, Any], target: dict[str, Any], path: Sequence[str | int]) -> None:
    key = path[0]
    if not isinstance(key, str) or key not in source:
        return
    inner = source[key]
    if len(path) > 1 and isinstance(inner, Mapping):
        _copy(inner, target.setdefault(key, {}), path[1:])
    else:
        target[key] = bounded(inner)


def bounded(value: Any, depth: int = DEPTH) -> Any:
    """A value with its strings cut and its depth bounded."""
    match value:
        case str():
            return value[:LONGEST_STRING]
        case Mapping() if depth:
            return {str(key): bounded(inner, depth - 1) for key, inner in value.items()}
        case list() | tuple() if depth:
            return [bounded(inner, depth - 1) for inner in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return None
