"""A Drill whenever it changes, from now until it has ended: an API server that does not answer is waited for."""

import asyncio
import contextlib
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


def reported(drill: Object) -> bool:
    """Whether a Drill has ended and its GameDay shows that."""
    return ended(drill) and not drill["status"].get("unreported")


async def follow(
    cluster: Cluster, namespace: str, name: str, trouble: Callable[[str], None], shown_within: float = 0.0
) -> AsyncGenerator[Object | None, None]:
    """Each observed state of a Drill, up to one that has ended; None if the Drill was deleted before.

    ``trouble`` is called with the error each time that the API server stops answering. The caller checks before
    whether Drills may be listed at all. ``shown_within`` are the seconds for which one that has ended is followed on,
    until its GameDay shows it.
    """
    loop = asyncio.get_running_loop()
    until: float | None = None
    changed = asyncio.Event()
    informer = Informer(cluster, DRILLS, namespace, changed.set, fields=f"metadata.name={name}")
    watching = asyncio.create_task(informer.run())
    told = ""
    try:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await changed.wait()
            if until is not None and not changed.is_set():
                return
            changed.clear()
            if informer.error and not told and until is None:
                trouble(informer.error)
            told = informer.error
            if not informer.synced:
                continue
            drill = informer.objects.get(name)
            if drill is None and until is not None:
                return
            yield drill
            if drill is None or reported(drill) or (ended(drill) and not shown_within):
                return
            if until is None and ended(drill):
                until = loop.time() + shown_within
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
