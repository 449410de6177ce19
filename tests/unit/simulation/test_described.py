"""``kubectl describe`` of the demo's drill fits on two screens, and shows all that came of it."""

import copy
import json
import re
from functools import cache

import pytest

from described import COLUMNS, LINES, STATE_LINES, Row, describe, label, measured, screen_lines
from gameday.api.lines import events_of, expectations_of, figures_of
from gameday.api.undo_entries import undo_of
from gameday.cluster.resources import Object
from gameday.controller.process.operator import EVENTFUL
from simulation.demo import demo_drill, demo_plan

METADATA: Object = {
    "name": "redis-failover-x7k2p",
    "namespace": "shop",
    "generateName": "redis-failover-",
    "generation": 1,
    "creationTimestamp": "2027-01-15T08:00:00Z",
    "resourceVersion": "12345678",
    "uid": "6f1f7a52-6d7a-4f39-9a55-0d5c1f1b2c3d",
}


@cache
def ended() -> Object:
    """The demo's Drill as the API server would have it: names and UIDs are as long as real ones."""
    drill = demo_drill()
    text = json.dumps(drill["status"]).replace(drill["metadata"]["name"], METADATA["name"])
    text = text.replace("GameDay plan in town-0", "GameDay redis-failover in shop")
    status = json.loads(re.sub(r"\buid-\d+", METADATA["uid"], text))
    spec = {"gameDay": "redis-failover"}
    head = {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "metadata": METADATA}
    return head | {"spec": spec, "status": status}


def events(drill: Object) -> list[Row]:
    """The Events that the operator writes of it."""
    return [
        (
            "Warning" if line.get("warning") else "Normal",
            line["reason"],
            "5m13s",
            "gameday.dev/operator",
            line["message"],
        )
        for line in events_of(drill["status"])
        if line.get("warning") or line["reason"] in EVENTFUL
    ]


def test_a_hundred_lines_of_a_hundred_and_twenty_columns_are_enough() -> None:
    """The machine state, which nobody reads, is one line of them however many columns it has."""
    drill = ended()
    text = describe(drill, events(drill))
    lines, of_state = measured(text)
    assert lines <= LINES, text
    assert of_state <= STATE_LINES


def test_it_is_a_whole_drill_that_passed_and_everything_of_it_is_shown() -> None:
    status = ended()["status"]
    assert (status["phase"], status["verdict"], status["changed"]) == ("Finished", "Passed", True)
    plan = demo_plan()
    wanted = [e["name"] for stage in ("steadyState", "outage", "recovery") for e in plan[stage]["expect"]]
    assert sorted(e["name"] for e in expectations_of(status)) == sorted(wanted)
    assert {f["name"] for f in figures_of(status)} == {"timeToDetect", "timeToAlert", "timeToRecover", "peakMemory"}
    assert [entry["state"] for entry in undo_of(status)] == ["Undone"]
    reasons = [line["reason"] for line in events_of(status)]
    assert reasons[0] == "Preflight"
    assert reasons[-1] == "Finished"
    assert "CutProven" in reasons
    assert status["summary"].startswith("GameDay redis-failover in shop passed on ")


def test_the_bound_would_be_broken_by_one_object_more_a_list() -> None:
    """A check of the check: as objects the expectations alone would take five lines each."""
    drill = copy.deepcopy(ended())
    drill["status"]["expectations"] = expectations_of(drill["status"])
    assert screen_lines(describe(drill, events(drill)), COLUMNS) > LINES + 30


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("gameDay", "Game Day"),
        ("observedGeneration", "Observed Generation"),
        ("uid", "UID"),
        ("apiVersion", "API Version"),
        ("timeToDetect", "Time To Detect"),
        ("p99", "p99"),
    ],
)
def test_a_field_is_named_as_kubectl_names_it(field: str, shown: str) -> None:
    assert label(field) == shown


def test_values_stand_below_one_another_as_far_as_lines_with_a_value_follow_each_other() -> None:
    metadata = {"name": "a", "namespace": "shop", "labels": {"b": "2", "a": "1"}, "managedFields": [{}]}
    thing: Object = {"kind": "Drill", "metadata": metadata, "status": {"took": "4s", "list": ["x"], "is": True}}
    assert describe(thing, [("Normal", "Outage", "5m", "gameday", "cut")]) == (
        "Name:         a\n"
        "Namespace:    shop\n"
        "Labels:       a=1\n"
        "              b=2\n"
        "Annotations:  <none>\n"
        "Kind:         Drill\n"
        "Metadata:\n"
        "Status:\n"
        "  Is:  true\n"
        "  List:\n"
        "    x\n"
        "  Took:  4s\n"
        "Events:\n"
        "  Type    Reason  Age  From     Message\n"
        "  ----    ------  ---  ----     -------\n"
        "  Normal  Outage  5m   gameday  cut\n"
    )
    assert describe(thing).endswith("  Took:  4s\nEvents:  <none>\n")
