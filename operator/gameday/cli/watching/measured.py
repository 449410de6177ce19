"""What the probes of a drill measure, from the logs of its agents, with the rights of the person who watches."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from gameday.cluster.client import Cluster
from gameday.cluster.informer import RETRY_LAST, Informer, follow_log
from gameday.cluster.pod_status import has_ended
from gameday.cluster.resources import PODS, Object
from gameday.errors import Forbidden, GameDayError, NotFound
from gameday.model.labels import AGENT, DRILL
from gameday.model.plan import RunsIn
from gameday.model.sample import LineType, Sample
from gameday.model.wire import parse_line

KEPT: Final = 60
"""Newest samples of a probe that are kept, as many as its curve has columns."""
PROBING: Final = frozenset({RunsIn.OBSERVER.value, RunsIn.CLIENT.value})
"""The agents that run probes."""


@dataclass(slots=True)
class Curve:
    """The newest samples of a probe, each once: a log that is opened anew begins at its beginning."""

    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=KEPT))
    newest: dict[str, int] = field(default_factory=dict)

    def take(self, sample: Sample) -> None:
        """Keep a sample, unless it is known."""
        if sample.n > self.newest.get(sample.agent, 0):
            self.newest[sample.agent] = sample.n
            self.samples.append(sample)


class Measured:
    """The curves of a drill's probes."""

    def __init__(self, cluster: Cluster, namespace: str, drill: str) -> None:
        self.curves: dict[str, Curve] = {}
        self.refused: Forbidden | None = None
        """The right that is missing, if one is: then the status alone is shown."""
        self._cluster = cluster
        self._namespace = namespace
        self._labels = f"{DRILL}={drill}"
        self._logs: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follow the logs until cancelled, or until a right is found to be missing."""
        try:
            await self._cluster.list(PODS, self._namespace, self._labels)
        except Forbidden as error:
            self.refused = error
            return
        except GameDayError:
            pass  # The mirror tries again, and the drill's own mirror says what the trouble is.
        seen = asyncio.Event()
        informer = Informer(self._cluster, PODS, self._namespace, seen.set, labels=self._labels)
        listing = asyncio.create_task(informer.run())
        try:
            while self.refused is None:
                await seen.wait()
                seen.clear()
                for pod, agent in _agents(informer.objects):
                    if pod not in self._logs:
                        self._logs[pod] = asyncio.create_task(self._follow(agent, pod, informer, seen))
        finally:
            tasks = [listing, *self._logs.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, agent: str, pod: str, informer: Informer, seen: asyncio.Event) -> None:
        while True:
            last = _has_ended(informer.objects.get(pod))
            try:
                async for line in follow_log(self._cluster, self._namespace, pod):
                    self._take(agent, line)
            except NotFound:
                return
            except Forbidden as error:
                self.refused = error
                seen.set()
                return
            except GameDayError:
                await asyncio.sleep(
                    RETRY_LAST
                )  # It has not started yet, or the stream broke: nobody tells when it can.
            else:
                if last:
                    return
                # The stream also ends so where the kubelet restarts under a running container.
                await asyncio.sleep(RETRY_LAST)

    def _take(self, agent: str, line: bytes) -> None:
        try:
            sample = parse_line(agent, line)
        except ValueError:
            return  # Anybody may write into a log; the operator warns of such lines.
        if sample.type is LineType.SAMPLE:
            self.curves.setdefault(sample.name, Curve()).take(sample)


def _has_ended(pod: Object | None) -> bool:
    return pod is None or has_ended(pod)


def _agents(pods: Mapping[str, Object]) -> Iterator[tuple[str, str]]:
    """Pods that run probes, by name, with their agents."""
    for name, pod in pods.items():
        labels = pod["metadata"].get("labels", {})
        if labels.get(AGENT) in PROBING:
            yield name, labels[AGENT]
