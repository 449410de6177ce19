"""The tolerations that the administrator gives to every pod of a drill; checked at the start, as a pod's would be.

The rules are those of the API server (Kubernetes, core validation, ValidateTolerations), without the comparisons of
numbers that it knows behind a feature gate.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gameday.model.labels import LABEL_KEY, LABEL_VALUE

Toleration = Mapping[str, str | int]
"""One toleration, as in a pod's spec."""
MOST: Final = 32
"""Most tolerations: they stand in every pod of a drill."""
SECONDS: Final = "tolerationSeconds"
FIELDS: Final = ("key", "operator", "value", "effect", SECONDS)
OPERATORS: Final = ("Equal", "Exists")
EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")
EXAMPLE: Final = '[{"key": "dedicated", "operator": "Equal", "value": "shop", "effect": "NoSchedule"}]'


def agent_tolerations(text: str) -> tuple[Toleration, ...]:
    """Read what the environment says, as JSON; an empty text is no toleration.

    Raises:
        ValueError: when something of it is not valid; it names the variable and says what to write.

    """
    if not text:
        return ()
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ValueError(f"GAMEDAY_AGENT_TOLERATIONS is not JSON ({error}): write {EXAMPLE}") from error
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise ValueError(f"GAMEDAY_AGENT_TOLERATIONS is not a list of tolerations: write {EXAMPLE}")
    if len(given) > MOST:
        raise ValueError(f"GAMEDAY_AGENT_TOLERATIONS has {len(given)} tolerations: write at most {MOST}")
    for index, one in enumerate(given):
        if (wrong := next(_wrong(one), "")) != "":
            raise ValueError(f"GAMEDAY_AGENT_TOLERATIONS[{index}].{wrong}")
    return tuple(given)


def _wrong(given: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a toleration; each begins with the field."""
    for name, value in given.items():
        if name not in FIELDS:
            yield f"{name} is not known: use {', '.join(FIELDS)}"
        elif name == SECONDS and type(value) is not int:
            yield f"{name} is {json.dumps(value)}: write a whole number"
        elif name != SECONDS and not isinstance(value, str):
            yield f"{name} is {json.dumps(value)}: write a string"
    key, operator = given.get("key", ""), given.get("operator", "") or OPERATORS[0]
    value, effect = given.get("value", ""), given.get("effect", "")
    if operator not in OPERATORS:
        yield f"operator is {json.dumps(operator)}: write {' or '.join(OPERATORS)}"
    if key and not LABEL_KEY.fullmatch(key):
        yield f"key is {json.dumps(key)}: write the key of a taint, like example.com/dedicated"
    if not key and operator != "Exists":
        yield "key is missing: write the key of a taint, or operator Exists to tolerate every taint"
    if value and operator == "Exists":
        yield f"value is {json.dumps(value)}: remove it, or write operator Equal, since Exists takes every value"
    if not LABEL_VALUE.fullmatch(value):
        yield f"value is {json.dumps(value)}: write the value of a taint"
    if effect and effect not in EFFECTS:
        yield f"effect is {json.dumps(effect)}: write {', '.join(EFFECTS)}, or leave it out for all"
    if SECONDS in given and effect != "NoExecute":
        yield f"{SECONDS} goes with effect NoExecute alone: remove it, or write that effect"
