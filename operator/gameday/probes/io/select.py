"""Selects the paths that expressions use from an answer; no other value leaves the observer.

What cannot leave it whole is unknown, and says why: it is never cut short in silence.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gameday.model.sample import Unknown
from gameday.model.wire import DEEPEST, LONGEST_STRING, MOST_VALUES
from gameday.probes.io.secrets import HIDDEN, Secrets

DEPTH: Final = 8
"""Levels of a subtree that are kept."""
LARGEST: Final = 2**53
"""Largest whole number: not every one above it is a double, and expressions compute in doubles."""

Path = tuple[str | int, ...]
Wanted = dict[str | int, "Wanted"]
"""The keys that are wanted below a value; empty where it is wanted whole."""


class TooManyValues(Exception):
    """A path leads to more values than a sample holds."""


def select_paths(
    values: Mapping[str, Any], paths: Iterable[Sequence[str | int]], secrets: Secrets
) -> tuple[dict[str, Any], tuple[Unknown, ...]]:
    """The parts of ``values`` that ``paths`` lead to, in the same shape, and which of them are unknown.

    Missing values are left out. A list is kept up to the largest index that is used.
    """
    copy = _Copy(secrets)
    kept = copy.parts(values, _tree(paths), ())
    return kept, tuple(copy.unknown)


def _tree(paths: Iterable[Sequence[str | int]]) -> Wanted:
    root: Wanted = {}
    # The longest come first, so that a path that wants the whole takes the place of those below it.
    for path in sorted(paths, key=len, reverse=True):
        node = root
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = {}
    return root


class _Left:
    """Marks a value that is left out."""


@dataclass(slots=True)
class _Copy:
    secrets: Secrets
    left: int = MOST_VALUES
    unknown: list[Unknown] = field(default_factory=list)

    def parts(self, source: Mapping[str, Any], wanted: Wanted, at: Path) -> dict[str, Any]:
        """The wanted keys of a map."""
        kept: dict[str, Any] = {}
        for key, below in wanted.items():
            if isinstance(key, str) and key in source:
                value = self._part(source[key], below, (*at, key))
                if value is not _Left:
                    kept[key] = value
        return kept

    def _part(self, value: Any, wanted: Wanted, at: Path) -> Any:
        if not wanted:
            return self._whole(value, at)
        before = self.left
        try:
            self._take()
            match value:
                case Mapping() | list() if len(at) >= DEEPEST - 1:
                    return self._unknown(at, f"nested deeper than {DEEPEST} levels")
                case Mapping():
                    return self.parts(value, wanted, at)
                case list():
                    return self._items(value, wanted, at)
                case str():
                    # A text has nothing below it: that it is one is all that can be asked.
                    return self.secrets.hide(value)[:LONGEST_STRING]
                case _:
                    return self._bounded(value, 0, at)
        except TooManyValues:
            self.left = before
            return self._unknown(at, f"expressions use more than {MOST_VALUES} values of one answer")

    def _items(self, value: list[Any], wanted: Wanted, at: Path) -> list[Any]:
        last = max((key for key in wanted if isinstance(key, int)), default=-1)
        items: list[Any] = []
        for index, item in enumerate(value[: last + 1]):
            if index in wanted:
                kept = self._part(item, wanted[index], (*at, index))
                items.append(None if kept is _Left else kept)
            else:
                self._take()
                items.append(None)
        return items

    def _whole(self, value: Any, at: Path) -> Any:
        """A value with all that is below it, or nothing of it where that is too much."""
        before, marked = self.left, len(self.unknown)
        try:
            return self._bounded(value, max(0, min(DEPTH, DEEPEST - 1 - len(at))), at)
        except TooManyValues:
            self.left = before
            del self.unknown[marked:]
            return self._unknown(at, f"expressions use more than {MOST_VALUES} values of one answer")

    def _bounded(self, value: Any, depth: int, at: Path) -> Any:
        self._take()
        match value:
            case str():
                return self._text(value, at)
            case Mapping() | list() | tuple() if not depth:
                return self._unknown(at, f"nested deeper than {DEPTH} levels")
            case Mapping():
                return self._map(value, depth - 1, at)
            case list() | tuple():
                items = [self._bounded(item, depth - 1, (*at, index)) for index, item in enumerate(value)]
                return [None if item is _Left else item for item in items]
            case int() | float() if not isinstance(value, bool):
                return self._number(value, at)
            case _:
                return value

    def _map(self, value: Mapping[Any, Any], depth: int, at: Path) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for whole, inner in value.items():
            key = self.secrets.hide(str(whole))[:LONGEST_STRING]
            if key != whole:
                self._unknown(at, f"a key contains a Secret, or is longer than {LONGEST_STRING} characters")
            item = self._bounded(inner, depth, (*at, key))
            if item is not _Left:
                kept[key] = item
        return kept

    def _text(self, text: str, at: Path) -> Any:
        # Before it is measured: a part of a Secret would not be found.
        if self.secrets.hide(text) != text:
            self._unknown(at, "it contains a Secret of the probe")
            return HIDDEN
        if len(text) > LONGEST_STRING:
            return self._unknown(at, f"longer than {LONGEST_STRING} characters")
        return text

    def _number(self, value: float, at: Path) -> Any:
        if abs(value) > LARGEST if isinstance(value, int) else not math.isfinite(value):
            return self._unknown(at, "a number that a double cannot hold exactly")
        if self.secrets.hides(value):
            self._unknown(at, "it contains a Secret of the probe")
            return HIDDEN
        return value

    def _unknown(self, at: Path, why: str) -> Any:
        self.unknown.append((at, why))
        return _Left

    def _take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise TooManyValues
