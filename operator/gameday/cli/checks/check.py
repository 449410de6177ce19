"""Checks one GameDay or Drill: fields and schema, then CEL rules, then the plan."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from gameday.api.crds import GROUP, VERSION, definitions
from gameday.api.parse import PlanTooBig
from gameday.cli.checks.defaults import defaulted
from gameday.cli.checks.fields import unknown
from gameday.cli.checks.metadata import METADATA, check_metadata, named
from gameday.cli.checks.rules import broken
from gameday.cli.checks.schema import Schema, violations
from gameday.controller.gameday.gamedays import read_all
from gameday.errors import PlanInvalid

Finding = tuple[str, str]
"""A field's path, and what is wrong with it."""
API_VERSION: Final = f"{GROUP}/{VERSION}"
TOP: Final[Schema] = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}


@lru_cache(maxsize=1)
def schemas() -> dict[str, Schema]:
    """The schemas of GameDay and Drill."""
    return {
        body["spec"]["names"]["kind"]: body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for body in definitions().values()
    }


def check(body: Mapping[str, Any]) -> tuple[Finding, ...]:
    """All findings about an object; ``()`` if the operator would accept it."""
    return refusals(body) or tuple(_plan(body))


def refusals(body: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What the API server would refuse it for.

    CEL rules are read only where the schema admits the object: they may fail on any other.
    """
    kind = str(body.get("kind", ""))
    if body.get("apiVersion") != API_VERSION:
        return (("apiVersion", f"{body.get('apiVersion')!r} is not served: write {API_VERSION}"),)
    if kind not in schemas():
        return (("kind", f"there is no kind {kind!r} in {API_VERSION}: write {' or '.join(schemas())}"),)
    schema = schemas()[kind]
    known = schema | {"properties": schema["properties"] | TOP | {"metadata": METADATA}}
    # The API server drops the status of what is created, but for fields that it does not know.
    admitted = {key: value for key, value in defaulted(body, schema).items() if key != "status"}
    found = (
        *unknown(body, known),
        *check_metadata(body.get("metadata")),
        *violations(admitted, {key: value for key, value in schema.items() if key != "status"}),
    )
    return found or tuple(broken(named(admitted), schema))


def _plan(body: Mapping[str, Any]) -> Iterator[Finding]:
    """What the operator would say of a GameDay: Ready is False then, and a drill of it never starts."""
    if body["kind"] != "GameDay":
        return
    whole = defaulted(body, schemas()["GameDay"])
    try:
        read_all({"metadata": {"name": whole["metadata"].get("name", "")}, "spec": whole["spec"]})
    except PlanInvalid as error:
        yield from error.findings
    except PlanTooBig as error:
        yield "spec", str(error)
