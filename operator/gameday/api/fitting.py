"""A status that fits: the oldest lines of the timeline go first, then messages are shortened; undo entries never go."""

from collections.abc import Iterator
from typing import Any, Final

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
        "undo",
    }
)
"""What is left of a status that the API server refused: enough to go on, and to undo everything without the state."""


def fitted(status: dict[str, Any]) -> dict[str, Any]:
    """A Drill's status within its bounds. It is changed in place where it is too large."""
    machine = json_bytes({name: status[name] for name in MACHINE if name in status})
    room = min(SHOWN_BYTES, STATUS_BYTES - machine)
    over = json_bytes({name: value for name, value in status.items() if name not in MACHINE}) - room
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
        for holder, field in _messages(status):
            before = json_bytes(holder[field])
            holder[field] = cut(holder[field], most)
            over -= before - json_bytes(holder[field])
    return status


def bare(status: dict[str, Any], at: str, why: str) -> dict[str, Any]:
    """What is written where the API server refuses the status: the state, the undo log, and one line that says so.

    ``status`` is made with no texts in its state, ``at`` is the time of the line.
    """
    line = {"at": at, "reason": "StatusRefused", "message": cut(why, LINE), "warning": True}
    conditions = [one | {"message": cut(one["message"], 64)} for one in status.get("conditions", ())]
    kept = {name: status[name] for name in KEPT if name in status}
    if "message" in status:
        kept["message"] = cut(status["message"], 256)
    return kept | {"conditions": conditions, "timeline": [line]}


def _messages(status: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Where a text stands that may be shortened."""
    for field in ("expectations", "steps", "conditions"):
        yield from ((one, "message") for one in status.get(field, ()) if one.get("message"))
    yield from ((status, field) for field in ("message", "summary") if status.get(field))
