"""/healthz and /metrics as Kubernetes and Prometheus see them."""

import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest

from gameday.controller.telemetry import STALE_AFTER, Heartbeat, Metrics, serve
from gameday.model.change import Change, ChangeState
from gameday.model.record import DrillRecord, Phase
from gameday.model.schedule import Decision
from unit.ports import free_port

HELD = Change(
    "partition",
    "networkPartition",
    "NetworkPolicy",
    "first-partition",
    "first-fuse",
    ChangeState.ACTIVE,
    requested_at=5.0,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(Counter({("get", "drills"): 3}))


@pytest.fixture
async def url(metrics: Metrics, clock: Clock) -> AsyncIterator[str]:
    port = free_port()
    runner = await serve(metrics, Heartbeat(metrics, time.time, clock), port)
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


async def test_healthz_fails_once_the_operator_has_stopped_turning(url: str, clock: Clock) -> None:
    assert (await get(f"{url}/healthz"))[0] == 200
    clock.now = STALE_AFTER + 1
    status, text = await get(f"{url}/healthz")
    assert status == 503
    assert "the operator's loop has not run for 16 s" in text


async def test_metrics_tell_of_requests_holds_and_verdicts(url: str, metrics: Metrics) -> None:
    before = DrillRecord(phase=Phase.STEADY_STATE, since=1.0)
    metrics.changed("shop", "uid", before, replace(before, phase=Phase.OUTAGE, since=4.0, changes=(HELD,)))
    metrics.finished("shop", "redis", "Passed", [("timeToDetect", "seconds", 1.5)])
    _, text = await get(f"{url}/metrics")
    assert 'gameday_api_requests_total{resource="drills",verb="get"} 3.0' in text
    assert 'gameday_faults_held{namespace="shop"} 1.0' in text
    assert 'gameday_faults_leftover{namespace="shop"} 0.0' in text
    assert 'gameday_phase_duration_seconds_sum{phase="SteadyState"} 3.0' in text
    assert 'gameday_drills_total{gameday="redis",namespace="shop",verdict="Passed"} 1.0' in text
    assert (
        'gameday_last_measurement{gameday="redis",measurement="timeToDetect",namespace="shop",unit="seconds"} 1.5'
        in text
    )


async def test_an_undo_that_is_overdue_shows_as_a_leftover_until_it_is_verified(url: str, metrics: Metrics) -> None:
    overdue = DrillRecord(phase=Phase.RECOVERY, changes=(HELD,), faults_cleared=False)
    metrics.changed("shop", "uid", overdue, overdue)
    assert 'gameday_faults_leftover{namespace="shop"} 1.0' in (await get(f"{url}/metrics"))[1]
    undone = replace(overdue, changes=(replace(HELD, state=ChangeState.UNDONE),), faults_cleared=True)
    metrics.changed("shop", "uid", overdue, undone)
    text = (await get(f"{url}/metrics"))[1]
    assert 'gameday_faults_leftover{namespace="shop"} 0.0' in text
    assert 'gameday_faults_held{namespace="shop"} 0.0' in text


async def test_the_series_of_a_gameday_go_when_it_goes(url: str, metrics: Metrics) -> None:
    for name in ("redis", "other"):
        metrics.finished("shop", name, "Passed", [("timeToDetect", "seconds", 1.5)])
    metrics.forget("shop", "redis")
    _, text = await get(f"{url}/metrics")
    assert 'gameday="redis"' not in text
    assert 'gameday="other"' in text


def test_the_heartbeat_tells_the_time_of_the_clock_that_it_was_given(metrics: Metrics) -> None:
    wall = Clock()
    heartbeat = Heartbeat(metrics, wall, time.monotonic)
    for now in (1_800_000_000.0, 1_799_996_400.0):
        wall.now = now
        heartbeat.beat()
        assert metrics.registry.get_sample_value("gameday_heartbeat_timestamp_seconds") == now


async def test_a_drill_that_only_waits_does_not_hide_what_another_of_its_namespace_holds(
    url: str, metrics: Metrics
) -> None:
    overdue = DrillRecord(phase=Phase.RECOVERY, changes=(HELD,), faults_cleared=False)
    waits = DrillRecord(phase=Phase.PENDING)
    metrics.changed("shop", "first", overdue, overdue)
    metrics.changed("shop", "second", waits, waits)
    text = (await get(f"{url}/metrics"))[1]
    assert 'gameday_faults_held{namespace="shop"} 1.0' in text
    assert 'gameday_faults_leftover{namespace="shop"} 1.0' in text
    metrics.changed("shop", "second", waits, replace(overdue, changes=(HELD, replace(HELD, name="other"))))
    assert 'gameday_faults_held{namespace="shop"} 3.0' in (await get(f"{url}/metrics"))[1]


async def test_the_gauges_of_a_namespace_go_with_its_last_drill(url: str, metrics: Metrics) -> None:
    cut = DrillRecord(phase=Phase.OUTAGE, changes=(HELD,))
    metrics.holding("shop", "first", cut)
    metrics.holding("shop", "second", DrillRecord())
    metrics.holding("pay", "third", cut)
    metrics.drill_over("first")
    assert 'gameday_faults_held{namespace="shop"} 0.0' in (await get(f"{url}/metrics"))[1]
    metrics.drill_over("second")
    text = (await get(f"{url}/metrics"))[1]
    assert 'namespace="shop"' not in text
    assert 'gameday_faults_held{namespace="pay"} 1.0' in text
    assert metrics.drills_kept() == {"third"}


async def test_every_verdict_of_a_known_gameday_counts_from_zero(url: str, metrics: Metrics) -> None:
    metrics.finished("shop", "redis", "Passed", [])
    for _ in range(2):
        metrics.known("shop", "redis", scheduled=False)
    text = (await get(f"{url}/metrics"))[1]
    for verdict, count in {"Passed": 1, "Failed": 0, "Inconclusive": 0, "Aborted": 0}.items():
        assert f'gameday_drills_total{{gameday="redis",namespace="shop",verdict="{verdict}"}} {count}.0' in text


async def test_every_decision_about_the_slots_of_a_schedule_counts_from_zero(url: str, metrics: Metrics) -> None:
    metrics.decided("shop", "redis", "TooLate", 2)
    for _ in range(2):
        metrics.known("shop", "redis", scheduled=True)
        metrics.known("shop", "plain", scheduled=False)
    _, text = await get(f"{url}/metrics")
    counted = r'^gameday_slots_total\{decision="(\w+)",gameday="redis",namespace="shop"\} (\S+)$'
    found = dict(re.findall(counted, text, re.MULTILINE))
    never = {"Scheduled", "Starting"}
    wanted = {one.value: "0.0" for one in Decision if one.value not in never} | {"TooLate": "2.0"}
    assert found == wanted
    assert not re.search(r'gameday_slots_total\{.*gameday="plain"', text), "it has no slots"
    metrics.forget("shop", "redis")
    assert "gameday_slots_total{" not in (await get(f"{url}/metrics"))[1]


async def test_a_count_says_since_when_it_counts(url: str, metrics: Metrics) -> None:
    """By this an alert knows what was counted before the first scrape from what is old."""
    began = time.time()
    metrics.known("shop", "redis", scheduled=True)
    _, text = await get(f"{url}/metrics")
    for metric, label in {"slots": 'decision="TooLate"', "drills": 'verdict="Failed"'}.items():
        series = [
            line for line in text.splitlines() if line.startswith(f"gameday_{metric}_created{{") and label in line
        ]
        (line,) = series
        assert began <= float(line.rpartition(" ")[2]) <= time.time()
