"""An informer, which keeps a collection up to date by a watch; and following a pod's log."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Final

from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object, Resource
from gameday.errors import GameDayError, NotFound, ResourceExpired

LINE_LIMIT: Final = 16 * 1024
"""Longest log line read, in bytes; the kubelet splits longer ones."""
RETRY_FIRST, RETRY_LAST = 0.2, 2.0
"""First and longest pause before the API server is asked again, in seconds: an undo must not wait for it long."""


LASTED: Final = 5.0
"""Seconds after which a watch has served its purpose: the next list and watch need no pause."""


class Informer:
    """A collection, kept as it is in the cluster: listed, then watched, then listed anew when the watch has ended.

    Events count by their version and not by the order in which they come; what a watch left out, the next list tells.

    ``synced`` is False until the first list; ``objects`` are by name, and none while the API server does not know the
    kind. ``error`` is its last one, while that is so.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource,
        namespace: str | None,
        changed: Callable[[], None],
        *,
        labels: str = "",
        fields: str = "",
        patience: float = RETRY_LAST,
    ) -> None:
        """Make it; ``patience`` is the longest pause between two tries, in seconds."""
        self.cluster = cluster
        self.resource = resource
        self.namespace = namespace
        self.labels = labels
        self.fields = fields
        self.objects: dict[str, Object] = {}
        self.synced = False
        self.error = ""
        self._gone: dict[str, int] = {}
        """Versions at which objects were deleted since the last list."""
        self._changed = changed
        self._patience = patience

    async def run(self) -> None:
        """Keep the objects up to date until cancelled; errors of the API server are retried.

        A watch that has lasted is opened again at once. After an error, or a watch that ended at once, there is a pause
        that doubles each time.
        """
        clock, pause = asyncio.get_running_loop().time, RETRY_FIRST
        while True:
            began = clock()
            trouble = await self._once()
            if clock() - began > LASTED:
                pause = RETRY_FIRST
                if trouble is None:
                    continue
            asked = trouble.after if trouble is not None else 0.0
            await asyncio.sleep(max(min(pause, self._patience), asked))
            pause = min(2 * pause, self._patience)

    async def _once(self) -> GameDayError | None:
        """List, and watch until the watch ends; what kept the API server from it, or None."""
        try:
            await self._watch(await self._list())
        except ResourceExpired:
            return None
        except GameDayError as error:
            if isinstance(error, NotFound):
                # The API server does not know the kind: nothing of it is there, until somebody installs it.
                self.objects, self.synced = {}, True
            self.error = str(error)
            self._changed()
            return error
        return None

    def upsert(self, thing: Object) -> None:
        """Store an object that one of our own calls returned, unless the watch has delivered a newer one."""
        name = thing["metadata"]["name"]
        known = self.objects.get(name)
        if known is None or version_of(known) < version_of(thing):
            self.objects[name] = thing
            self._changed()

    def evict(self, name: str) -> None:
        """Remove an object that one of our own calls deleted; the watch adds it again if a finalizer keeps it."""
        if self.objects.pop(name, None) is not None:
            self._changed()

    async def _list(self) -> str:
        items, version = await self.cluster.list(self.resource, self.namespace, self.labels, self.fields)
        self.objects = {item["metadata"]["name"]: item for item in items}
        self._gone.clear()
        self.synced, self.error = True, ""
        self._changed()
        return version

    async def _watch(self, version: str) -> None:
        async with aclosing(
            self.cluster.watch(self.resource, self.namespace, version, self.labels, self.fields)
        ) as events:
            async for event in events:
                self._apply(event["type"], event["object"])

    def _apply(self, kind: str, thing: Object) -> None:
        if kind == "ERROR":
            raise ResourceExpired(f"watch {self.resource.plural}: {thing.get('message', 'ended')}")
        if kind == "BOOKMARK":
            return
        name, version = thing["metadata"]["name"], version_of(thing)
        known = self.objects.get(name)
        if version < max(version_of(known) if known is not None else 0, self._gone.get(name, 0)):
            return
        if kind == "DELETED":
            self.objects.pop(name, None)
            self._gone[name] = version
        else:
            self.objects[name] = thing
        self._changed()


def version_of(thing: Object) -> int:
    """An object's resourceVersion: ordered numbers, as Kubernetes guarantees since 1.35."""
    return int(thing["metadata"]["resourceVersion"])


async def follow_log(cluster: Cluster, namespace: str, pod: str) -> AsyncIterator[bytes]:
    """The lines of a pod's log from its beginning, until its container has ended and the log is drained.

    They also end, without an error, where the kubelet closes the stream of a container that runs on: the API server
    ignores what breaks between the two (``StreamObject`` in k8s.io/apiserver). The caller looks at the pod.

    Raises:
        NotFound: when the pod is gone.
        Rejected: when its container has not started yet.
        ClusterUnreachable: when the stream broke; opening it anew gives all lines again.

    """
    pending = b""
    async with aclosing(cluster.log(namespace, pod)) as chunks:
        async for chunk in chunks:
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                yield line[:LINE_LIMIT]
            pending = pending[:LINE_LIMIT]
