"""What is new in a drill: lines of its timeline, and results of expectations."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from gameday.api.lines import events_of, expectations_of
from gameday.api.record import shown_moment
from gameday.cluster.resources import Object
from gameday.model.record import ResultState

BAD: Final = frozenset({ResultState.MISSED.value, ResultState.UNKNOWN.value})
"""States of expectations that are not shown."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened. ``since`` is in seconds since the drill's first line."""

    since: float
    reason: str
    message: str
    bad: bool = False

    def __str__(self) -> str:
        """As people read it."""
        return f"{self.since:7.1f} s  {self.reason:<22} {self.message}".rstrip()


class Progress:
    """Reports each line of the timeline once, and each expectation once for each state that it is decided to be in.

    Reported lines are remembered by their text, because the operator drops the oldest lines of a long timeline. An
    expectation is not: the operator goes on to count samples after a miss, which changes the text alone.

    The moment of a result lies before its decision, such as when something became true that had to stay so for a while.
    Where later lines were reported meanwhile, the result is reported at the time of the last one of them: lines stay in
    the order of time, and the result has its own time in its text.
    """

    def __init__(self) -> None:
        self._seen: set[tuple[str, ...]] = set()
        self._began: float | None = None
        self._last = 0.0
        """The Unix second of the newest reported line."""

    def news(self, drill: Object) -> list[Happened]:
        """What is new in a Drill, in the order in which it happened."""
        new = [line for line in _all(drill.get("status", {}), self._last) if line.key not in self._seen]
        found = []
        for line in sorted(new, key=lambda one: one.at):
            self._seen.add(line.key)
            self._began = line.at if self._began is None else self._began
            self._last = max(self._last, line.at)
            found.append(Happened(max(0.0, line.at - self._began), line.reason, line.message, line.bad))
        return found


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the timeline, or the result of an expectation; ``key`` is what it is remembered by."""

    key: tuple[str, ...]
    at: float
    reason: str
    message: str
    bad: bool


def _all(status: dict[str, Any], last: float) -> Iterator[_Line]:
    for line in events_of(status):
        key = (line["at"], line["reason"], line["message"])
        yield _Line(key, shown_moment(line["at"]), line["reason"], line["message"], line.get("warning", False))
    for one in expectations_of(status):
        if one["state"] != ResultState.PENDING.value:
            key = (one["stage"], one["name"], one["state"])
            at = max(last, shown_moment(one["at"]))
            yield _Line(key, at, one["state"], _judged(one), one["state"] in BAD)


def _judged(one: dict[str, Any]) -> str:
    after = f" after {one['seconds']:.1f} s" if "seconds" in one else ""
    late = f", {one['late']:.1f} s late" if "late" in one else ""
    why = f": {one['message']}" if one.get("message") else ""
    return f"{one['name']}{after}{late}{why}"
