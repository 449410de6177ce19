"""What Prometheus and Kubernetes are told: /metrics, /healthz, and the heartbeat behind them.

The server answers from the first second. /healthz fails when the loop that starts and watches drills has stopped
turning, so that the kubelet restarts a process that is alive and does nothing.
"""

import time
from collections.abc import Callable
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

STALE_AFTER: Final = 15.0
"""Seconds without a heartbeat after which /healthz fails."""

PHASE_BUCKETS: Final = (1, 5, 15, 30, 60, 120, 300, 600, 1200, 3600)
LAG_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The operator's metrics. Series of a GameDay go when it goes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.drills = Counter(
            "gameday_drills",
            "Drills finished, by verdict.",
            ["namespace", "gameday", "verdict"],
            registry=self.registry,
        )
        self.phases = Histogram(
            "gameday_phase_duration_seconds",
            "Seconds spent in a phase.",
            ["phase"],
            buckets=PHASE_BUCKETS,
            registry=self.registry,
        )
        self.held = Gauge("gameday_faults_held", "Changes in the cluster now.", ["namespace"], registry=self.registry)
        self.leftovers = Gauge(
            "gameday_faults_leftover", "Changes whose undo is overdue.", ["namespace"], registry=self.registry
        )
        self.measured = Gauge(
            "gameday_last_measurement",
            "Last measured value, in its own unit.",
            ["namespace", "gameday", "measurement", "unit"],
            registry=self.registry,
        )
        self.lag = Histogram(
            "gameday_sample_lag_seconds",
            "Seconds from an agent's receiving an answer to the operator's reading of it.",
            buckets=LAG_BUCKETS,
            registry=self.registry,
        )
        self.requests = Counter(
            "gameday_api_requests", "Requests to the Kubernetes API.", ["verb", "resource"], registry=self.registry
        )
        self.leading = Gauge("gameday_leader", "1 while this process may act.", registry=self.registry)
        self.beat = Gauge("gameday_heartbeat_timestamp_seconds", "Unix time of the last turn.", registry=self.registry)

    def forget(self, namespace: str, gameday: str) -> None:
        """Drop the series of a GameDay that is gone."""
        for metric, place in ((self.drills, 2), (self.measured, 2)):
            for labels in list(metric._metrics):  # noqa: SLF001  the library has no public way to list label sets
                if tuple(labels[:place]) == (namespace, gameday):
                    metric.remove(*labels)


class Heartbeat:
    """Says whether the operator still turns."""

    def __init__(self, metrics: Metrics, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._monotonic = monotonic
        self._last = monotonic()

    def beat(self) -> None:
        """Note one turn."""
        self._last = self._monotonic()
        self._metrics.beat.set_to_current_time()

    @property
    def age(self) -> float:
        """Seconds since the last turn."""
        return self._monotonic() - self._last


async def serve(metrics: Metrics, heartbeat: Heartbeat, port: int) -> web.AppRunner:
    """Start the server; the caller cleans the runner up at its end.

    Raises:
        OSError: when the port is taken.

    """

    async def healthz(_: web.Request) -> web.Response:
        if heartbeat.age > STALE_AFTER:
            return web.Response(status=503, text=f"no turn for {heartbeat.age:.0f} s\n")
        return web.Response(text="ok\n")

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", show)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
