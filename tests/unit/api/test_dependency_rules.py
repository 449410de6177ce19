"""What the API server says of dependencies at `kubectl apply`: the rules of the CRD, evaluated as it does."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cel
import pytest
import yaml

from gameday.api.crds import definitions
from gameday.api.dependencies import DATABASE
from gameday.schema.renamed import REDIS, moved

EXAMPLE = Path(__file__).parents[3] / "manifests" / "examples" / "redis-failover.yaml"
CRD: Final = definitions()["gamedays.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
SPEC: Final[dict[str, Any]] = yaml.safe_load(EXAMPLE.read_text())["spec"]
ONE_OF: Final = "give exactly one of service, host and cidrs; cidrs may stand beside host"
WITH_HOST: Final = "cidrs are those of a host: write host as well"
ONE_PORT: Final = "Redis and Sentinel cannot listen at one port: correct port or sentinel.port"
ANYTHING: Final = {"object": {}, "string": "x", "integer": 6379, "boolean": False}
"""A value of each type."""


def defaulted(value: Any, schema: dict[str, Any]) -> Any:
    """An object with the defaults that the API server fills in before it asks any rule."""
    if isinstance(value, list):
        return [defaulted(item, schema["items"]) for item in value]
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    fields = schema["properties"]
    given = {name: copy.deepcopy(one["default"]) for name, one in fields.items() if "default" in one} | value
    return {name: defaulted(one, fields[name]) for name, one in given.items()}


def broken(value: Any, schema: dict[str, Any], path: str = "spec") -> Iterator[tuple[str, str]]:
    """The paths and messages of all rules that do not hold."""
    for rule in schema.get("x-kubernetes-validations", ()):
        if cel.evaluate(rule["rule"], {"self": value}) is not True:
            yield path, rule["message"]
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from broken(item, schema["items"], f"{path}[{index}]")
    elif isinstance(value, dict) and "properties" in schema:
        for name, one in value.items():
            yield from broken(one, schema["properties"][name], f"{path}.{name}")


def said(spec: dict[str, Any]) -> list[tuple[str, str]]:
    schema = CRD["properties"]["spec"]
    return list(broken(defaulted(spec, schema), schema))


def changed(*, to: list[str] | None = None, redis: dict[str, Any] | None = None, **dependency: Any) -> dict[str, Any]:
    """The example with another dependency, cut, or redis probe."""
    spec = copy.deepcopy(SPEC)
    if dependency:
        spec["dependencies"].append({"name": "other", **dependency})
    if to is not None:
        spec["outage"]["faults"][0]["networkPartition"]["to"] = to
    if redis is not None:
        spec["probes"][6]["redis"] = redis
    return spec


OTHER, PROBE = "spec.dependencies[1]", "spec.probes[6].redis"
NOT_ONE = "to must have exactly one name, because a partition cuts its pods off from one dependency"
NO_SUCH = "networkPartition.to names a dependency that does not exist: use a name from spec.dependencies"
NO_REDIS = "a redis probe names a dependency that is not a redis of spec.dependencies: use the name of one"
WEB = {"host": "203.0.113.7", "ports": [443]}


def test_the_example_breaks_no_rule() -> None:
    assert said(SPEC) == []
    assert said(changed(tcp=WEB)) == [], "one that nothing names is no error"


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        (changed(to=[]), "spec.outage.faults[0].networkPartition", NOT_ONE),
        (changed(to=["redis", "redis"]), "spec.outage.faults[0].networkPartition", NOT_ONE),
        (changed(to=["cache"]), "spec", NO_SUCH),
        (changed(redis={"dependency": "cache"}), "spec", NO_REDIS),
        (changed(redis={"dependency": "other"}, tcp=WEB), "spec", NO_REDIS),
        (changed(redis={}), PROBE, "dependency is missing: name one of spec.dependencies"),
        (changed(redis={"host": "r"}, tcp=WEB, to=["other"]), PROBE, moved("host")),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(spec: dict[str, Any], path: str, message: str) -> None:
    assert said(spec) == [(path, message)]


@pytest.mark.parametrize(
    ("kinds", "path", "message"),
    [
        ({"redis": {"host": "r"}, "tcp": WEB}, OTHER, "give exactly one of redis and tcp"),
        ({}, OTHER, "give exactly one of redis and tcp"),
        ({"redis": {}}, f"{OTHER}.redis", "give exactly one of service and host"),
        ({"redis": {"host": "r", "service": {"name": "r"}}}, f"{OTHER}.redis", "give exactly one of service and host"),
        ({"redis": {"service": {"name": "r"}, "cidrs": ["10.0.0.0/8"]}}, f"{OTHER}.redis", WITH_HOST),
        ({"redis": {"host": "r", "port": 26379, "sentinel": {"masterName": "m"}}}, f"{OTHER}.redis", ONE_PORT),
        ({"redis": {"host": "r", "sentinel": {"masterName": "m", "port": 6379}}}, f"{OTHER}.redis", ONE_PORT),
        (
            {"redis": {"service": {"name": "r"}, "cluster": {}, "sentinel": {"masterName": "m"}}},
            f"{OTHER}.redis",
            "give cluster or sentinel, not both",
        ),
        (
            {"redis": {"service": {"name": "r", "port": 6379}, "sentinel": {"masterName": "m"}}},
            f"{OTHER}.redis",
            "service.port would leave the Sentinels out: remove it; if Redis listens on another port than 6379, "
            "write that as redis.port",
        ),
        ({"tcp": {"service": {"name": "web"}, "host": "r"}}, f"{OTHER}.tcp", ONE_OF),
        ({"tcp": {"service": {"name": "web"}, "cidrs": ["10.0.0.0/8"]}}, f"{OTHER}.tcp", ONE_OF),
        ({"tcp": {"ports": [443]}}, f"{OTHER}.tcp", ONE_OF),
        (
            {"tcp": {"host": "203.0.113.7"}},
            f"{OTHER}.tcp",
            "ports are missing: name the ports to cut together with host or cidrs",
        ),
        (
            {"tcp": {"service": {"name": "web"}, "ports": [443]}},
            f"{OTHER}.tcp",
            "write the Service's port as service.port, not as ports",
        ),
    ],
)
def test_a_dependency_that_says_too_much_or_too_little_is_refused(
    kinds: dict[str, Any], path: str, message: str
) -> None:
    spec = copy.deepcopy(SPEC)
    spec["dependencies"].append({"name": "other", **kinds})
    assert said(spec) == [(path, message)]


@pytest.mark.parametrize(
    "tcp",
    [
        {"service": {"name": "db", "port": 5432}},
        {"service": {"name": "db", "port": 3306}},
        {"host": "db.example.com", "ports": [443, 5432]},
        {"cidrs": ["203.0.113.7/32"], "ports": [3306]},
    ],
)
def test_the_port_of_a_database_needs_its_protocol(tcp: dict[str, Any]) -> None:
    assert said(changed(tcp=tcp)) == [(f"{OTHER}.tcp", DATABASE)]
    for protocol in ("none", "postgres"):
        assert said(changed(tcp=tcp | {"protocol": protocol})) == []
    assert said(changed(tcp={"service": {"name": "db"}})) == [], "its ports are read in the preflight"


@pytest.mark.parametrize(("field", "kind"), REDIS.items())
def test_what_a_redis_probe_said_before_is_refused_beside_nothing_else(field: str, kind: str) -> None:
    assert said(changed(redis={field: ANYTHING[kind]})) == [(PROBE, moved(field))]
