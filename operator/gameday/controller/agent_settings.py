"""The administrator's settings for the agents' pods: resources, user, priority class, tolerations.

They are checked at the start.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gameday.controller.agent_tolerations import Toleration, agent_tolerations

QUANTITY: Final = re.compile(r"(\d+(\.\d*)?|\.\d+)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
NAMES: Final = ("cpu", "memory", "ephemeral-storage")
NEEDED: Final = ("cpu", "memory")
CLASS: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
USER: Final = 65532
RESOURCES: Final[Mapping[str, Mapping[str, str]]] = {
    "requests": {"cpu": "10m", "memory": "32Mi"},
    "limits": {"cpu": "500m", "memory": "96Mi"},
}
"""Small requests, without which an HPA over the same labels fails; the CPU limit leaves room for timing."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """Settings of every pod of a drill, fuses included.

    ``user`` is None if the cluster chooses it (OpenShift). ``priority_class`` is empty if agents get none.
    ``tolerations`` come in addition to what is taken over from targets.
    """

    resources: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: RESOURCES)
    user: int | None = USER
    priority_class: str = ""
    tolerations: tuple[Toleration, ...] = ()


DEFAULT: Final = AgentSettings()


def agent_settings(resources: str, user: str, priority_class: str, tolerations: str = "") -> AgentSettings:
    """Read what the environment says; empty ``resources`` are the usual ones, an empty ``user`` is the cluster's.

    Raises:
        ValueError: when something of it is not valid; it names the variable and says what to write.

    """
    if priority_class and not CLASS.fullmatch(priority_class):
        raise ValueError(f"GAMEDAY_AGENT_PRIORITY_CLASS is {priority_class!r}: write the name of a PriorityClass")
    amounts = _resources(resources) if resources else RESOURCES
    return AgentSettings(amounts, _user(user), priority_class, agent_tolerations(tolerations))


def _user(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**31):
        raise ValueError(
            f"GAMEDAY_AGENT_USER is {text!r}: write a user id above 0, or leave it empty for the cluster to choose one"
        )
    return int(text)


def _resources(text: str) -> Mapping[str, Mapping[str, str]]:
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ValueError(f"GAMEDAY_AGENT_RESOURCES is not JSON ({error}): write {_example()}") from error
    known = isinstance(given, dict) and set(given) <= {"requests", "limits"}
    if not known or not all(isinstance(amounts, dict) for amounts in given.values()):
        raise ValueError(f"GAMEDAY_AGENT_RESOURCES must have requests and limits, and nothing else: write {_example()}")
    found = {part: _part(part, given.get(part, {})) for part in ("requests", "limits")}
    for name in NEEDED:
        if name not in found["requests"]:
            text = f"GAMEDAY_AGENT_RESOURCES has no requests.{name}: give one"
            raise ValueError(f"{text}; without it an HPA that selects the targets' labels stops scaling")
    return {part: amounts for part, amounts in found.items() if amounts}


def _part(part: str, amounts: Mapping[str, object]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, amount in amounts.items():
        where = f"GAMEDAY_AGENT_RESOURCES: {part}.{name}"
        if name not in NAMES:
            raise ValueError(f"{where} is not known: use {', '.join(NAMES)}")
        if not isinstance(amount, str) or not QUANTITY.fullmatch(amount):
            raise ValueError(f'{where} is {json.dumps(amount)}: write a quantity as a string, like "100m" or "64Mi"')
        found[name] = amount
    return found


def _example() -> str:
    return json.dumps(RESOURCES)
