"""An operator process against an API server: what the administrator says reaches GameDays, drills and metrics."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
import yaml

from gameday.api.record import moment
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller import administrator
from gameday.controller.process import supervisor
from gameday.controller.process.operator import Operator
from gameday.controller.settings import Settings
from unit.api_server import ApiServer
from unit.preflight.things import granted, pod

OWN = "gameday-system"
HALT: Object = {"metadata": {"name": "gameday-halt"}, "data": {"reason": "a launch"}}
GAMEDAY: Object = yaml.safe_load("""
metadata: {name: small, generation: 1}
kind: GameDay
apiVersion: gameday.dev/v1alpha1
spec:
  dependencies: [{name: redis, redis: {service: {name: redis}}}]
  probes: [{name: health, http: {url: "http://api/healthz"}}]
  steadyState: {duration: 3s}
  outage:
    duration: 10m
    faults:
    - name: partition
      networkPartition: {podSelector: {matchLabels: {app: api}}, to: [redis]}
  recovery: {within: 20s, expect: [{name: healthy again, eventually: health.ok}]}
""")


def a_drill(name: str, **spec: str) -> Object:
    metadata = {"name": name, "creationTimestamp": "2999-01-01T00:00:00Z"}
    wanted = {"gameDay": "small"} | spec
    return {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "metadata": metadata, "spec": wanted}


def limits(text: str) -> Object:
    return {"metadata": {"name": "gameday-limits"}, "data": {"limits.yaml": text}}


class OperatorHarness:
    """The cluster with one operator in it."""

    def __init__(self, server: ApiServer, operator: Operator) -> None:
        self.server = server
        self.operator = operator

    def conditions(self, plural: str, name: str, namespace: str = "shop") -> dict[str, tuple[str, str, str]]:
        """Status, reason and message of each condition of an object."""
        status = self.server.objects[plural, namespace, name].get("status", {})
        return {c["type"]: (c["status"], c["reason"], c["message"]) for c in status.get("conditions", ())}

    def events(self, reason: str) -> set[str]:
        """The kinds of object that Events of this reason are about."""
        return {body["regarding"]["kind"] for body in self.bodies(reason)}

    def bodies(self, reason: str) -> list[Object]:
        """The Events of this reason."""
        found = [body for (plural, _, _), body in self.server.objects.items() if plural == "events"]
        return [body for body in found if body["reason"] == reason]

    def metric(self, name: str) -> float | None:
        return self.operator.metrics.registry.get_sample_value(name)


def only_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off what happens by itself after some seconds: what must be heard at once is not found late instead."""
    monkeypatch.setattr(supervisor, "TURN_EVERY", 600.0)
    monkeypatch.setattr(supervisor, "AGAIN_AFTER", 600.0)
    monkeypatch.setattr(administrator, "LOOK_EVERY", 600.0)


@pytest.fixture(autouse=True)
def _only_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    only_when_told(monkeypatch)


async def becomes(look: Callable[[], bool], within: float = 20.0) -> None:
    """Wait until it is so; on a busy machine that may take longer than the 2 s in which a halt must show."""
    async with asyncio.timeout(within):
        while not look():  # noqa: ASYNC110  what is looked at has no event
            await asyncio.sleep(0.01)


def _related(event: Object) -> tuple[str, ...]:
    related = event.get("related", {})
    return tuple(related[key] for key in ("kind", "name", "uid") if related)


@pytest.fixture
async def harness(api_server: ApiServer, cluster: Cluster) -> AsyncIterator[OperatorHarness]:
    api_server.put("gamedays", "shop", GAMEDAY)
    operator = Operator(cluster, Settings(OWN, "me", "image"), time.time, time.monotonic)
    task = asyncio.create_task(operator.lead())
    yield OperatorHarness(api_server, operator)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def appears(harness: OperatorHarness, drill: Object, namespace: str = "shop") -> None:
    """A Drill is created, and Kopf tells of it."""
    harness.operator.store.drill_seen(False, harness.server.put("drills", namespace, drill))


