"""What the API server refuses of our own kinds, by the same dictionaries of which ``crds/*.yaml`` are made.

Checked are types, required fields, enums, lengths, counts, ranges, patterns, times, the keys of lists, and the size of
an object; fields that a schema does not know are pruned. CEL rules are not evaluated, and defaults are not filled in.
Read ``admitted`` first: it turns a schema into closures once, because a soak writes a million statuses.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from gameday.api.crds import definitions
from gameday.cluster.resources import Object, Resource
from gameday.errors import Rejected

MOST_BYTES = 3 * 512 * 1024
"""Largest object that etcd takes: 1.5 MiB."""

Schema = Mapping[str, Any]
Check = Callable[[Any], Any]
"""Returns the value without what is pruned, or raises ``Wrong``."""

DATE_TIME = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)"
)


class Wrong(Exception):
    """A value that its schema does not admit; ``path`` grows on its way up."""

    def __init__(self, why: str, path: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.path = path

    def below(self, part: str) -> "Wrong":
        """The same, seen from the field around it."""
        return Wrong(self.why, f"{part}{self.path}")


def admitted(resource: Resource, before: Object | None, thing: Object) -> Object:
    """An object of ours as it is stored; objects of other kinds pass as they are.

    A part that is still the one that was admitted before is not looked at again.

    Raises:
        Rejected: as the API server answers 422, with the field's path.

    """
    checks = _checks().get(resource.plural)
    if checks is None:
        return thing
    if "spec" not in thing:
        raise _refused(resource, thing, Wrong("Required value", ".spec"))
    for part, check in checks.items():
        value = thing.get(part)
        if value is None or (before is not None and before.get(part) is value):
            continue
        try:
            kept = check(value)
        except Wrong as error:
            raise _refused(resource, thing, error.below(f".{part}")) from None
        if kept is not value:
            thing = thing | {part: kept}
    if (size := len(json.dumps(thing))) > MOST_BYTES:
        raise _refused(resource, thing, Wrong(f"Too long: {size} bytes, {MOST_BYTES} are allowed"))
    return thing


def _refused(resource: Resource, thing: Object, error: Wrong) -> Rejected:
    return Rejected(f'{resource.plural} "{thing["metadata"]["name"]}" is invalid: {error.path[1:]}: {error.why}')


@lru_cache(maxsize=1)
def _checks() -> dict[str, dict[str, Check]]:
    found = {}
    for body in definitions().values():
        root = body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        found[body["spec"]["names"]["plural"]] = {part: _check(root[part]) for part in ("spec", "status")}
    return found


def _check(schema: Schema) -> Check:
    match schema.get("type"):
        case "object":
            return _object(schema)
        case "array":
            return _array(schema)
        case "string":
            return _string(schema)
        case "boolean":
            return _boolean
        case "integer" | "number" as kind:
            return _number(schema, whole=kind == "integer")
        case _ if schema.get("x-kubernetes-preserve-unknown-fields"):
            return _anything
        case other:
            raise NotImplementedError(f"a schema of type {other}")


def _anything(value: Any) -> Any:
    return value


def _boolean(value: Any) -> Any:
    if not isinstance(value, bool):
        raise Wrong(f"Invalid value: {value!r}: must be of type boolean")
    return value


def _object(schema: Schema) -> Check:
    fields = {name: _check(below) for name, below in schema.get("properties", {}).items()}
    required = schema.get("required", ())
    others = schema.get("additionalProperties")
    rest = _check(others) if isinstance(others, dict) else None
    keeps = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    most = schema.get("maxProperties")

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Wrong(f"Invalid value: {value!r}: must be of type object")
        for name in required:
            if name not in value:
                raise Wrong("Required value", f".{name}")
        if most is not None and len(value) > most:
            raise Wrong(f"Too many: {len(value)}: must have at most {most} items")
        kept = value
        for name, below in value.items():
            known = fields.get(name, rest)
            if known is None:
                if not keeps:
                    kept = {key: one for key, one in kept.items() if key != name}
                continue
            try:
                fine = known(below)
            except Wrong as error:
                raise error.below(f".{name}") from None
            if fine is not below:
                kept = kept | {name: fine}
        return kept

    return check


def _array(schema: Schema) -> Check:
    item = _check(schema["items"])
    least, most = schema.get("minItems", 0), schema.get("maxItems", float("inf"))
    keys = tuple(schema.get("x-kubernetes-list-map-keys", ()))

    def check(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise Wrong(f"Invalid value: {value!r}: must be of type array")
        if not least <= len(value) <= most:
            raise Wrong(f"Invalid number of items: {len(value)}: must have from {least} to {most}")
        kept = []
        for index, one in enumerate(value):
            try:
                kept.append(item(one))
            except Wrong as error:
                raise error.below(f"[{index}]") from None
        if keys and len({tuple(one[key] for key in keys) for one in kept}) < len(kept):
            raise Wrong("Duplicate value")
        return value if all(new is old for new, old in zip(kept, value, strict=True)) else kept

    return check


def _string(schema: Schema) -> Check:
    least, most = schema.get("minLength", 0), schema.get("maxLength", float("inf"))
    words = frozenset(schema["enum"]) if "enum" in schema else None
    pattern = re.compile(schema["pattern"]) if "pattern" in schema else None
    timed = schema.get("format") == "date-time"

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            raise Wrong(f"Invalid value: {value!r}: must be of type string")
        if not least <= len(value) <= most:
            raise Wrong(f"Invalid length: {len(value)}: must be from {least} to {most}")
        if words is not None and value not in words:
            raise Wrong(f'Unsupported value: "{value}": supported values: {", ".join(sorted(words))}')
        if pattern is not None and not pattern.search(value):
            raise Wrong(f'Invalid value: "{value}": should match {pattern.pattern}')
        if timed and not _is_time(value):
            raise Wrong(f'Invalid value: "{value}": must be of type date-time')
        return value

    return check


@lru_cache(maxsize=4096)
def _is_time(text: str) -> bool:
    return DATE_TIME.fullmatch(text) is not None


def _number(schema: Schema, *, whole: bool) -> Check:
    least, most = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))

    def check(value: Any) -> Any:
        wrong = isinstance(value, bool) or not isinstance(value, int | float)
        if wrong or (whole and value != int(value)):
            raise Wrong(f"Invalid value: {value!r}: must be of type {'integer' if whole else 'number'}")
        if not least <= value <= most:
            raise Wrong(f"Invalid value: {value}: must be from {least} to {most}")
        return value

    return check
