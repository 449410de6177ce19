"""Earlier names of fields: each is refused with the new one, and a plan that was frozen under them is still read."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from e2e.dialling import ROOT
from e2e.test_wrong_yaml import EARLIER, changed
from gameday.api.crds import definitions
from gameday.api.parse import canonical, plan_of
from gameday.cli.checks.fields import REFUSED
from gameday.errors import PlanInvalid
from gameday.schema.renamed import BLACKOUT, EXPECTATION, PARTITION, PROBE, REDIS, STAGE, TO, message, modern, moved

EXAMPLE = ROOT / "manifests" / "examples" / "redis-failover.yaml"
SCHEDULE = {
    "cron": "0 10 * * 1",
    "timeZone": "Europe/Berlin",
    "blackouts": [{"name": "release", "when": "Thu 16:00-24:00 Europe/Berlin"}],
}
SPEC: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())["spec"] | {"schedule": SCHEDULE}
PLACES: dict[str, tuple[tuple[str | int, ...], dict[str, str]]] = {
    "steadyState": (("steadyState",), dict(STAGE)),
    "outage": (("outage",), dict(STAGE)),
    "probe": (("probes", 0), dict(PROBE)),
    "expectation": (("recovery", "expect", 0), dict(EXPECTATION)),
    "blackout": (("schedule", "blackouts", 0), dict(BLACKOUT)),
    "partition": (("outage", "faults", 0, "networkPartition"), dict(PARTITION)),
}
CASES = [(place, old, new) for place, (_, names) in PLACES.items() for old, new in names.items()]


def at(spec: Any, place: str) -> Any:
    for part in PLACES[place][0]:
        spec = spec[part]
    return spec


def aged(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec under the earlier names."""
    old = copy.deepcopy(spec)
    stages = [old["steadyState"], old["outage"], old["recovery"]]
    objects = [(one, STAGE) for one in stages] + [(one, PROBE) for one in old["probes"]]
    objects += [(one, EXPECTATION) for stage in stages for one in stage["expect"]]
    partition = old["outage"]["faults"][0]["networkPartition"]
    partition["openConnections"] = {"Close": "Sever", "Keep": "Keep"}[partition["openConnections"]]
    for one, names in (*objects, (partition, PARTITION)):
        for earlier, name in names.items():
            if name in one:
                one[earlier] = one.pop(name)
    return old


@pytest.mark.parametrize(("place", "old", "new"), CASES)
def test_an_earlier_name_is_refused_with_its_path_and_the_new_name(place: str, old: str, new: str) -> None:
    spec = copy.deepcopy(SPEC)
    at(spec, place)[old] = at(spec, place).pop(new, "5s")
    with pytest.raises(PlanInvalid) as caught:
        plan_of("x", spec)
    path = "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in PLACES[place][0])
    assert caught.value.findings == ((path, message(old, new)),)


def test_what_to_do_is_said_where_the_new_name_alone_is_not_enough() -> None:
    assert message("every", "interval") == "every is called interval now: rename it"
    assert message("cron", "when") == (
        "cron is called when now: write days, hours and a time zone, such as Mon-Thu 09:00-17:00 Europe/Berlin"
    )


