"""Label selectors, as Kubernetes reads them: keys are compared as they are written."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gameday.cluster.resources import Object
from gameday.model.labels import ROLE, ROLES, WITNESS, is_stand_in
from gameday.model.plan import Selector


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


def with_stand_ins(selector: Selector, agent_labels: Iterable[Mapping[str, str]]) -> Selector:
    """A selector of the same pods and of agents with the stand-in value for a label that the selector names.

    One selector for both, so that a witness is cut exactly as the targets are.
    """
    ours = {key: value for labels in agent_labels for key, value in labels.items() if is_stand_in(value)}
    told = ((key, "In", (value,)) for key, value in sorted(selector.match_labels.items()) if key in ours)
    widened = tuple(
        (key, operator, (*values, ours[key])) if operator == "In" and key in ours else (key, operator, values)
        for key, operator, values in (*told, *selector.expressions)
    )
    return Selector({key: value for key, value in selector.match_labels.items() if key not in ours}, widened)


def sparing_agents(selector: Selector) -> Object:
    """A selector of the same pods without the agents that a cut must spare: all but witnesses.

    A selector may hold where a label is absent (``NotIn``, ``DoesNotExist``), and then selects every agent.
    """
    written = as_json(selector)
    spared = {"key": ROLE, "operator": "NotIn", "values": [role for role in ROLES if role != WITNESS]}
    return written | {"matchExpressions": [*written.get("matchExpressions", ()), spared]}


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector as manifests write it selects these labels: an absent one nothing, an empty one all."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(meets(expression, labels) for expression in selector.get("matchExpressions") or ())


def keys(thing: Any) -> Iterator[str]:
    """Every label key that any selector within a manifest mentions."""
    return (one["key"] for one in requirements(thing))


def requirements(thing: Any) -> Iterator[Object]:
    """Every requirement on a label of any selector within a manifest, as an expression."""
    if isinstance(thing, Mapping):
        yield from (
            {"key": key, "operator": "In", "values": [v]} for key, v in (thing.get("matchLabels") or {}).items()
        )
        yield from thing.get("matchExpressions") or ()
        for value in thing.values():
            yield from requirements(value)
    elif isinstance(thing, list | tuple):
        for value in thing:
            yield from requirements(value)


def meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether labels are as one expression of a selector wants them."""
    key, values = expression["key"], expression.get("values") or ()
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
            raise ValueError(f"{unknown!r} is not an operator of a label selector")
