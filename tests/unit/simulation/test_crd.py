"""The simulated API server refuses of our kinds what the CRDs refuse, and prunes what they do not know."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gameday.cluster.resources import DRILLS, GAMEDAYS, PODS, Object
from gameday.errors import Rejected
from simulation.crd import MOST_BYTES, admitted
from simulation.namespace import SPECS
from simulation.scenario import Faults
from simulation.store import Store
from simulation.world import World

NOW = "2026-11-24T12:00:00Z"
STATUS: Object = {
    "phase": "Outage",
    "startedAt": NOW,
    "observedGeneration": 1,
    "conditions": [{"type": "Complete", "status": "False", "lastTransitionTime": NOW}],
    "measurements": {"timeToDetect": "1.5 seconds ± 0.25"},
    "timeline": [f"{NOW} Outage: cut"],
    "undo": [],
}
DRILL: Object = {"metadata": {"name": "one"}, "spec": {"gameDay": "plan", "abort": False}, "status": STATUS}
GAMEDAY: Object = {"metadata": {"name": "plan"}, "spec": SPECS[True, True, False, True, Faults.CUT]}


def changed(thing: Object, path: str, value: Any) -> Object:
    """A copy with one field set; ``...`` takes it out."""
    thing = copy.deepcopy(thing)
    *way, last = path.split(".")
    there: Any = thing
    for part in way:
        there = there[int(part)] if part.isdigit() else there[part]
    if value is ...:
        del there[last]
    else:
        there[last] = value
    return thing


def test_what_the_crds_admit_is_stored_as_it_is() -> None:
    assert admitted(DRILLS, None, DRILL) is DRILL
    assert admitted(GAMEDAYS, None, GAMEDAY) is GAMEDAY


TWICE = STATUS["conditions"] * 2
REFUSED = {
    "another type": (DRILL, "status.phase", 3, "status.phase: .*must be of type string"),
    "a number for a text": (DRILL, "status.timeline", [3], r"status.timeline\[0\]"),
    "a text for a truth": (DRILL, "status.changed", "yes", "must be of type boolean"),
    "a fraction for a whole number": (DRILL, "status.observedGeneration", 1.5, "must be of type integer"),
    "a list for an object": (DRILL, "status.undo", [[]], r"status.undo\[0\]: .*object"),
    "no word of an enum": (DRILL, "status.phase", "Lunch", "Unsupported value"),
    "a text that is too long": (DRILL, "status.measurements.timeToDetect", "x" * 193, "Invalid length: 193"),
    "a list that is too long": (DRILL, "status.timeline", STATUS["timeline"] * 129, "Invalid number of items: 129"),
    "a list that is too short": (GAMEDAY, "spec.probes", [], "Invalid number of items: 0"),
    "two of one key": (DRILL, "status.conditions", TWICE, "status.conditions: Duplicate value"),
    "no key": (DRILL, "status.conditions.0.type", ..., r"status.conditions\[0\].type: Required value"),
    "no time": (DRILL, "status.startedAt", "yesterday", "date-time"),
    "what is required is not there": (GAMEDAY, "spec.recovery.within", ..., "spec.recovery.within: Required value"),
    "a pattern that does not match": (GAMEDAY, "spec.outage.duration", "5", "should match"),
    "a number that is too small": (GAMEDAY, "spec.rollback.steps.0.scale.replicas", -1, "must be from 0"),
    "no spec": (DRILL, "spec", ..., "spec: Required value"),
}


@pytest.mark.parametrize(("thing", "path", "value", "message"), REFUSED.values(), ids=REFUSED)
def test_what_the_crds_do_not_admit_is_refused_with_its_path(
    thing: Object, path: str, value: Any, message: str
) -> None:
    with pytest.raises(Rejected, match=message):
        admitted(DRILLS if thing is DRILL else GAMEDAYS, None, changed(thing, path, value))


def test_an_object_beyond_the_size_that_etcd_takes_is_refused() -> None:
    body = {"n": "x" * MOST_BYTES}
    with pytest.raises(Rejected, match="Too long"):
        admitted(GAMEDAYS, None, changed(GAMEDAY, "spec.probes.0.http.json", body))


def test_unknown_fields_are_pruned_at_any_depth_and_nothing_else() -> None:
    odd = changed(changed(DRILL, "status.lunch", "pizza"), "status.conditions.0.lunch", "pizza")
    assert admitted(DRILLS, None, odd) == DRILL
    free = changed(GAMEDAY, "spec.probes.0.http.json", {"any": {"thing": [1]}})
    assert admitted(GAMEDAYS, None, free) is free


@pytest.mark.parametrize(
    "write",
    [
        lambda store, body: store.create("x", DRILLS, "shop", body | {"metadata": {"name": "two"}}),
        lambda store, body: store.replace("x", DRILLS, "shop", "one", body),
        lambda store, body: store.replace_status("x", DRILLS, "shop", "one", body),
        lambda store, body: store.patch("x", DRILLS, "shop", "one", body),
    ],
    ids=["create", "replace", "replace status", "patch"],
)
def test_every_way_to_write_is_held_to_the_crds(write: Callable[[Store, Object], Object]) -> None:
    store, heard = Store(World(1)), list[str]()
    store.refused = lambda actor, _: heard.append(actor)
    store.create("x", DRILLS, "shop", DRILL)
    wrong = changed(changed(DRILL, "status.phase", "Lunch"), "spec.gameDay", "Upper Case")
    with pytest.raises(Rejected):
        write(store, wrong)
    assert heard == ["x"]
    assert store.need(DRILLS, "shop", "one")["status"]["phase"] == "Outage"


def test_what_is_not_ours_is_not_looked_at() -> None:
    pod: Object = {"metadata": {"name": "a"}, "status": {"phase": 7}}
    assert admitted(PODS, None, pod) is pod
