"""A Drill whenever it changes, from now until it has ended: an API server that does not answer is waited for."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

from gameday.cluster.client import Cluster
from gameday.cluster.informer import Informer
from gameday.cluster.resources import DRILLS, Object
from gameday.model.record import Phase, Reason

CUT: Final = "…"
"""What stands where a text was cut."""


def ended(drill: Object) -> bool:
    """Whether a Drill has its verdict, and everything of it is put back."""
    return bool(drill.get("status", {}).get("phase") == Phase.FINISHED.value)


def more(drill: Object, shown: str) -> str:
    """Where to read on, in a sentence, when what was shown of a drill that has ended is cut; "" when it is not."""
    if CUT not in shown:
        return ""
    status, namespace = drill["status"], drill["metadata"]["namespace"]
    if status.get("reason") == Reason.PREFLIGHT_FAILED.value:
        return f"That was cut: `gameday plan {drill['spec']['gameDay']} -n {namespace}` lists every finding."
    if CUT in status.get("message", ""):
        return ""  # No place has more of it.
    return f"That was cut: `kubectl -n {namespace} describe drill {drill['metadata']['name']}` has all of it."


async def follow(
    cluster: Cluster, namespace: str, name: str, trouble: Callable[[str], None]
) -> AsyncGenerator[Object | None, None]:
    """Each observed state of a Drill, up to one that has ended; None if the Drill was deleted before.

    ``trouble`` is called with the error each time that the API server stops answering. The caller checks before
    whether Drills may be listed at all.
    """
    changed = asyncio.Event()
    informer = Informer(cluster, DRILLS, namespace, changed.set, fields=f"metadata.name={name}")
    watching = asyncio.create_task(informer.run())
    told = ""
    try:
        while True:
            await changed.wait()
            changed.clear()
            if informer.error and not told:
                trouble(informer.error)
            told = informer.error
            if not informer.synced:
                continue
            drill = informer.objects.get(name)
            yield drill
            if drill is None or ended(drill):
                return
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
