"""The operator's process: the server, Kopf and the leader, started together and ended together."""

import asyncio
import logging
import signal
from collections.abc import Iterable
from typing import Any

import kopf

from gameday.cluster.client import Cluster
from gameday.cluster.lease import LeaseLost
from gameday.handlers.events import register
from gameday.runner.operator import Operator
from gameday.runner.settings import Settings
from gameday.runner.telemetry import serve

log = logging.getLogger("gameday.operator")


async def operate(settings: Settings) -> int:
    """Run until told to end; the exit code: 0 when told to, 1 when the Lease was lost or a part failed."""
    cluster = await Cluster.connect(settings.kubeconfig)
    operator = Operator(cluster, settings)
    server = await serve(operator.metrics, operator.heartbeat, settings.port)
    registry = kopf.OperatorRegistry()
    register(registry, operator.supervisor, settings.kubeconfig)
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    parts = {
        asyncio.create_task(ending.wait()),
        asyncio.create_task(operator.lead()),
        asyncio.create_task(
            kopf.operator(
                registry=registry,
                clusterwide=not settings.watch_namespaces,
                namespaces=list(settings.watch_namespaces),
                standalone=True,
                # Kopf would ask the system for a user name, which a pod's user has not.
                identity=settings.identity,  # type: ignore[arg-type]  # a NewType of str that Kopf does not export
            )
        ),
    }
    try:
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        return _outcome(done)
    finally:
        for task in parts:
            task.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        await server.cleanup()
        await cluster.close()


def _outcome(done: Iterable[asyncio.Task[Any]]) -> int:
    for task in done:
        error = task.exception()
        if isinstance(error, LeaseLost):
            log.error("ending: %s", error)
            return 1
        if error is not None:
            log.error("ending: a part failed", exc_info=error)
            return 1
    return 0
