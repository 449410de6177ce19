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
    """Reports each line once.

    Reported lines are remembered by their text, because the operator drops the oldest lines of a long timeline.
    """

    def __init__(self) -> None:
        self._seen: set[tuple[str, ...]] = set()
        self._began: float | None = None

    def news(self, drill: Object) -> list[Happened]:
        """What is new in a Drill, in the order in which it happened."""
        found = []
        for at, reason, message, bad in sorted(_all(drill.get("status", {})), key=lambda one: one[0]):
            if (at, reason, message) not in self._seen:
                self._seen.add((at, reason, message))
                self._began = shown_moment(at) if self._began is None else self._began
                found.append(Happened(max(0.0, shown_moment(at) - self._began), reason, message, bad))
        return found


def _all(status: dict[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    for line in events_of(status):
        yield line["at"], line["reason"], line["message"], line.get("warning", False)
    for one in expectations_of(status):
        if one["state"] != ResultState.PENDING.value:
            yield one["at"], one["state"], _judged(one), one["state"] in BAD


def _judged(one: dict[str, Any]) -> str:
    after = f" after {one['seconds']:.1f} s" if "seconds" in one else ""
    late = f", {one['late']:.1f} s late" if "late" in one else ""
    why = f": {one['message']}" if one.get("message") else ""
    return f"{one['name']}{after}{late}{why}"
