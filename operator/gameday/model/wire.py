"""The lines of agents' logs: how a sample is written and read; see ``sample`` for their form."""

import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gameday.model.sample import LINE_BYTES, LineType, Sample, Unknown

LONGEST_STRING: Final = 256
"""Characters of a string that a sample keeps."""
LONGEST_NAME: Final = 512
"""Characters of a sample's name: a bystander's is made of a Service's name and namespace."""
DEEPEST: Final = 16
"""Levels of maps and lists in a sample's values; an observer keeps half as many."""
MOST_VALUES: Final = 256
"""Values that a sample holds, with the maps and lists around them: what expressions cost is bounded by it."""
MOST_UNKNOWN: Final = 8
"""Paths that a sample names as unknown; more are named by what they have in common."""
LONGEST_WHY: Final = 128
"""Characters of the reason why a path is unknown."""
LONGEST_PATH: Final = 32
"""Keys of a path that is unknown."""
LONGEST_KEY: Final = 1024
"""Characters of a key of such a path: no expression is longer."""
LAST_MOMENT: Final = 2.0**33
"""Unix second, in the year 2242, from which on a clock is taken for broken."""
LAST_NUMBER: Final = 2**53
"""Number of a line that no agent reaches."""


def encode(sample: Sample) -> str:
    """The line of a sample, without its end. Values that would make it too long are left out and marked unknown."""
    values = dict(sample.values)
    unknown = bounded(sample.unknown)
    line = _line(sample, values, unknown)
    while len(line) > LINE_BYTES and values:
        largest = max(values, key=lambda key: len(_json(values[key])))
        del values[largest]
        unknown = bounded((*unknown, ((largest,), "the answer is too long for one line of the agent's log")))
        line = _line(sample, values, unknown)
    if len(line) > LINE_BYTES:
        line = _line(sample, values, (((), "the list of unknown paths is too long for one line of the agent's log"),))
    return line


def _line(sample: Sample, values: Mapping[str, Any], unknown: tuple[Unknown, ...]) -> str:
    fields: dict[str, Any] = {
        "n": sample.n,
        "type": sample.type.value,
        "name": sample.name,
        "sent": round(sample.sent, 6),
        "received": round(sample.received, 6),
        "ok": sample.ok,
    }
    if sample.error:
        fields["error"] = sample.error[:LONGEST_STRING]
    if values:
        fields["values"] = values
    if unknown:
        fields["unknown"] = unknown
    return _json(fields)


def _json(value: Any) -> str:
    """JSON in ASCII: its characters are its bytes."""
    return json.dumps(value, separators=(",", ":"))


def bounded(unknown: Iterable[Unknown]) -> tuple[Unknown, ...]:
    """The unknown paths, none below another; more than ``MOST_UNKNOWN`` become the path that they have in common."""
    why = {path: text[:LONGEST_WHY] for path, text in reversed(list(unknown))}
    kept = tuple((path, why[path]) for path in reversed(why) if not any(path[:i] in why for i in range(len(path))))
    if len(kept) <= MOST_UNKNOWN:
        return kept
    common = kept[0][0]
    for path, _ in kept:
        alike = (i for i, (one, other) in enumerate(zip(common, path, strict=False)) if one != other)
        common = common[: next(alike, min(len(common), len(path)))]
    return ((common, f"{len(kept)} paths are unknown, the first: {kept[0][1]}"[:LONGEST_WHY]),)


def parse_line(agent: str, line: bytes | str) -> Sample:
    """The sample of a line. An agent's log is not trusted: everyone who may create pods in its namespace can fake one.

    Raises:
        ValueError: when the line is not valid; the message contains nothing of it.

    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        # Never the error's own text: it may hold a piece of the line.
        raise ValueError("it is not JSON") from None
    if not isinstance(fields, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004  a line is text: its content is wrong, not its type
    values = fields.get("values", {})
    if not isinstance(values, Mapping):
        raise ValueError("field values is not an object")  # noqa: TRY004  see above
    return Sample(
        agent=agent,
        n=_number(fields.get("n")),
        name=_name(fields),
        sent=_moment(fields, "sent"),
        received=_moment(fields, "received"),
        ok=fields.get("ok") is True,
        error=_text(fields, "error", LONGEST_STRING),
        values=_Freezer().frozen(values, DEEPEST),
        unknown=_unknown(fields.get("unknown", [])),
        type=_type(fields.get("type")),
    )


_TYPES: Final = {line_type.value: line_type for line_type in LineType}


def _type(value: object) -> LineType:
    known = _TYPES.get(value) if isinstance(value, str) else None
    if known is None:
        raise ValueError("field type is not a known type of line")
    return known


def _unknown(value: object) -> tuple[Unknown, ...]:
    if not isinstance(value, list) or len(value) > MOST_UNKNOWN:
        raise ValueError("field unknown is not a short list")
    return tuple(_unknown_path(entry) for entry in value)


def _unknown_path(entry: object) -> Unknown:
    match entry:
        case [list(path), str(why)] if len(path) <= LONGEST_PATH and len(why) <= LONGEST_WHY:
            if all(_is_key(key) for key in path):
                return tuple(path), why
    raise ValueError("field unknown has an invalid entry")


def _is_key(key: object) -> bool:
    if isinstance(key, str):
        return len(key) <= LONGEST_KEY
    return isinstance(key, int) and not isinstance(key, bool) and 0 <= key < LAST_NUMBER


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < LAST_NUMBER:
        raise ValueError("field n is not a valid sequence number")
    return value


def _moment(fields: Mapping[str, Any], key: str) -> float:
    value = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"field {key} is not a valid time")  # noqa: TRY004  see above
    # Compared before it is made a float: a whole number may be too large for one.
    if not 0 <= value < LAST_MOMENT:
        raise ValueError(f"field {key} is not a valid time")
    return float(value)


def _name(fields: Mapping[str, Any]) -> str:
    if not (name := _text(fields, "name", LONGEST_NAME)):
        raise ValueError("field name is missing")
    # A drill has few names and many lines.
    return sys.intern(name)


def _text(fields: Mapping[str, Any], key: str, longest: int) -> str | None:
    value = fields.get(key)
    if value is not None and (not isinstance(value, str) or len(value) > longest):
        raise ValueError(f"field {key} is not a short text")
    return value


@dataclass(slots=True)
class _Freezer:
    left: int = MOST_VALUES + 1

    def frozen(self, value: Any, depth: int) -> Any:
        """The value as samples hold it; a number that no double holds becomes infinite."""
        self.left -= 1
        if self.left < 0:
            raise ValueError("field values has too many values")
        match value:
            case Mapping() | list() if not depth:
                raise ValueError("field values is nested too deep")
            case Mapping():
                return {str(key): self.frozen(inner, depth - 1) for key, inner in value.items()}
            case list():
                return tuple(self.frozen(inner, depth - 1) for inner in value)
            case bool():
                return value
            case int() if abs(value) >= LAST_NUMBER:
                return _double(value)
            case _:
                return value


def _double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
