"""The structural part of a CRD's schema: types, lengths, patterns, enums, counts, and keys of lists."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator, TypeChecker, ValidationError
from jsonschema.validators import extend

from gameday.schema.bounds import cut
from gameday.schema.findings import path_of

Schema = dict[str, Any]
SHOWN: Final = 60
"""Characters of a value that a message shows."""
_DATE_TIME: Final = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)"
)
_LARGEST: Final = 2**53 - 1
"""Largest number with a decimal point that the API server takes for an integer."""


def _is_integer(_: TypeChecker, value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, float):
        return value.is_integer() and abs(value) <= _LARGEST
    return isinstance(value, int) and -(2**63) <= value < 2**63


def _is_pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:
    """As Go reads it: ``$`` is the end of the text, and not also what stands before a last line feed."""
    if isinstance(value, str) and re.search(re.sub(r"\$$", r"\\Z", pattern), value) is None:
        yield ValidationError(f"must match {pattern}")


def _is_time(_: Any, form: str, value: Any, __: Any) -> Iterator[ValidationError]:
    if form == "date-time" and isinstance(value, str) and _DATE_TIME.fullmatch(value) is None:
        yield ValidationError("must be of type date-time")


def _is_map(_: Any, keys: list[str], value: Any, __: Any) -> Iterator[ValidationError]:
    """The keys that identify the items of a list."""
    if not isinstance(value, list):
        return
    seen: set[str] = set()
    for index, one in enumerate(value):
        if not isinstance(one, Mapping):
            continue
        key = repr([one.get(name) for name in keys])
        if key in seen:
            shown = ", ".join(f"{name} {one.get(name)!r}" for name in keys)
            yield ValidationError(f"is used twice: choose another {shown}", path=[index])
        seen.add(key)


_VALIDATOR: Final = extend(
    Draft202012Validator,
    {"pattern": _is_pattern, "format": _is_time, "x-kubernetes-list-map-keys": _is_map},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)
_KINDS: Final = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
_WANTED: Final = {
    "object": "an object",
    "array": "a list",
    "string": "a string (in quotes, if it looks like a number)",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def violations(value: Any, schema: Schema) -> Iterator[tuple[str, str]]:
    """What a schema does not admit, each with its path."""
    found = _VALIDATOR(schema).iter_errors(value)
    for error in sorted(found, key=lambda one: [str(part) for part in one.absolute_path]):
        yield _finding(error)


def _finding(error: ValidationError) -> tuple[str, str]:
    path = tuple(error.absolute_path)
    value, limit = error.instance, error.validator_value
    shown = cut(repr(value), SHOWN)
    match error.validator:
        case "required":
            missing = next(name for name in limit if error.message.startswith(repr(name)))
            return path_of((*path, missing)), "is missing: write it"
        case "type":
            return path_of(path), f"{shown} is {_KINDS.get(type(value), 'a number')}: write {_WANTED[limit]}"
        case "enum":
            return path_of(path), f"{shown} is not one of {', '.join(map(str, limit))}"
        case "pattern":
            return path_of(path), f"{shown} does not match {limit}"
        case "maxLength":
            return path_of(path), f"it has {len(value)} characters, and at most {limit} are allowed"
        case "minLength":
            return path_of(path), "it is empty: write something, or leave the field out"
        case "maxItems":
            return path_of(path), f"it has {len(value)} items, and at most {limit} are allowed"
        case "minItems":
            return path_of(path), f"it has {len(value)} items, and at least {limit} are needed"
        case "minimum" | "maximum":
            return path_of(path), f"{shown} is out of range: {error.validator} is {limit}"
        case "format":
            return path_of(path), f"{shown} is not a time: write one such as 2026-12-18T18:00:00Z"
        case _:
            return path_of(path), error.message
