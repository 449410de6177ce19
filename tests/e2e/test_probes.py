"""Every kind of probe in one drill, and connections that are kept."""

import pytest

from e2e.namespaces import TeamNamespace, small
from gameday.api.lines import events_of, figures_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


async def test_every_kind_of_probe_is_judged_and_measured(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis", "payments"), replicas=1)
    await ns.operator()
    gameday = small()
    spec = gameday["spec"]
    next(p for p in spec["probes"] if p["name"] == "redis")["redis"]["queue"] = {"kind": "bullmq", "name": "jobs"}
    spec["probes"] += [
        {"name": "deploy", "kubernetes": {"deployment": "api"}},
        {"name": "port", "tcp": {"host": "payments", "port": 80}},
        {"name": "metrics", "http": {"url": "http://api/metrics", "parse": "prometheus"}},
        # A queue is there once a job was added; no worker runs here that would take it.
        {"name": "webhook", "http": {"url": "http://api/webhooks/test", "method": "POST", "json": {"id": 1}}},
    ]
    spec["outage"]["expect"] += [
        {"name": "pods stay", "always": "deploy.ready == deploy.replicas && deploy.ready >= 1"},
        {"name": "payments answer", "always": "port.ok && port.latency < 1.0", "tolerates": "2s"},
        {"name": "redis itself is well", "always": "redis.role == 'master' && redis.depth >= 1 && redis.failed == 0"},
        {
            "name": "memory is bounded",
            "always": "atMost(metrics.process_resident_memory_bytes, "
            "baseline.metrics.process_resident_memory_bytes, 0.5, 10000000)",
        },
    ]
    spec["measurements"] = [
        {"name": "ready", "stage": "Outage", "path": "deploy.ready", "aggregate": "min"},
        {"name": "latency", "stage": "Outage", "path": "port.latency", "aggregate": "mean", "unit": "seconds"},
    ]
    await ns.start(gameday)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    figures = {f["name"]: f["value"] for f in figures_of(status)}
    assert figures["ready"] == 1
    assert 0 <= figures["latency"] < 1
    await ns.nothing_is_left()


async def test_connections_that_are_kept_are_not_ended_and_the_cut_is_proven_all_the_same(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    await ns.start(small(outage__faults__0__networkPartition__openConnections="Keep", outage__expect=[]))
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    reasons = [line["reason"] for line in events_of(status)]
    assert "CutProven" in reasons
    assert "ConnectionsClosed" not in reasons
    await ns.nothing_is_left()
