"""A status that fits: the oldest lines of the timeline go first, then messages are shortened; undo entries never go."""

from typing import Any, Final

from gameday.api import dry_run, versions
from gameday.api.lines import shortened, timeline_line
from gameday.model.record import TimelineEntry
from gameday.schema.bounds import LINE, SHOWN_BYTES, STATUS_BYTES, cut, json_bytes

MACHINE: Final = ("state",)
"""Fields that people do not read; each has a bound of its own."""
MESSAGES: Final = (LINE, 384, 256, 192, 128, 64, 32, 0)
"""Characters of each message where all do not fit."""
KEPT: Final = frozenset(
    {
        "state",
        "planDigest",
        "observedGeneration",
        "operator",
        "phase",
        "changed",
        "verdict",
        "reason",
        "startedAt",
        "finishedAt",
        "unreported",
        "samples",
        "notifications",
        "undo",
    }
)
"""The fields kept of a refused status: enough to continue, to undo everything without the state, and to send nothing
twice."""


def fitted(status: dict[str, Any]) -> dict[str, Any]:
    """A Drill's status within its bounds. It is changed in place where it is too large."""
    machine = json_bytes({name: status[name] for name in MACHINE if name in status})
    room = min(SHOWN_BYTES, STATUS_BYTES - machine)
    over = _shown_bytes(status) - room
    timeline = status.get("timeline", [])
    gone = 0
    while over > 0 and gone < len(timeline):
        over -= json_bytes(timeline[gone]) + 1
        gone += 1
    if gone:
        status["timeline"] = timeline[gone:]
    for most in MESSAGES:
        if over <= 0:
            break
        _shorten(status, most)
        over = _shown_bytes(status) - room
    return status


def _shown_bytes(status: dict[str, Any]) -> int:
    return json_bytes({name: value for name, value in status.items() if name not in MACHINE})


def _shorten(status: dict[str, Any], most: int) -> None:
    """Cut every message to so many characters."""
    for field in ("expectations", "steps"):
        if field in status:
            status[field] = [shortened(field, line, most) for line in status[field]]
    if "targets" in status:
        status["targets"] = versions.shortened(status["targets"], most)
    if "dryRun" in status:
        status["dryRun"] = dry_run.shortened(status["dryRun"], most)
    for one in (*status.get("conditions", ()), *status.get("notifications", ())):
        if "message" in one:
            one["message"] = cut(one["message"], most)
    for field in ("message", "summary"):
        if field in status:
            status[field] = cut(status[field], most)


def bare(status: dict[str, Any], at: float, why: str) -> dict[str, Any]:
    """The status that is written after the API server refused one: the state, the undo log, and one line that says so.

    ``status`` is made with no texts in its state, ``at`` is the time of the line.
    """
    line = timeline_line(TimelineEntry(at, "StatusRefused", why, warning=True))
    conditions = [one | {"message": cut(one["message"], 64)} for one in status.get("conditions", ())]
    kept = {name: status[name] for name in KEPT if name in status}
    if "message" in status:
        kept["message"] = cut(status["message"], 256)
    return kept | {"conditions": conditions, "timeline": [line]}
