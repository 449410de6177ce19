"""Series of a Prometheus exposition, by the name or the selector that an expression uses.

``metrics.up`` is the only series of that name; ``metrics['http_requests_total{code="500"}']`` the only one that has
these labels. If several series match, the path is unknown, and the reason says how to choose.
"""

import asyncio
import math
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from gameday.model.sample import Unknown

SERIES: Final = 20_000
"""Most series of the wanted names in an exposition."""
AT_ONCE: Final = 100
"""Lines of an exposition that are read before other probes get their turn."""

_NAME: Final = re.compile(rb"[ \t]*([^\s{#]+)")
_QUOTED: Final = re.compile(rb"[ \t]*\{")
"""The beginning of a series whose name is quoted among its labels."""

Series = tuple[str, Mapping[str, str], float]
"""A series: its name, its labels and its value."""


@dataclass(slots=True)
class _Wanted:
    """What an expression asks for, and what was found of it."""

    key: str
    name: str
    labels: Mapping[str, str]
    found: list[float] = field(default_factory=list)
    why: str = ""
    """Why it is unknown, or ""."""

    def take(self, series: Series) -> None:
        """Take a series of its name in, if it has its labels."""
        _, labels, value = series
        if all(labels.get(label) == text for label, text in self.labels.items()):
            self.found.append(value)

    def outcome(self) -> float | str | None:
        """Its number, why it is unknown, or None when there is no such series."""
        if self.why or not self.found:
            return self.why or None
        if len(self.found) > 1:
            if self.labels:
                return f"{len(self.found)} series have these labels: add labels until only one matches"
            return f"{len(self.found)} series have this name: select one by its labels, ['NAME{{label=\"value\"}}']"
        (value,) = self.found
        return value if math.isfinite(value) else f"its value is {value}"


async def metrics(body: bytes, keys: Iterable[str]) -> tuple[dict[str, float], tuple[Unknown, ...]]:
    """The numbers of the wanted series by key, and which of them are unknown; what has no series is in neither."""
    wanted = [_wanted(key) for key in dict.fromkeys(keys)]
    names = {one.name.encode() for one in wanted if one.name}
    async for lines in _pieces(body, names, wanted):
        for series in _read(lines, names, wanted):
            for one in wanted:
                if one.name == series[0]:
                    one.take(series)
    outcomes = {one.key: one.outcome() for one in wanted}
    numbers = {key: outcome for key, outcome in outcomes.items() if isinstance(outcome, float)}
    return numbers, tuple(((key,), why) for key, why in outcomes.items() if isinstance(why, str))


def _wanted(key: str) -> _Wanted:
    """A key of an expression: the name of a metric, or a selector as in PromQL, with equal signs only."""
    if "{" not in key:
        return _Wanted(key, key, {})
    try:
        ((name, labels, _),) = _parsed(f"{key} 1")
    except ValueError:
        return _Wanted(key, "", {}, why='not the name of a metric with labels: write NAME{label="value"}')
    return _Wanted(key, name, labels)


def _parsed(lines: str) -> list[Series]:
    """The series of some lines.

    Raises:
        ValueError: when one of them is not in the format.

    """
    try:
        families = list(text_string_to_metric_families(lines + "\n"))
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise ValueError("the body is not in the Prometheus text format") from error
    return [(sample.name, sample.labels, float(sample.value)) for family in families for sample in family.samples]


def _read(lines: list[bytes], names: set[bytes], wanted: list[_Wanted]) -> Iterable[Series]:
    try:
        return _parsed(b"\n".join(lines).decode(errors="replace"))
    except ValueError:
        pass
    found: list[Series] = []
    for line in lines:
        try:
            found += _parsed(line.decode(errors="replace"))
        except ValueError:
            _spoil(wanted, _named(line, names), "a series of this name cannot be read")
    return found


def _named(line: bytes, names: set[bytes]) -> set[bytes]:
    """The wanted names that a line may be about."""
    if _QUOTED.match(line):
        return {name for name in names if name in line}
    name = _NAME.match(line)
    return {name[1]} & names if name is not None else set()


def _spoil(wanted: list[_Wanted], names: set[bytes], why: str) -> None:
    for one in wanted:
        if one.name.encode() in names:
            one.why = one.why or why


async def _pieces(body: bytes, names: set[bytes], wanted: list[_Wanted]) -> AsyncIterator[list[bytes]]:
    """The lines that may be about wanted names, some at a time."""
    taken: list[bytes] = []
    count = 0
    for number, line in enumerate(body.split(b"\n")):
        if number % (AT_ONCE * 100) == 0:
            await asyncio.sleep(0)
        if not (about := _named(line, names)):
            continue
        count += 1
        if count > SERIES:
            _spoil(wanted, about, f"the body has more than {SERIES} series of the names in use")
            continue
        taken.append(line)
        if len(taken) == AT_ONCE:
            yield taken
            taken = []
            await asyncio.sleep(0)
    yield taken
