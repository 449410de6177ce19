"""An object as the API server sees it before it looks at it: nulls are taken out, and defaults filled in."""

import copy
from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]


def defaulted(value: Any, schema: Mapping[str, Any]) -> Any:
    """A copy with defaults; no field of the CRDs is nullable, so a null counts as absent."""
    if isinstance(value, Mapping):
        below = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        rest = rest if isinstance(rest, Mapping) else None
        found = {
            name: defaulted(one, below.get(name) or rest or {})
            for name, one in value.items()
            if one is not None or (name not in below and rest is None)
        }
        for name, one in below.items():
            if name not in found and "default" in one:
                found[name] = defaulted(copy.deepcopy(one["default"]), one)
        return found
    if isinstance(value, list):
        return [defaulted(one, schema.get("items", {})) for one in value]
    return value
