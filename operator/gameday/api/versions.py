"""What ran in a drill's targets, in its status: ``status.targets``, a line for each workload::

    WORKLOAD: template HASH[ HASH...]; CONTAINER=IMAGE[ (DIGEST)][, CONTAINER=IMAGE...]

It stands there once, and is read back from there. A line that is cut says nothing of what was cut off.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from gameday.model.versions import Version
from gameday.schema.bounds import LINE, cut

MOST: Final = 16
"""Workloads that are recorded."""
_LINE: Final = re.compile(r"(?P<workload>\w+ [^:\s]+): template (?P<templates>[^;]*); (?P<images>.*)")
NO_TEMPLATE: Final = "none"

SCHEMA: Final = {
    "type": "array",
    "maxItems": MOST,
    "description": "What ran in the targets: pod templates and images of each workload.",
    "items": {"type": "string", "maxLength": LINE},
    "x-kubernetes-list-type": "atomic",
}


def shown(versions: tuple[Version, ...]) -> list[str]:
    """The lines of a status."""
    return [cut(_line(version), LINE) for version in versions[:MOST]]


def shortened(lines: list[str], most: int) -> list[str]:
    """The lines where a status is too large: one that does not fit as it is would say something wrong, and goes."""
    return [line for line in lines if len(line) <= most]


def read(status: Mapping[str, Any]) -> tuple[Version, ...]:
    """What ran, from a status; lines that were cut or damaged are left out."""
    found = status.get("targets")
    lines = found if isinstance(found, list) else []
    matched = (_LINE.fullmatch(line) for line in lines if isinstance(line, str) and not line.endswith("…"))
    return tuple(
        Version(
            parts["workload"],
            tuple(one for one in parts["templates"].split(" ") if one != NO_TEMPLATE),
            tuple(parts["images"].split(", ")) if parts["images"] else (),
        )
        for parts in matched
        if parts is not None
    )


def _line(version: Version) -> str:
    templates = " ".join(version.templates) or NO_TEMPLATE
    return f"{version.workload}: template {templates}; {', '.join(version.images)}"
