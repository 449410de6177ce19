"""Fields that a schema does not know. kubectl has the API server refuse them: pruned in silence, a typing error would
be another drill.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

REFUSED: Final = "refused."
"""How the description of a field ends that stands in a schema to be refused (``schema/renamed.py``)."""


def unknown(value: Any, schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Each field that is not known, with the one that is probably meant."""
    if isinstance(value, Mapping):
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            return
        known = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        for name, one in value.items():
            where = f"{path}.{name}" if path else str(name)
            if name in known:
                yield from unknown(one, known[name], where)
            elif isinstance(rest, Mapping):
                yield from unknown(one, rest, where)
            else:
                yield where, _message(str(name), known)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from unknown(one, schema.get("items", {}), f"{path}[{index}]")


def _message(name: str, fields: Mapping[str, Any]) -> str:
    # An earlier name stands in the schema to be refused: it is no advice.
    known = [one for one, schema in fields.items() if not schema.get("description", "").endswith(REFUSED)]
    near = get_close_matches(name, known, 1)
    if near:
        return f"unknown field: did you mean {near[0]}?"
    return (
        f"unknown field: the fields here are {', '.join(sorted(known))}"
        if known
        else "unknown field: no field is known here"
    )
