"""The operator's /metrics and /healthz, and the heartbeat behind them.

The server answers from the first second. /healthz fails when the loop that starts and watches drills has stopped, so
that the kubelet restarts a process that is alive but does nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple, TypeVar

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from gameday.model.record import DrillRecord, Verdict
from gameday.model.schedule import OPEN, Decision

Metric = TypeVar("Metric", Gauge, Counter)

STALE_AFTER: Final = 15.0
"""Seconds without a heartbeat after which /healthz fails."""

PHASE_BUCKETS: Final = (1, 5, 15, 30, 60, 120, 300, 600, 1200, 3600)
LAG_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class _Held(NamedTuple):
    """The changes of one drill: those in the cluster now, and those of them whose undo is overdue."""

    namespace: str
    held: int
    overdue: int


class Metrics:
    """The operator's metrics. Series of a GameDay go when it goes."""

    def __init__(self, requests: Mapping[tuple[str, str], int]) -> None:
        """Make them; ``requests`` counts the calls to the API server by verb and resource, and goes on counting."""
        self.registry = CollectorRegistry()
        self.registry.register(_Requests(requests))
        self._held: dict[str, _Held] = {}
        """What each drill holds, by the Drill's UID."""
        self._series: dict[tuple[str, str], set[tuple[Gauge | Counter, tuple[str, ...]]]] = {}
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
        self.slots = Counter(
            "gameday_slots",
            "Slots of schedules, by what was decided about them.",
            ["namespace", "gameday", "decision"],
            registry=self.registry,
        )
        self.slot_lag = Histogram(
            "gameday_slot_lag_seconds",
            "Seconds from a slot to the creation of its Drill.",
            buckets=LAG_BUCKETS,
            registry=self.registry,
        )
        self.broken = Counter(
            "gameday_internal_errors", "Internal errors that ended a drill's runner.", registry=self.registry
        )
        self.halted = Gauge("gameday_halted", "1 while the administrator halts all drills.", registry=self.registry)
        self.limits_invalid = Gauge(
            "gameday_limits_invalid", "1 while the administrator's limits are invalid.", registry=self.registry
        )
        self.leading = Gauge("gameday_leader", "1 while this process may act.", registry=self.registry)
        self.beat = Gauge("gameday_heartbeat_timestamp_seconds", "Unix time of the last turn.", registry=self.registry)

    def changed(self, namespace: str, uid: str, before: DrillRecord, after: DrillRecord) -> None:
        """Count what changed in a drill's record: a phase that ended, what the drill holds, what is overdue."""
        if after.phase is not before.phase and after.dry_run is None:
            self.phases.labels(before.phase.value).observe(max(0.0, after.since - before.since))
        self.holding(namespace, uid, after)

    def holding(self, namespace: str, uid: str, record: DrillRecord) -> None:
        """Set the gauges of a namespace from all its drills, this one included."""
        held = sum(1 for change in record.changes if change.open and change.touched)
        self._held[uid] = _Held(namespace, held, held if record.faults_cleared is False else 0)
        self._show_held(namespace)

    def drills_kept(self) -> frozenset[str]:
        """UIDs of the drills of which these metrics keep what they hold."""
        return frozenset(self._held)

    def drill_over(self, uid: str) -> None:
        """Forget what a drill held; the series of a namespace go with its last drill."""
        gone = self._held.pop(uid, None)
        if gone is not None:
            self._show_held(gone.namespace)

    def _show_held(self, namespace: str) -> None:
        drills = [held for held in self._held.values() if held.namespace == namespace]
        if drills:
            self.held.labels(namespace).set(sum(held.held for held in drills))
            self.leftovers.labels(namespace).set(sum(held.overdue for held in drills))
        else:
            self.held.remove(namespace)
            self.leftovers.remove(namespace)

    def known(self, namespace: str, gameday: str, *, scheduled: bool) -> None:
        """Show a GameDay's drills, and its slots if it has a schedule, from zero on.

        A counter that begins at 1 has no increase.
        """
        for verdict in Verdict:
            self._count(namespace, gameday, self.drills, (namespace, gameday, verdict.value))
        for decision in Decision if scheduled else ():
            if decision not in OPEN:
                self._count(namespace, gameday, self.slots, (namespace, gameday, decision.value))

    def finished(self, namespace: str, gameday: str, verdict: str, figures: Iterable[tuple[str, str, float]]) -> None:
        """Count a finished drill; ``figures`` are its measurements as name, unit and value."""
        self._count(namespace, gameday, self.drills, (namespace, gameday, verdict)).inc()
        for name, unit, value in figures:
            self._count(namespace, gameday, self.measured, (namespace, gameday, name, unit)).set(value)

    def decided(self, namespace: str, gameday: str, decision: str, count: int) -> None:
        """Count slots that were decided alike."""
        self._count(namespace, gameday, self.slots, (namespace, gameday, decision)).inc(count)

    def retain(self, gamedays: AbstractSet[tuple[str, str]]) -> None:
        """Drop the series of all other GameDays: what ended after its GameDay had gone was counted all the same."""
        for key in self._series.keys() - gamedays:
            self.forget(*key)

    def forget(self, namespace: str, gameday: str) -> None:
        """Drop the series of a GameDay that is gone."""
        for metric, labels in self._series.pop((namespace, gameday), set()):
            metric.remove(*labels)

    def _count(self, namespace: str, gameday: str, metric: Metric, labels: tuple[str, ...]) -> Metric:
        self._series.setdefault((namespace, gameday), set()).add((metric, labels))
        return metric.labels(*labels)


class _Requests(Collector):
    """Shows the client's own count, which it keeps without knowing of metrics."""

    def __init__(self, counts: Mapping[tuple[str, str], int]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The count as it is now."""
        text = "Requests to the Kubernetes API."
        family = CounterMetricFamily("gameday_api_requests", text, labels=["verb", "resource"])
        for (verb, resource), count in sorted(self._counts.items()):
            family.add_metric([verb, resource], count)
        yield family


class Heartbeat:
    """Says whether the operator still turns."""

    def __init__(self, metrics: Metrics, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._metrics = metrics
        self._wall = wall
        self._monotonic = monotonic
        self._last = monotonic()

    def beat(self) -> None:
        """Note one turn."""
        self._last = self._monotonic()
        self._metrics.beat.set(self._wall())

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
            return web.Response(status=503, text=f"the operator's loop has not run for {heartbeat.age:.0f} s\n")
        return web.Response(text="ok\n")

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", show)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
