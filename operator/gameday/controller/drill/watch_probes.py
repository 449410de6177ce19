"""Probes that the operator runs itself: each turns the objects of a watch into samples.

These samples are in no log. After a restart the earlier ones are missing, and an expectation that needs them becomes
Unknown unless it was decided before.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from gameday.cluster.client import Cluster
from gameday.cluster.informer import Informer
from gameday.cluster.resources import Object, Resource
from gameday.controller.task_set import TaskSet
from gameday.model.plan import Probe
from gameday.model.sample import Sample
from gameday.probes.kind import WatchedKind
from gameday.probes.kinds import KINDS

AGENT: Final = "operator"
"""The agent's name in these samples; each probe numbers its own samples."""


class WatchProbes:
    """Takes a sample of each informer's object at each interval of its probe.

    ``resumed`` says that an earlier process took samples, which are lost.
    """

    def __init__(
        self,
        account: Cluster,
        namespace: str,
        clock: Callable[[], float],
        take: Callable[[Sample], None],
        *,
        resumed: bool,
    ) -> None:
        self._account = account
        self._namespace = namespace
        self._clock = clock
        self._take = take
        # A number left out is how every reader of samples knows that some were lost.
        self._first = 2 if resumed else 1
        self._started: set[str] = set()

    def open(self, tasks: TaskSet, probes: tuple[Probe, ...]) -> None:
        """Start the probes that the operator runs; once is enough."""
        for probe in probes:
            kind = KINDS.watched(probe.settings)
            if kind is not None and probe.name not in self._started:
                self._started.add(probe.name)
                tasks.start(self._repeat(tasks, probe, kind))

    async def _repeat(self, tasks: TaskSet, probe: Probe, kind: WatchedKind[Any, Any]) -> None:
        synced = asyncio.Event()
        watched = kind.watched(probe.settings)
        of = Resource(watched.group, watched.version, watched.resource, "")
        fields = f"metadata.name={watched.name}"
        informer = Informer(self._account, of, self._namespace, synced.set, fields=fields)
        tasks.start(informer.run())
        await synced.wait()
        clock = asyncio.get_running_loop().time
        number, due = self._first - 1, clock()
        while True:
            # Without the API server an informer shows an old state. That is not a sample, so there is a gap.
            if informer.synced and not informer.error:
                number += 1
                self._take(self._sample(probe.name, number, kind, informer.objects.get(watched.name)))
            due = max(due + probe.every, clock())
            await asyncio.sleep(due - clock())

    def _sample(self, name: str, number: int, kind: WatchedKind[Any, Any], thing: Object | None) -> Sample:
        now, result = self._clock(), kind.result(thing)
        values = {} if result.values is None else result.values
        return Sample(f"{AGENT}/{name}", number, name, now, now, result.ok, result.error, values, result.unknown)
