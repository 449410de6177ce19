"""The way of the samples: the agents' logs, followed from their beginning, into the evidence.

A log is read from its first line each time it is opened; the evidence drops what it knows. So a broken stream or a
restarted operator loses nothing that the kubelet still has, and no second bookkeeping is needed.
"""

import asyncio
import logging
from collections.abc import Callable

from gameday.cluster.client import Cluster
from gameday.cluster.streams import follow_log
from gameday.engine.evidence import Evidence
from gameday.errors import Absent, GameDayError
from gameday.model.sample import Sample
from gameday.model.wire import parse_line
from gameday.model.world import Severed
from gameday.runner.background import Background
from gameday.runner.telemetry import Metrics

REOPEN_AFTER = 0.5
"""Seconds before a log that could not be followed is opened again."""

log = logging.getLogger("gameday.feed")


class Feed:
    """Follows the logs of a drill's agents and keeps what they tell."""

    def __init__(self, cluster: Cluster, namespace: str, metrics: Metrics, clock: Callable[[], float]) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.metrics = metrics
        self.clock = clock
        self.evidence: Evidence | None = None
        self.severed: Severed | None = None
        self.fuses_armed: dict[str, float] = {}
        """Fuse pods that have rehearsed their patch, and the Unix second at which each fires."""
        self._lags: dict[str, float] = {}
        self._wake: Callable[[], None] = lambda: None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._began = clock()

    def on_sample(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` after each sample."""
        self._wake = wake

    @property
    def skew(self) -> float:
        """Seconds by which the agents' clocks differ, as far as their fastest lines tell."""
        return max(self._lags.values()) - min(self._lags.values()) if self._lags else 0.0

    def follow(self, background: Background, agent: str, pod: str) -> None:
        """Follow the log of an agent's pod until its container ends; once is enough."""
        if agent not in self._tasks:
            self._tasks[agent] = background.start(self._follow(agent, pod))

    def take(self, sample: Sample) -> None:
        """Take a sample that came by no log."""
        if self._keep(sample):
            self._wake()

    async def _follow(self, agent: str, pod: str) -> None:
        while True:
            try:
                async for line in follow_log(self.cluster, self.namespace, pod):
                    self._take(agent, line)
            except Absent:
                return
            except GameDayError as error:
                log.warning("log of %s/%s: %s", self.namespace, pod, error)
                await asyncio.sleep(REOPEN_AFTER)
            else:
                return

    def _take(self, agent: str, line: bytes) -> None:
        try:
            sample = parse_line(agent, line)
        except ValueError as error:
            log.warning("line of agent %s passed over: %s", agent, error)
            return
        if not self._keep(sample):
            return
        if sample.received > self._began:
            lag = self.clock() - sample.received
            self._lags[agent] = min(lag, self._lags.get(agent, lag))
            self.metrics.lag.observe(max(0.0, lag))
        self._wake()

    def _keep(self, sample: Sample) -> bool:
        if sample.name == "sever":
            self.severed = _severed(sample)
        elif sample.name == "armed" and sample.ok:
            deadline = sample.values.get("deadline")
            if isinstance(deadline, int | float):
                self.fuses_armed[sample.agent] = float(deadline)
        return self.evidence.take(sample) if self.evidence is not None else True


def _severed(sample: Sample) -> Severed:
    killed, left = sample.values.get("killed", 0), sample.values.get("left", 0)
    if not isinstance(killed, int | float) or not isinstance(left, int | float):
        return Severed(0, 0, "the severing pod's answer cannot be read")
    return Severed(int(killed), int(left), "" if sample.ok else sample.error or "unknown error")
