"""The door: YAML to plan, record to status and back."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gameday.actions.job import RunJob
from gameday.actions.network_partition.action import OpenConnections, cuts_of
from gameday.api.parse import PlanTooBig, canonical, plan_of
from gameday.api.record import duration, moment, saved_of, shown_moment, status_of, timestamp
from gameday.api.state import Saved
from gameday.errors import PlanInvalid
from gameday.model.change import Change, ChangeState
from gameday.model.places import redis_at
from gameday.model.plan import CidrTarget, ConfigMapKey, Dependency, Mode, SecretKey, ServiceRef, Trust, Via
from gameday.model.record import DrillRecord, Phase
from gameday.probes.http.kind import HttpProbe
from gameday.schema.bounds import PLAN_BYTES

EXAMPLE = Path(__file__).parents[3] / "manifests" / "examples" / "redis-failover.yaml"


@pytest.fixture
def spec() -> dict[str, Any]:
    found: dict[str, Any] = next(iter(yaml.safe_load_all(EXAMPLE.read_text())))["spec"]
    return found


def test_the_example_becomes_the_plan_that_it_reads_like(spec: dict[str, Any]) -> None:
    plan = plan_of("redis-failover", spec)
    assert (plan.steady_state.duration, plan.outage.duration, plan.recovery.within) == (30.0, 300.0, 600.0)
    ((_, partition),) = cuts_of(plan)
    assert (partition.open_connections, partition.via) == (OpenConnections.CLOSE, Via.AUTO)
    queue = next(probe for probe in plan.probes if probe.name == "queue")
    assert isinstance(queue.settings, HttpProbe)
    assert queue.settings.headers[0].secret is not None
    guardrail = plan.outage.expect[-1]
    assert (guardrail.mode, guardrail.tolerates, guardrail.guardrail) == (Mode.ALWAYS, 5.0, True)
    assert plan.rollback is not None
    assert isinstance(plan.rollback.steps[1].action, RunJob)


def test_the_canonical_plan_does_not_depend_on_the_order_of_keys_nor_on_defaults_left_out(spec: dict[str, Any]) -> None:
    text, digest = canonical(spec)
    backwards = dict(reversed(spec.items()))
    backwards["probes"][0]["interval"] = "1s"
    assert canonical(backwards) == (text, digest)
    spec["outage"]["duration"] = "4m"
    assert canonical(spec)[1] != digest


def test_every_wrong_field_is_named_with_its_path(spec: dict[str, Any]) -> None:
    spec["probes"][0]["interval"] = "often"
    spec["outage"]["duration"] = 5
    with pytest.raises(PlanInvalid) as caught:
        plan_of("x", spec)
    paths = {path for path, _ in caught.value.findings}
    assert paths == {"spec.probes[0].interval", "spec.outage.duration"}


def test_faults_and_probes_name_what_they_mean(spec: dict[str, Any]) -> None:
    spec["dependencies"].append({"name": "web", "tcp": {"cidrs": ["203.0.113.7/32"], "ports": [443]}})
    spec["dependencies"][0]["redis"]["tls"] = {}
    plan = plan_of("x", spec)
    redis, web = plan.dependencies
    assert redis.redis is not None
    assert (redis.name, redis.target, redis.redis.tls) == ("redis", ServiceRef("redis"), True)
    assert redis.redis.password == SecretKey("redis", "password")
    assert web == Dependency("web", CidrTarget(("203.0.113.7/32",), (443,)))
    assert cuts_of(plan)[0][1].dependency == redis
    assert next(probe for probe in plan.probes if probe.name == "redis").settings.destination == redis.redis
    assert '"tls":{}' in canonical(spec)[0]


def test_tls_credentials_and_database_of_a_redis_are_read(spec: dict[str, Any]) -> None:
    spec["dependencies"][0]["redis"] = {
        "host": "203.0.113.7",
        "port": 6380,
        "tls": {
            "caFrom": {"configMapKeyRef": {"name": "redis-ca", "key": "ca.crt"}},
            "serverName": "eu1.redis.test",
            "clientCertificateFrom": {"secretRef": {"name": "redis-client"}},
        },
        "auth": {
            "usernameFrom": {"secretKeyRef": {"name": "redis", "key": "user"}},
            "passwordFrom": {"secretKeyRef": {"name": "redis", "key": "password"}},
        },
        "database": 3,
    }
    (redis,) = plan_of("x", spec).dependencies
    trust = Trust(ConfigMapKey("redis-ca", "ca.crt"), "eu1.redis.test", "redis-client")
    user, password = SecretKey("redis", "user"), SecretKey("redis", "password")
    assert redis.redis == redis_at(
        host="203.0.113.7", port=6380, tls=True, trust=trust, username_from=user, password=password, database=3
    )
    del spec["dependencies"][0]["redis"]["tls"]["caFrom"]["configMapKeyRef"]
    with_secret = {"secretKeyRef": {"name": "redis", "key": "ca.crt"}}
    spec["dependencies"][0]["redis"]["tls"]["caFrom"] = with_secret
    (redis,) = plan_of("x", spec).dependencies
    assert redis.redis is not None
    assert redis.redis.trust.ca == SecretKey("redis", "ca.crt")


@pytest.mark.parametrize(
    ("to", "path", "told"),
    [
        ([], "to", "to must have exactly one name"),
        (["redis", "redis"], "to", "to must have exactly one name"),
        (
            ["cache"],
            "to[0]",
            ("there is no dependency 'cache'; the dependencies are redis: correct the name"),
        ),
    ],
)
def test_a_cut_names_one_dependency(spec: dict[str, Any], to: list[str], path: str, told: str) -> None:
    spec["outage"]["faults"][0]["networkPartition"]["to"] = to
    with pytest.raises(PlanInvalid) as caught:
        plan_of("x", spec)
    ((where, message),) = caught.value.findings
    assert where == f"spec.outage.faults[0].networkPartition.{path}"
    assert told in message


def test_a_probe_of_no_dependency_is_refused_with_its_path(spec: dict[str, Any]) -> None:
    spec["outage"]["faults"][0]["networkPartition"]["to"] = ["web"]
    spec["dependencies"] = [{"name": "web", "tcp": {"host": "203.0.113.7", "ports": [443]}}]
    for name, told in (("web", "dependency 'web' is not a redis"), ("cache", "there is no dependency 'cache'")):
        spec["probes"][6]["redis"]["dependency"] = name
        with pytest.raises(PlanInvalid) as caught:
            plan_of("x", spec)
        ((where, message),) = caught.value.findings
        assert where == "spec.probes[6].redis.dependency"
        assert told in message


@pytest.mark.parametrize("kinds", [{}, {"redis": {"host": "r"}, "tcp": {"host": "203.0.113.7", "ports": [443]}}])
def test_a_dependency_is_of_exactly_one_kind(spec: dict[str, Any], kinds: dict[str, Any]) -> None:
    spec["dependencies"].append({"name": "web", **kinds})
    with pytest.raises(PlanInvalid, match=r"spec\.dependencies\[1\]: give exactly one of redis and tcp"):
        plan_of("x", spec)


def test_a_plan_that_does_not_fit_is_refused_with_its_size(spec: dict[str, Any]) -> None:
    spec["recovery"]["expect"] = [
        {"name": f"{n:04d}" + "x" * 50, "eventually": "health.ok || " * 70 + "health.ok"} for n in range(30)
    ]
    with pytest.raises(PlanTooBig, match=f"{PLAN_BYTES} fit"):
        canonical(spec)


def test_a_record_survives_the_status() -> None:
    change = Change(
        "cut", "networkPartition", "NetworkPolicy", "d-cut", "d-fuse", ChangeState.ACTIVE, requested_at=12.5
    )
    record = DrillRecord(phase=Phase.OUTAGE, since=10.25, changes=(change,), baseline={"queue.body.depth": 3.5})
    record = record.note(11.125, "CutProven", "proven")
    status = status_of(record, 4)
    assert saved_of(status) == Saved(record)
    assert status["phase"] == "Outage"
    assert status["undo"][0]["state"] == "Active"
    assert saved_of({}) is None


def test_times_are_written_as_people_and_kubernetes_read_them() -> None:
    assert moment(timestamp(1_795_473_594.125)) == 1_795_473_594.125
    assert [duration(s) for s in (1.37, 83, 3_672)] == ["1.4s", "1m23s", "1h1m12s"]


def test_a_time_that_somebody_made_unreadable_is_long_ago() -> None:
    assert shown_moment("2026-11-24T12:00:00Z") == moment("2026-11-24T12:00:00Z")
    assert shown_moment("0000-01-01T00:00:00Z") == 0.0