@pytest.mark.parametrize(("place", "old", "new"), CASES)
def test_the_schema_keeps_the_earlier_name_so_that_it_is_not_pruned_in_silence(place: str, old: str, new: str) -> None:
    root = definitions()["gamedays.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    there = root["properties"]["spec"]
    for part in PLACES[place][0]:
        there = there["items"] if isinstance(part, int) else there["properties"][part]
    assert old in there["properties"]
    rule = {"rule": f"!has(self.{old})", "message": message(old, new)}
    assert rule in there["x-kubernetes-validations"]
    # A missing required field keeps the API server from checking rules, so the message would never be seen.
    assert new not in there.get("required", ())


@pytest.mark.parametrize("field", REDIS)
def test_what_a_redis_probe_said_of_its_redis_is_refused_with_where_it_stands_now(field: str) -> None:
    spec = copy.deepcopy(SPEC)
    spec["probes"][6]["redis"] = {field: "anything"}
    with pytest.raises(PlanInvalid) as caught:
        plan_of("x", spec)
    assert caught.value.findings == (("spec.probes[6].redis", moved(field)),)
    assert f"redis: {{{field}: ...}}" in moved(field)


@pytest.mark.parametrize(("field", "kind"), REDIS.items())
def test_the_schema_keeps_what_a_redis_probe_said_with_its_type(field: str, kind: str) -> None:
    there = definitions()["gamedays.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    there = there["properties"]["spec"]["properties"]["probes"]["items"]["properties"]["redis"]
    assert there["properties"][field]["type"] == kind
    assert {"rule": f"!has(self.{field})", "message": moved(field)} in there["x-kubernetes-validations"]
    # A missing required field keeps the API server from checking rules, so the message would never be seen.
    assert "required" not in there


@pytest.mark.parametrize(
    "to", [{"service": {"name": "redis"}}, {"host": "10.0.0.1", "ports": [1]}, {"cidrs": ["10.0.0.1/32"], "ports": [1]}]
)
def test_what_a_cut_said_of_its_far_end_is_refused_with_where_it_stands_now(to: dict[str, Any]) -> None:
    spec = copy.deepcopy(SPEC)
    spec["outage"]["faults"][0]["networkPartition"]["to"] = to
    with pytest.raises(PlanInvalid) as caught:
        plan_of("x", spec)
    assert caught.value.findings == (("spec.outage.faults[0].networkPartition.to", TO),)


Place = tuple[str, ...]


def refused(schema: Any, path: Place = ()) -> Iterator[tuple[Place, str]]:
    """The path of each field that stands in a schema to be refused, and its rule's message; ``[]`` is any item."""
    if "items" in schema:
        yield from refused(schema["items"], (*path, "[]"))
    said = {rule["rule"]: rule["message"] for rule in schema.get("x-kubernetes-validations", ())}
    for name, field in schema.get("properties", {}).items():
        if field.get("description", "").endswith(REFUSED):
            yield (*path, name), said[f"!has(self.{name})"]
        else:
            yield from refused(field, (*path, name))


def has(there: Any, path: Place) -> bool:
    """Whether a spec has a field at a path."""
    if not path:
        return True
    first, *rest = path
    if first == "[]":
        return isinstance(there, list) and any(has(one, tuple(rest)) for one in there)
    return isinstance(there, dict) and first in there and has(there[first], tuple(rest))


def test_each_earlier_name_is_sent_to_a_real_api_server_by_some_case() -> None:
    """Of a name that several parts of a spec had one case is enough: the table is one."""
    spec = definitions()["gamedays.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    places: dict[tuple[str, str], list[Place]] = {}
    for path, said in refused(spec):
        places.setdefault((path[-1], said), []).append(path)
    tables = (STAGE, PROBE, EXPECTATION, PARTITION, BLACKOUT)
    named = {(old, message(old, new)) for names in tables for old, new in names.items()}
    assert places.keys() == named | {(old, moved(old)) for old in REDIS}
    sent = [(yaml.safe_load(changed(change))["spec"], says) for change, _, says in EARLIER.values()]
    missing = [
        (old, said)
        for (old, said), paths in places.items()
        if not any(says in said and any(has(one, path) for path in paths) for one, says in sent)
    ]
    assert missing == [], "add a case to EARLIER of tests/e2e/test_wrong_yaml.py"


def test_a_plan_that_was_frozen_under_the_earlier_names_is_the_same_plan() -> None:
    text, _ = canonical(SPEC)
    frozen = aged(json.loads(text))
    assert "lasts" in frozen["outage"]
    assert plan_of("x", modern(frozen, "shop")) == plan_of("x", SPEC)


def test_a_plan_of_today_stays_as_it_is() -> None:
    plan = json.loads(canonical(SPEC)[0])
    assert modern(copy.deepcopy(plan), "shop") == plan
