"""How the machine state of an earlier operator becomes that of today.

Each step is a pure function from the state of one version, as JSON, to that of the next. A drill that an earlier
operator began is read, goes on, and is saved in the newest version. Steps are tested on states that such operators have
really written (``tests/unit/api/version_1.json``).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

State = dict[str, Any]

VERSION: Final = 2
"""The version that is written."""

BESIDE: Final = "status"
"""Key of what a version keeps of the state elsewhere in the Drill; it is never written."""

SPARED: Final = ("mustRemainReachable", "mustStay")
"""What plans call the bystanders of a cut: of version 1, and of what was frozen before it."""

RENAMED: Final = {
    "obstacle": "stalled_by",
    "rehearsed_at": "expressions_tried_at",
    "zero": "outage_started_at",
    "zero_resolution": "outage_start_resolution",
    "recovery_zero": "recovery_started_at",
    "recovery_zero_resolution": "recovery_start_resolution",
    "rollback_zero": "rollback_done_at",
}
"""What version 1 called times of a drill and what it is stalled by."""


def gathered(state: State, status: Mapping[str, Any], namespace: str = "") -> State:
    """A state with what its version keeps in other fields of the status; ``namespace`` is the Drill's."""
    beside = {"plan": status.get("plan", ""), "namespace": namespace}
    return state | {BESIDE: beside} if state.get("version") == 1 else state


def from_1(state: State) -> State:
    """Take the plan in, which version 1 kept beside the state, and leave out which probe lent its credentials.

    Open connections are closed with those of the dependency that is cut. The undo log's cuts and scales become changes
    of any kind.
    """
    beside, engine = state[BESIDE], dict(state["engine"])
    policy = (state.get("setup") or {}).get("backend", "NetworkPolicy")
    if "holds" in engine:
        engine["changes"] = [_change(hold, policy) | _proof(hold, engine) for hold in engine.pop("holds")]
    fault = _fault(beside["plan"])
    engine["closings"] = [_closing(engine, fault.get("name", ""))]
    engine = {RENAMED.get(name, name): value for name, value in engine.items()}
    kept = {name: value for name, value in state.items() if name != BESIDE}
    if kept.get("setup") is not None:
        kept["setup"] = _setup(kept["setup"], fault, beside.get("namespace", ""))
    return kept | {"engine": engine} | ({"plan": beside["plan"]} if beside["plan"] else {})


def _fault(plan: str) -> State:
    """The one fault of a plan of version 1, as YAML had it."""
    faults: list[State] = json.loads(plan)["outage"]["faults"] if plan else [{}]
    return faults[0]


def _setup(setup: State, fault: State, namespace: str) -> State:
    """The setup, of which all but DNS is the one cut's."""
    cut = {name: value for name, value in setup.items() if name != "dns"} | {"fault": fault.get("name", "")}
    if "far_end" in cut:
        cut["destination"] = cut.pop("far_end")
    if (closing := cut.pop("severs", None)) is not None:
        cut["closing"] = {name: value for name, value in closing.items() if name != "probe"}
    partition = fault.get("networkPartition") or {}
    stays = next((partition[name] for name in SPARED if partition.get(name)), ())
    cut["bystanders"] = [*(cut.get("bystanders") or ()), *_bystanders(stays, namespace)]
    whole = {name: setup[name] for name in ("dns", "placement") if name in setup}
    return whole | {"cuts": [cut]}


def _bystanders(stays: Iterable[State], namespace: str) -> Iterator[tuple[str, str, int]]:
    """Those that version 1 looked up in the plan each time, as addresses to dial; hosts stand in its setup.

    Where nobody says the Drill's namespace, nobody dials either: a bare name is what its pods would find.
    """
    for stay in stays:
        if stay.get("apiServer"):
            yield stay["name"], "kubernetes.default.svc", 443
        elif (service := stay.get("service")) and service.get("port") is not None:
            where = service.get("namespace") or namespace
            yield stay["name"], f"{service['name']}.{where}.svc" if where else service["name"], service["port"]


def _closing(engine: State, fault: str) -> State:
    """What became of open connections, which version 1 kept of the whole drill."""
    kept = {"requested_at": "sever_requested_at", "gone": "severed", "gone_at": "severed_at", "doubt": "unsevered"}
    return {"fault": fault} | {new: engine.pop(old) for new, old in kept.items() if old in engine}


def _proof(hold: State, engine: State) -> State:
    """What was proven of the one fault, which version 1 kept of the whole drill."""
    kept = {"proven_at": "proven_at", "effect_at": "zero", "effect_resolution": "zero_resolution"}
    return {new: engine[old] for new, old in kept.items() if old in engine} if hold["kind"] != "Scale" else {}


def _change(hold: State, policy: str) -> State:
    """An entry of the undo log, whose kind is a key of the registry of actions and whose numbers are a state."""
    noted = {field: {"replicas": int(hold[field])} for field in ("before", "wanted") if hold.get(field) is not None}
    kind, thing = ("scale", "Deployment") if hold["kind"] == "Scale" else ("networkPartition", policy)
    return hold | noted | {"kind": kind, "object_kind": thing}


MIGRATIONS: Final[dict[int, Callable[[State], State]]] = {1: from_1}
"""How the state of a version becomes that of the next one."""
