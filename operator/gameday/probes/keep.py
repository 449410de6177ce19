"""Only what expressions use leaves the observer: paths are picked out of an answer, everything else is forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gameday.model.wire import LONGEST_STRING, MOST_VALUES
from gameday.probes.secrets import HIDDEN, Secrets

DEPTH: Final = 8
"""Levels of a subtree that are kept."""


class TooMany(Exception):
    """The paths of a probe lead to more values than a sample holds."""


def keep(values: Mapping[str, Any], paths: Sequence[Sequence[str | int]], secrets: Secrets) -> dict[str, Any]:
    """The parts of ``values`` that ``paths`` lead to, in the same shape; what is not there is left out.

    A path through a list keeps the list up to its end, since an index counts from the list's beginning.

    Raises:
        TooMany: when they are more than a sample holds.

    """
    kept: dict[str, Any] = {}
    copy = _Copy(secrets)
    for path in paths:
        copy.along(values, kept, path)
    return kept


@dataclass(slots=True)
class _Copy:
    secrets: Secrets
    left: int = MOST_VALUES

    def along(self, source: Mapping[str, Any], target: dict[str, Any], path: Sequence[str | int]) -> None:
        key = path[0]
        if not isinstance(key, str) or key not in source:
            return
        inner = source[key]
        if len(path) > 1 and isinstance(inner, Mapping):
            if key not in target:
                self._take()
            self.along(inner, target.setdefault(key, {}), path[1:])
        else:
            target[key] = self.bounded(inner, DEPTH)

    def bounded(self, value: Any, depth: int) -> Any:
        """A value without Secrets, with its strings cut and its depth bounded."""
        self._take()
        match value:
            case str():
                return self._text(value)
            case Mapping() if depth:
                return {self._text(str(key)): self.bounded(inner, depth - 1) for key, inner in value.items()}
            case list() | tuple() if depth:
                return [self.bounded(inner, depth - 1) for inner in value]
            case bool() | None:
                return value
            case int() | float():
                return HIDDEN if self.secrets.hides(value) else value
            case _:
                return None

    def _text(self, text: str) -> str:
        # Before it is cut: half a Secret would not be found.
        return self.secrets.hide(text)[:LONGEST_STRING]

    def _take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise TooMany
