"""Label selectors, as Kubernetes reads them."""

from collections.abc import Iterator, Mapping
from typing import Any

from gameday.cluster.kinds import Object
from gameday.model.labels import CONTROL, ROLE
from gameday.model.plan import Selector

PREFIXES = ("k8s:", "any:", "k8s.", "any.")
"""Sources that a Cilium selector may name before a label."""


def as_json(selector: Selector) -> Object:
    """A selector as manifests write it."""
    written: Object = {}
    if selector.match_labels:
        written["matchLabels"] = dict(sorted(selector.match_labels.items()))
    if selector.expressions:
        written["matchExpressions"] = [
            {"key": key, "operator": operator} | ({"values": list(values)} if values else {})
            for key, operator, values in selector.expressions
        ]
    return written


def sparing_controls(selector: Selector) -> Object:
    """The same pods without those of ours that a cut must spare."""
    written = as_json(selector)
    spared = {"key": ROLE, "operator": "NotIn", "values": [CONTROL]}
    return written | {"matchExpressions": [*written.get("matchExpressions", ()), spared]}


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector as manifests write it selects these labels: an absent one nothing, an empty one all."""
    if selector is None:
        return False
    if any(labels.get(bare(key)) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_meets(expression, labels) for expression in selector.get("matchExpressions") or ())


def keys(thing: Any) -> Iterator[str]:
    """Every label key that any selector within a manifest mentions."""
    if isinstance(thing, Mapping):
        yield from (bare(key) for key in thing.get("matchLabels") or ())
        yield from (bare(expression["key"]) for expression in thing.get("matchExpressions") or ())
        for value in thing.values():
            yield from keys(value)
    elif isinstance(thing, list | tuple):
        for value in thing:
            yield from keys(value)


def bare(key: str) -> str:
    """A label's key without the source that Cilium may name before it."""
    for prefix in PREFIXES:
        if key.startswith(prefix):
            return key.removeprefix(prefix)
    return key


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = bare(expression["key"]), expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            # Also where the label is absent.
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case unknown:
            raise ValueError(f"no label selector has the operator {unknown!r}")
