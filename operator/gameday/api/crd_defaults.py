"""Which defaults the definitions give to the API server: those that its rules read, and no other.

The API server adds defaults to all objects, also to those that were written before a field was there. An operator from
before the field, which may run for a while after the CRDs are new, would refuse what nobody wrote. The operator fills
defaults in itself, so an absent field means the same; its description says the default.
"""

import re
from collections.abc import Iterator

from gameday.schema.structural import Schema


def lean(schema: Schema) -> Schema:
    """A schema with the defaults that its rules read without ``has()``; the descriptions tell of the others."""
    read = (
        set(re.findall(r"\.(\w+)", rule)) - set(re.findall(r"has\([\w.]*\.(\w+)\)", rule)) for rule in _rules(schema)
    )
    return _lean(schema, frozenset().union(*read))


def _rules(schema: Schema) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", ()):
        yield rule["rule"]
    for below in _below(schema):
        yield from _rules(below)


def _below(schema: Schema) -> Iterator[Schema]:
    yield from schema.get("properties", {}).values()
    yield from (schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict))


def _lean(schema: Schema, read: frozenset[str]) -> Schema:
    made = dict(schema)
    for name in ("items", "additionalProperties"):
        if isinstance(made.get(name), dict):
            made[name] = _lean(made[name], read)
    if "properties" in made:
        made["properties"] = {name: _field(name, _lean(one, read), read) for name, one in made["properties"].items()}
    return made


def _field(name: str, field: Schema, read: frozenset[str]) -> Schema:
    if name in read or "default" not in field:
        return field
    default = field.pop("default")
    if isinstance(default, str | int) and default != "":
        shown = str(default).lower() if isinstance(default, bool) else default
        field["description"] = f"{field.get('description', '')} Default: {shown}.".strip()
    return field
