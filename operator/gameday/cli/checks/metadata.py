"""The part of an object that all kinds share: what may be written there, and how names and labels look."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gameday.cli.checks.schema import Schema, violations

_TEXT: Final[Schema] = {"type": "string"}
_TEXTS: Final[Schema] = {"type": "object", "additionalProperties": _TEXT}
METADATA: Final[Schema] = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "generateName": _TEXT,
        "namespace": _TEXT,
        "labels": _TEXTS,
        "annotations": _TEXTS,
        "finalizers": {"type": "array", "items": _TEXT},
        "uid": _TEXT,
        "resourceVersion": _TEXT,
        "selfLink": _TEXT,
        "generation": {"type": "integer"},
        "creationTimestamp": _TEXT,
        "deletionTimestamp": _TEXT,
        "deletionGracePeriodSeconds": {"type": "integer"},
        "managedFields": {"type": "array", "items": {"x-kubernetes-preserve-unknown-fields": True}},
        "ownerReferences": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "apiVersion": _TEXT,
                    "kind": _TEXT,
                    "name": _TEXT,
                    "uid": _TEXT,
                    "controller": {"type": "boolean"},
                    "blockOwnerDeletion": {"type": "boolean"},
                },
            },
        },
    },
}
"""What ObjectMeta has; the API server knows it without any CRD."""
SUFFIX: Final = 5
"""Characters that the API server adds to ``generateName``."""
LONGEST_PREFIX: Final = 58
"""Characters of ``generateName`` that are kept."""
_LABEL: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_VALUE: Final = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"


def check_metadata(metadata: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with an object's metadata."""
    if not isinstance(metadata, Mapping):
        yield "metadata", "is missing: write metadata with a name"
        return
    given = {name: one for name, one in metadata.items() if one is not None}
    wrong = [(f"metadata.{path}".rstrip("."), message) for path, message in violations(given, METADATA)]
    yield from wrong
    if wrong:
        return
    yield from _name(given)
    namespace = given.get("namespace", "")
    if namespace and not (re.fullmatch(_LABEL, namespace) and len(namespace) <= 63):
        yield "metadata.namespace", f"{namespace!r} is not a valid namespace name: use lower case letters, digits and -"
    for name, value in given.get("labels", {}).items():
        if not _qualified(name):
            yield f"metadata.labels.{name}", f"{name!r} is not a valid label key"
        if value and not (re.fullmatch(_VALUE, value) and len(value) <= 63):
            yield (
                f"metadata.labels.{name}",
                f"{value!r} is not a valid label value: letters, digits, -, _ and ., at most 63",
            )
    for name in given.get("annotations", {}):
        if not _qualified(name.lower()):
            yield f"metadata.annotations.{name}", f"{name!r} is not a valid annotation key"
    for index, name in enumerate(given.get("finalizers", ())):
        if not _qualified(name):
            yield f"metadata.finalizers[{index}]", f"{name!r} is not a valid finalizer"


def _name(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    name, prefix = metadata.get("name", ""), metadata.get("generateName", "")
    if not name and not prefix:
        yield "metadata.name", "is missing: write it, or generateName for `kubectl create`"
    # A prefix may end in -, which the suffix makes a name of.
    for field, text in (("name", name), ("generateName", re.sub("-$", "x", prefix))):
        if text and not (re.fullmatch(_SUBDOMAIN, text) and len(text) <= 253):
            yield (
                f"metadata.{field}",
                f"{text!r} is not a valid name: use lower case letters, digits, - and ., at most 253",
            )


def _qualified(name: str) -> bool:
    prefix, slash, last = name.rpartition("/")
    plain = re.fullmatch(_VALUE, last) is not None and len(last) <= 63
    return plain and (not slash or (re.fullmatch(_SUBDOMAIN, prefix) is not None and len(prefix) <= 253))


def named(body: Mapping[str, Any]) -> dict[str, Any]:
    """An object with the name that it would get, as its rules see it."""
    metadata = body["metadata"]
    if metadata.get("name"):
        return dict(body)
    return {**body, "metadata": {**metadata, "name": metadata["generateName"][:LONGEST_PREFIX] + "x" * SUFFIX}}
