"""The lines of agents' logs: how a sample is written and read; see ``sample`` for their form."""

import json
from collections.abc import Mapping
from typing import Any

from gameday.model.sample import LINE_BYTES, Sample

LONGEST_STRING = 256
"""Characters of a string that a sample keeps."""


def encode(sample: Sample) -> str:
    """The line of a sample, without its end. Values that would make it too long are left out, and it says so."""
    fields: dict[str, Any] = {
        "n": sample.n,
        "name": sample.name,
        "sent": round(sample.sent, 6),
        "received": round(sample.received, 6),
        "ok": sample.ok,
    }
    if sample.error:
        fields["error"] = sample.error[:LONGEST_STRING]
    if sample.values:
        fields["values"] = sample.values
    line = json.dumps(fields, separators=(",", ":"))
    if len(line.encode()) > LINE_BYTES:
        fields["values"] = {"truncated": True}
        line = json.dumps(fields, separators=(",", ":"))
    return line


def parse_line(agent: str, line: bytes | str) -> Sample:
    """The sample of a line.

    Raises:
        ValueError: when the line is not one.

    """
    fields = json.loads(line)
    if not isinstance(fields, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  a line is text: its content is wrong, not its type
    try:
        return Sample(
            agent=agent,
            n=int(fields["n"]),
            name=str(fields["name"]),
            sent=float(fields["sent"]),
            received=float(fields["received"]),
            ok=fields["ok"] is True,
            error=fields.get("error"),
            values=_values(fields.get("values", {})),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a sample: {error!r}") from error


def _values(values: object) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise ValueError("values is no object")  # noqa: TRY004  see above
    return {str(key): _frozen(value) for key, value in values.items()}


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _frozen(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return tuple(_frozen(inner) for inner in value)
    return value