async def test_while_halted_a_drill_waits_and_says_so_and_resumed_it_begins(harness: OperatorHarness) -> None:
    await becomes(lambda: harness.conditions("gamedays", "small").get("Ready", ("",))[0] == "True")
    harness.server.put("configmaps", OWN, HALT)
    await appears(harness, a_drill("first"))
    await becomes(lambda: harness.conditions("drills", "first").get("Halted", ("",))[0] == "True")
    assert harness.conditions("drills", "first")["Complete"][:2] == ("False", "Halted")
    assert ("leases", "shop", "gameday") not in harness.server.objects
    await becomes(lambda: "Halted" in harness.conditions("gamedays", "small"))
    assert harness.conditions("gamedays", "small")["Ready"][0] == "True"
    assert "a launch" in harness.conditions("gamedays", "small")["Halted"][2]
    assert harness.metric("gameday_halted") == 1
    await becomes(lambda: harness.events("Halted") == {"ConfigMap", "Drill"})
    actions = {(body["regarding"]["kind"], body["action"], _related(body)) for body in harness.bodies("Halted")}
    uid = harness.server.objects["gamedays", "shop", "small"]["metadata"]["uid"]
    assert actions == {("ConfigMap", "Halt", ()), ("Drill", "Refuse", ("GameDay", "small", uid))}
    harness.server.drop("configmaps", OWN, "gameday-halt")
    await becomes(lambda: "startedAt" in harness.server.objects["drills", "shop", "first"]["status"])
    await becomes(lambda: "Halted" not in harness.conditions("gamedays", "small"))
    assert harness.metric("gameday_halted") == 0


