"""How the machine state of an earlier operator becomes that of today.

Each step is a pure function from the state of one version, as JSON, to that of the next. A drill that an earlier
operator began is read, goes on, and is saved in the newest version. Steps are tested on states that such operators have
really written (``tests/unit/api/version_1.json``).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

State = dict[str, Any]

VERSION: Final = 2
"""The version that is written."""

BESIDE: Final = "status"
"""Key of what a version keeps of the state in other fields of the status; it is never written."""


def gathered(state: State, status: Mapping[str, Any]) -> State:
    """A state with what its version keeps in other fields of the status."""
    return state | {BESIDE: {"plan": status.get("plan", "")}} if state.get("version") == 1 else state


def from_1(state: State) -> State:
    """Take the plan in, which version 1 kept beside the state; leave out which probe lent its credentials.

    Open connections are closed with those of the dependency that is cut.
    """
    beside = state[BESIDE]
    kept = {name: value for name, value in state.items() if name != BESIDE}
    if (kept.get("setup") or {}).get("severs") is not None:
        severs = {name: value for name, value in kept["setup"]["severs"].items() if name != "probe"}
        kept["setup"] = kept["setup"] | {"severs": severs}
    return kept | ({"plan": beside["plan"]} if beside["plan"] else {})


MIGRATIONS: Final[dict[int, Callable[[State], State]]] = {1: from_1}
"""How the state of a version becomes that of the next one."""
