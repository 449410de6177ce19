"""The machine state as one text that people need not read: JSON, compressed, behind the version that it is of.

``{"version": 2, "gzip": "..."}``: an operator of any version reads which one it is. To look into it::

    kubectl get drill NAME -o jsonpath='{.status.state}' | jq -r .gzip | base64 -d | gunzip
"""

import base64
import gzip
import json
import zlib
from typing import Any, Final

from gameday.errors import StateUnreadable
from gameday.schema.bounds import PLAN_BYTES, STATE_BYTES, cut

LARGEST: Final = 2 * (PLAN_BYTES + STATE_BYTES)
"""Most bytes that are unpacked: the plan is a text within the JSON, in which each quote takes two bytes."""
_GZIP: Final = 31
"""zlib's window bits for a stream with gzip header and checksum."""


def packed(state: str, version: int) -> str:
    """The text of a state; of the same state it is the same."""
    body = base64.b64encode(gzip.compress(state.encode(), compresslevel=6, mtime=0)).decode()
    return f'{{"version":{version},"gzip":"{body}"}}'


def unpacked(text: str) -> dict[str, Any]:
    """The state of a text, with its version; version 1 was not compressed.

    Raises:
        StateUnreadable: when it is damaged, or not a state at all.

    """
    data = _parsed(text)
    if type(data.get("version")) is not int:
        raise StateUnreadable("status.state was edited: it has no version")
    if "gzip" not in data:
        return data
    return _parsed(_inflated(data["gzip"])) | {"version": data["version"]}


def _inflated(body: Any) -> str:
    try:
        inflater = zlib.decompressobj(_GZIP)
        found = inflater.decompress(base64.b64decode(body, validate=True), LARGEST)
        if not inflater.eof or inflater.unused_data:
            raise StateUnreadable("status.state is damaged: it is cut off or has extra bytes")
        return found.decode()
    except (ValueError, TypeError, zlib.error) as error:
        raise StateUnreadable(f"status.state is damaged: {cut(str(error), 128)}") from error


def _parsed(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise StateUnreadable(f"status.state is damaged: {cut(str(error), 128)}") from error
    if not isinstance(data, dict):
        raise StateUnreadable("status.state was edited: it is not an object")
    return data


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not a number")