async def test_what_could_not_be_listed_is_listed_soon_and_not_a_minute_later(
    api_server: ApiServer, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    api_server.forbidden = {"list"}
    api_server.put("gamedays", "shop", GAMEDAY)
    operator = Operator(cluster, Settings(OWN, "me", "image"), time.time, time.monotonic)
    task = asyncio.create_task(operator.lead())
    await becomes(lambda: operator.metrics.registry.get_sample_value("gameday_leader") == 1)
    await becomes(lambda: "were not listed" in caplog.text)
    assert not operator.store.listed
    api_server.forbidden = set()
    await becomes(lambda: operator.store.listed)
    assert ("shop", "small") in operator.store.gamedays
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_halt_that_is_told_of_again_counts_in_its_event(harness: OperatorHarness) -> None:
    harness.server.put("configmaps", OWN, HALT)
    await becomes(lambda: harness.events("Halted") == {"ConfigMap"})
    harness.server.put("configmaps", OWN, limits("maxOutage: 5m"))
    await becomes(lambda: "series" in harness.bodies("Halted")[0])
    (event,) = harness.bodies("Halted")
    assert event["series"]["count"] == 2


async def test_a_halt_that_the_watch_does_not_tell_of_keeps_a_drill_from_beginning(harness: OperatorHarness) -> None:
    await becomes(lambda: "Ready" in harness.conditions("gamedays", "small"))
    harness.server.mute = True
    harness.server.put("configmaps", OWN, HALT)
    await appears(harness, a_drill("first"))
    await becomes(lambda: harness.conditions("drills", "first").get("Halted", ("",))[0] == "True")
    assert ("leases", "shop", "gameday") not in harness.server.objects


async def test_a_plan_beyond_the_limits_is_not_ready_within_two_seconds_and_again_when_they_widen(
    harness: OperatorHarness,
) -> None:
    def ready() -> tuple[str, str, str]:
        return harness.conditions("gamedays", "small").get("Ready", ("", "", ""))

    await becomes(lambda: ready()[0] == "True")
    harness.server.put("configmaps", OWN, limits("maxOutage: 5m"))
    await becomes(lambda: ready()[:2] == ("False", "LimitExceeded"))
    assert ready()[2] == (
        "limits.maxOutage is 5m, but spec.outage.duration is 10m: shorten the outage or ask the administrator"
    )
    harness.server.put("configmaps", OWN, limits("longestoutage: 5m"))
    await becomes(lambda: ready()[:2] == ("False", "LimitsInvalid"))
    assert "ConfigMap gameday-system/gameday-limits: limits.longestoutage" in ready()[2]
    assert harness.metric("gameday_limits_invalid") == 1
    harness.server.drop("configmaps", OWN, "gameday-limits")
    await becomes(lambda: ready()[0] == "True")
    assert harness.metric("gameday_limits_invalid") == 0


async def test_limits_are_refused_with_all_other_findings_at_once(harness: OperatorHarness) -> None:
    harness.server.put("configmaps", OWN, limits("maxOutage: 5m"))
    await appears(harness, a_drill("first"))
    await becomes(lambda: harness.conditions("drills", "first").get("Complete", ("",))[0] == "True")
    _, reason, message = harness.conditions("drills", "first")["Complete"]
    assert reason == "PreflightFailed"
    assert "limits.maxOutage is 5m" in message
    assert "kubectl apply -n shop -k manifests/namespace" in message


async def test_what_the_plan_would_cut_is_counted_in_the_namespace_and_refused_beside_what_else_is_wrong(
    harness: OperatorHarness,
) -> None:
    for name in ("api-1", "api-2", "api-3"):
        harness.server.put("pods", "shop", pod(name, {"app": "api"}))
    opted_in = {"gameday.dev/opt-in": "true"}
    harness.server.put("serviceaccounts", "shop", {"metadata": {"name": "gameday", "labels": opted_in}})
    harness.server.rules = list(granted())
    harness.server.put("configmaps", OWN, limits("{maxPods: 2, maxWorkloadPercent: 50}"))
    await appears(harness, a_drill("first"))
    await becomes(lambda: harness.conditions("drills", "first").get("Complete", ("",))[0] == "True")
    _, reason, message = harness.conditions("drills", "first")["Complete"]
    assert reason == "PreflightFailed"
    assert "limits.maxPods is 2, but spec.outage.faults[partition].networkPartition.podSelector selects 3" in message
    assert "1 of 1 ready pods of Pod api-2 (100%)" in message
    assert "Service shop/redis does not exist" in message


async def test_with_an_invalid_document_a_drill_waits_and_says_what_is_wrong(harness: OperatorHarness) -> None:
    harness.server.put("configmaps", OWN, limits("maxPods: many"))
    await appears(harness, a_drill("first"))
    await becomes(lambda: harness.conditions("drills", "first").get("Complete", ("", ""))[1] == "LimitsInvalid")
    assert "limits.maxPods" in harness.conditions("drills", "first")["Complete"][2]
    assert ("leases", "shop", "gameday") not in harness.server.objects


async def test_only_so_many_drills_of_the_cluster_at_once(harness: OperatorHarness) -> None:
    harness.server.put("configmaps", OWN, limits("maxConcurrentDrills: 1"))
    harness.server.put("gamedays", "pay", GAMEDAY)
    busy = a_drill("running") | {"status": {"phase": "Outage", "startedAt": "2026-11-24T12:00:00Z"}}
    running = harness.server.put("drills", "elsewhere", busy)
    harness.operator.store.drills["elsewhere", "running"] = running
    await appears(harness, a_drill("first"), "pay")
    await becomes(lambda: harness.conditions("drills", "first", "pay").get("Complete", ("", ""))[1] == "TooManyDrills")
    message = harness.conditions("drills", "first", "pay")["Complete"][2]
    assert "limits.maxConcurrentDrills is 1, and 1 already run (elsewhere/running)" in message
    assert ("leases", "pay", "gameday") not in harness.server.objects
    harness.operator.store.drill_seen(True, running)
    await becomes(lambda: "startedAt" in harness.server.objects["drills", "pay", "first"]["status"])


async def test_what_an_operator_writes_tells_the_time_of_its_own_clock(api_server: ApiServer, cluster: Cluster) -> None:
    """A clock that is an hour wrong shows in its heartbeat, its Lease, its conditions and its Events."""
    ahead = 3600.0
    api_server.put("gamedays", "shop", GAMEDAY)
    began = time.time()
    operator = Operator(cluster, Settings(OWN, "me", "image"), lambda: time.time() + ahead, time.monotonic)
    task = asyncio.create_task(operator.lead())
    one = OperatorHarness(api_server, operator)
    await becomes(lambda: one.metric("gameday_leader") == 1)
    api_server.put("configmaps", OWN, HALT)
    await becomes(lambda: one.events("Halted") == {"ConfigMap"})
    await becomes(lambda: "Ready" in one.conditions("gamedays", "small"))
    told = [
        api_server.objects["leases", OWN, "gameday-operator"]["spec"]["renewTime"],
        *(body["eventTime"] for (plural, _, _), body in api_server.objects.items() if plural == "events"),
        *(c["lastTransitionTime"] for c in api_server.objects["gamedays", "shop", "small"]["status"]["conditions"]),
    ]
    assert len(told) >= 3
    assert [text for text in told if not ahead - 1 <= moment(text) - began < ahead + 60] == []
    assert ahead - 1 <= (one.metric("gameday_heartbeat_timestamp_seconds") or 0.0) - began < ahead + 60
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_api_server_that_is_away_hides_nothing_of_what_ends_a_process(
    api_server: ApiServer, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """SIGTERM ends it as a cancellation, also where its Lease cannot be given up."""
    operator = Operator(cluster, Settings(OWN, "me", "image"), time.time, time.monotonic)
    task = asyncio.create_task(operator.lead())
    await becomes(lambda: operator.metrics.registry.get_sample_value("gameday_leader") == 1)
    api_server.down = True
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "the Lease was not given up" in caplog.text
