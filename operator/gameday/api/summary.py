"""The outcome of a drill in one sentence, for a chat or a ticket."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from gameday.api.lines import plain
from gameday.model.record import DrillRecord, Verdict
from gameday.schema.bounds import LINE, cut
from gameday.schema.times import duration

_VERBS: Final = {
    Verdict.PASSED: "passed",
    Verdict.FAILED: "failed",
    Verdict.INCONCLUSIVE: "was inconclusive",
    Verdict.ABORTED: "was aborted",
}
_WHY: Final = 256
"""Most characters of why it ended so: the figures come after it, and are not to be cut."""


def summary_of(
    record: DrillRecord, namespace: str, gameday: str, measurements: Iterable[Mapping[str, str | float]]
) -> str:
    """The sentence about a drill that has ended, with its measured times and their units; "" of one under way."""
    if record.finished_at is None:
        return ""
    if record.verdict is None:
        return _of_dry_run(record, namespace, gameday) if record.dry_run is not None else ""
    began = datetime.fromtimestamp(record.started_at or record.finished_at, UTC)
    took = f", after {duration(record.finished_at - record.started_at)}" if record.started_at is not None else ""
    why = cut(record.message, _WHY) or record.reason
    figures = ", ".join(f"{f['name']} {plain(float(f['value']))} {f['unit']}".rstrip() for f in measurements)
    text = f"GameDay {gameday} in {namespace} {_VERBS[record.verdict]} on {began:%Y-%m-%d at %H:%M} UTC{took}: {why}"
    return cut(f"{text}; {figures}" if figures else text, LINE)


def _of_dry_run(record: DrillRecord, namespace: str, gameday: str) -> str:
    """The sentence about a dry run."""
    ended = datetime.fromtimestamp(record.finished_at or 0.0, UTC)
    found = f"Dry run of GameDay {gameday} in {namespace} on {ended:%Y-%m-%d at %H:%M} UTC: {record.reason}"
    return cut(f"{found}: {cut(record.message, _WHY)}", LINE)
