"""The CEL rules of a CRD's schema, evaluated as the API server does at a creation."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import cel

RULES: Final = "x-kubernetes-validations"
_RESERVED: Final = frozenset(
    """true false null in as break const continue else for function if import let loop package namespace return var
    void while""".split()  # noqa: SIM905  a list of so many words is harder to read
)
"""Words of CEL's own: a field of that name is written ``__for__``."""
_TRANSITION: Final = re.compile(r"\boldSelf\b")
"""A rule about a change says nothing of a new object."""


def broken(value: Any, schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Each rule that does not hold, with the path of the object that it stands at. Defaults must be filled in."""
    for rule in schema.get(RULES, ()):
        if not _TRANSITION.search(rule["rule"]) and not _holds(rule["rule"], value):
            yield path or "metadata.name", rule["message"]
    if isinstance(value, Mapping):
        below, rest = schema.get("properties", {}), schema.get("additionalProperties")
        for name, one in value.items():
            known = below.get(name, rest)
            if isinstance(known, Mapping):
                yield from broken(one, known, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from broken(one, schema.get("items", {}), f"{path}[{index}]")


def _holds(rule: str, value: Any) -> bool:
    """Whether a rule holds; one that cannot be evaluated does not, as for the API server."""
    try:
        return _program(rule).execute({"self": _named(value)}) is True
    except (ValueError, TypeError, LookupError, RuntimeError, OverflowError):
        return False


@lru_cache(maxsize=256)
def _program(rule: str) -> Any:
    return cel.compile(rule)


def _named(value: Any) -> Any:
    """A value whose fields have the names by which CEL knows them."""
    if isinstance(value, Mapping):
        return {f"__{name}__" if name in _RESERVED else name: _named(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_named(one) for one in value]
    return value
