"""Retention: which finished drills of a schedule are deleted."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FinishedDrill:
    """A scheduled drill that has ended, and holds nothing any more."""

    name: str
    finished_at: float
    failed: bool


def to_delete(finished: Iterable[FinishedDrill], keep: int) -> tuple[str, ...]:
    """Names of the drills to delete: all but the newest ``keep`` and the last one that failed."""
    newest_first = sorted(finished, key=lambda drill: (drill.finished_at, drill.name), reverse=True)
    last_failed = next((drill.name for drill in newest_first if drill.failed), None)
    return tuple(drill.name for drill in newest_first[keep:] if drill.name != last_failed)
