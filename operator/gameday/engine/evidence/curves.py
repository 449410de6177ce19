"""Curves of a probe's samples over a drill, in few points, for reports only.

A curve has a limited number of points. Each covers a span of equal length, and has the smallest, the largest and the
last value in it: an outlier of one sample stays visible, however long the drill was.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gameday.engine.cel.paths import Path, find, path_text
from gameday.engine.evidence.agent_log import LogLine
from gameday.engine.evidence.series import Series
from gameday.model.sample import Value

MOST_POINTS: Final = 600
"""Points of a curve."""
MOST_TEXTS: Final = 16
"""Different texts of a curve; all others are ``OTHER``."""
LONGEST_TEXT: Final = 48
"""Characters of such a text."""
OTHER: Final = "(another text)"
ERROR: Final = "error"
"""The path of a sample's error, of which the word is kept, and not what the other end said."""

Number = float | None
"""A value as a curve has it; None where there was none."""


@dataclass(slots=True)
class Curve:
    """The values of one path. Booleans are 0 and 1, texts their index in ``texts``."""

    path: str
    of: str = "number"
    """``number``, ``boolean`` or ``text``."""
    texts: list[str] = field(default_factory=list)
    low: list[Number] = field(default_factory=list)
    high: list[Number] = field(default_factory=list)
    last: list[Number] = field(default_factory=list)


@dataclass(slots=True)
class Strip:
    """The curves of one probe, which share their times: of each point, when its last sample was sent."""

    probe: str
    samples: int
    at: list[float] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Truth:
    """When an expression was true: each change, and from when on; None means unknown."""

    stage: str
    name: str
    changes: tuple[tuple[float, bool | None], ...]


def values_of(lines: Iterable[LogLine], paths: Sequence[Path]) -> tuple[list[float], dict[Path, list[Value]]]:
    """When each sample was sent, and what it holds at each path below the probe; None where that is nothing."""
    at: list[float] = []
    found: dict[Path, list[Value]] = {path: [] for path in paths}
    for line in lines:
        at.append(line.sample.sent)
        seen = line.seen
        for path, values in found.items():
            there, value = find(seen, path)
            if path == (ERROR,):
                value = (line.sample.error or "").partition(" ")[0] or None
            values.append(value if there or path == (ERROR,) else None)
    return at, found


def strip(probe: str, at: Sequence[float], found: Mapping[Path, Sequence[Value]], most: int = MOST_POINTS) -> Strip:
    """The curves of a probe's samples, with at most so many points; paths that never held a value have none."""
    made = Strip(probe, len(at), list(at))
    for path, values in found.items():
        curve = _numbered(path_text((probe, *path)), values)
        if curve is not None:
            curve.low = curve.high = curve.last
            made.curves.append(curve)
    return coarser(made, most)


def coarser(fine: Strip, most: int) -> Strip:
    """The same curves with at most so many points."""
    if len(fine.at) <= most:
        return fine
    spans = _spans(fine.at, most)
    made = Strip(fine.probe, fine.samples, [fine.at[span[-1]] for span in spans])
    for curve in fine.curves:
        low, high = (
            [[n for i in span if (n := numbers[i]) is not None] for span in spans]
            for numbers in (curve.low, curve.high)
        )
        coarse = Curve(curve.path, curve.of, curve.texts, last=[curve.last[span[-1]] for span in spans])
        coarse.low = [min(one, default=None) for one in low]
        coarse.high = [max(one, default=None) for one in high]
        made.curves.append(coarse)
    return made


def truth(stage: str, name: str, series: Series, until: float) -> Truth:
    """Every change of an expression's truth, of samples sent up to ``until``, exactly."""
    changes: list[tuple[float, bool | None]] = []
    for evaluation in sorted(series.evaluations, key=lambda one: one.sent):
        if evaluation.sent <= until and (not changes or changes[-1][1] is not evaluation.value):
            changes.append((evaluation.sent, evaluation.value))
    return Truth(stage, name, tuple(changes))


def _spans(at: Sequence[float], most: int) -> list[list[int]]:
    """The indexes of what becomes one point each."""
    begin, width = at[0], (at[-1] - at[0]) / most or 1.0
    spans: dict[int, list[int]] = {}
    for index, moment in enumerate(at):
        spans.setdefault(min(most - 1, int((moment - begin) / width)), []).append(index)
    return [spans[number] for number in sorted(spans)]


def _numbered(path: str, values: Sequence[Value]) -> Curve | None:
    """A curve with a number for each value: of the kind that most of them have, all others being none."""
    kinds = [kind for value in values if (kind := _kind(value))]
    if not kinds:
        return None
    curve = Curve(path, max(("number", "boolean", "text"), key=kinds.count))
    known: dict[str, int] = {}
    for value in values:
        curve.last.append(_number(value, curve, known) if _kind(value) == curve.of else None)
    return curve


def _kind(value: Value) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float() if math.isfinite(value):
            return "number"
        case str():
            return "text"
        case _:
            return ""


def _number(value: Value, curve: Curve, known: dict[str, int]) -> Number:
    match value:
        case str():
            text = value[:LONGEST_TEXT]
            if text not in known and len(curve.texts) >= MOST_TEXTS - 1:
                text = OTHER
            if text not in known:
                known[text] = len(curve.texts)
                curve.texts.append(text)
            return known[text]
        case bool():
            return int(value)
        case int() | float():
            return value
        case _:
            return None
