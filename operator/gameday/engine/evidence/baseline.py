"""The baseline: means over the steady state of the numbers that expressions compare with.

It is recorded flat, ``{"queue.body.depth": 3.0}``, and handed to expressions as the map that they see.
"""

import math
from collections.abc import Iterable, Mapping
from statistics import fmean

from gameday.engine.cel.expressions import parse_path
from gameday.engine.cel.paths import Path, find, path_text
from gameday.model.sample import Value


def means(paths: Iterable[Path], views: Mapping[str, Iterable[Mapping[str, Value]]]) -> dict[str, float]:
    """The mean of each path over the views of its probe's samples; a path that never held a number is left out."""
    baseline: dict[str, float] = {}
    for path in paths:
        numbers = list(numbers_at(path[1:], views.get(str(path[0]), ())))
        if numbers:
            baseline[path_text(path)] = fmean(numbers)
    return baseline


def numbers_at(path: Path, views: Iterable[Mapping[str, Value]]) -> Iterable[float]:
    """The numbers at a path, without the probe's name, in the order of the samples; NaN and infinities are left out."""
    for seen in views:
        _, value = find(seen, path)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield float(value)


def as_seen(baseline: Mapping[str, float]) -> dict[str, Value]:
    """The recorded baseline as the map that expressions see."""
    tree: dict[str, Value] = {}
    for text, mean in baseline.items():
        *keys, last = parse_path(text)
        branch = tree
        for key in keys:
            below = branch.setdefault(str(key), {})
            assert isinstance(below, dict)  # noqa: S101 - a path ends in a number, and no other goes through it
            branch = below
        branch[str(last)] = mean
    return tree
