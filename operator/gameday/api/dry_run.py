"""The findings of a dry run in a Drill's status: ``status.dryRun``, lists of lines for people and for ``gameday plan``.

They stand there once, and are read back from there.
"""

from collections.abc import Mapping
from typing import Any, Final

from gameday.model.dry_run import DryRun
from gameday.schema.bounds import ENTRIES, LINE, cut

FIELDS: Final = {
    "refusals": "Why a drill would not come to its faults now.",
    "warnings": "What to know before a drill, although it would begin.",
    "targets": "The pods that each fault would act on, by workload.",
    "limits": "What the plan needs of the administrator's limits, and its blast radius.",
    "policies": "Policies that decide who may reach what a fault cuts off.",
    "rights": "What the account gameday must be allowed to do, and what of it is missing.",
    "probes": "The answer of each probe, with the values that expressions use.",
    "expectations": "What each expectation, and the condition of each mitigation, reads now, before any fault.",
}
"""The lists, with what each says."""

SCHEMA: Final = {
    "type": "object",
    "description": "What a dry run found; absent from a drill.",
    "properties": {
        name: {
            "type": "array",
            "maxItems": ENTRIES,
            "description": text,
            "items": {"type": "string", "maxLength": LINE},
            "x-kubernetes-list-type": "atomic",
        }
        for name, text in FIELDS.items()
    },
}


def shown(dry_run: DryRun) -> dict[str, list[str]]:
    """The findings as a status has them; empty lists are left out."""
    every = {name: list(getattr(dry_run, name)) for name in FIELDS}
    return {name: _bounded(lines) for name, lines in every.items() if lines}


def shortened(found: Mapping[str, Any], most: int) -> dict[str, list[str]]:
    """The same with each line cut to so many characters."""
    return {name: [cut(line, most) for line in lines] for name, lines in found.items()}


def read(status: Mapping[str, Any]) -> DryRun:
    """The findings of a status; what somebody damaged is left out."""
    found = status.get("dryRun")
    if not isinstance(found, Mapping):
        return DryRun()
    lists = {name: found.get(name) for name in FIELDS}
    texts = {name: tuple(map(str, lines)) for name, lines in lists.items() if isinstance(lines, list)}
    return DryRun(**texts)


def _bounded(lines: list[str]) -> list[str]:
    """At most as many lines as the list may have, the last of which then says how many more there are."""
    most = ENTRIES
    kept = lines if len(lines) <= most else [*lines[: most - 1], f"and {len(lines) - most + 1} more"]
    return [cut(line, LINE) for line in kept]
