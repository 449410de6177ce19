"""Reads from an object's managed fields when its spec was last written, and strips them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

Object = dict[str, Any]


def spec_changed_at(thing: Object, now: float) -> float:
    """When a spec was last written, in whole seconds, as the API server noted it; ``now`` where it did not."""
    return max(
        (datetime.fromisoformat(entry["time"]).timestamp() for entry in _of_spec(thing["metadata"])), default=now
    )


def strip_managed_fields(thing: Object) -> Object:
    """An object without its managed fields, which are half of a GameDay's memory.

    The time of the last write of its spec is kept. Use the result only for reading.
    """
    metadata = thing["metadata"]
    if "managedFields" not in metadata:
        return thing
    entries = [{"time": entry["time"], "fieldsV1": {"f:spec": {}}} for entry in _of_spec(metadata)]
    return thing | {"metadata": metadata | {"managedFields": entries}}


def _of_spec(metadata: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for entry in metadata.get("managedFields", ()):
        if "f:spec" in entry.get("fieldsV1", {}) and entry.get("subresource", "") == "" and "time" in entry:
            yield entry
