"""The kubernetes probe: the one that the operator runs itself, from a watch, as the namespace's account.

Its samples are not in any log: after a restart those from before are missing, and what they would have decided is
Unknown unless it was decided already.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from gameday.cluster.client import Cluster
from gameday.cluster.kinds import DEPLOYMENTS
from gameday.cluster.streams import Mirror
from gameday.controller.background import Background
from gameday.model.plan import KubernetesProbe, Probe
from gameday.model.sample import Sample

AGENT: Final = "operator"
"""Stands for the agent in these samples; each probe counts its own."""


class Watched:
    """Turns the mirrors of Deployments into samples, on each probe's grid.

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

    def open(self, background: Background, probes: tuple[Probe, ...]) -> None:
        """Start the probes that are of this kind; once is enough."""
        for probe in probes:
            if isinstance(probe.kind, KubernetesProbe) and probe.name not in self._started:
                self._started.add(probe.name)
                background.start(self._repeat(background, probe, probe.kind.deployment))

    async def _repeat(self, background: Background, probe: Probe, deployment: str) -> None:
        synced = asyncio.Event()
        fields = f"metadata.name={deployment}"
        mirror = Mirror(self._account, DEPLOYMENTS, self._namespace, synced.set, fields=fields)
        background.start(mirror.run())
        await synced.wait()
        clock = asyncio.get_running_loop().time
        number, due = self._first - 1, clock()
        while True:
            # A mirror that lost the API server shows what was: that is no sample, so the judge finds a gap.
            if mirror.synced and not mirror.error:
                number += 1
                self._take(self._sample(probe.name, number, mirror, deployment))
            due = max(due + probe.every, clock())
            await asyncio.sleep(due - clock())

    def _sample(self, name: str, number: int, mirror: Mirror, deployment: str) -> Sample:
        now = self._clock()
        thing = mirror.objects.get(deployment)
        agent = f"{AGENT}/{name}"
        if thing is None:
            return Sample(agent, number, name, now, now, ok=False, error="absent")
        status = thing.get("status", {})
        values = {
            "replicas": float(thing["spec"].get("replicas", 1)),
            "ready": float(status.get("readyReplicas", 0)),
            "updated": float(status.get("updatedReplicas", 0)),
            "available": float(status.get("availableReplicas", 0)),
        }
        return Sample(agent, number, name, now, now, ok=True, values=values)
