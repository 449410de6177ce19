"""The operator's process: the server, Kopf and the leader, started together and ended together."""

import asyncio
import signal
from collections.abc import Iterable
from typing import Any

import kopf

from gameday.cli.login import register_login
from gameday.cluster.client import Cluster
from gameday.cluster.credentials import Credentials
from gameday.cluster.lease import LeaseLost
from gameday.controller.clock import Clock
from gameday.controller.logs import logger
from gameday.controller.own_image import NoImage
from gameday.controller.process.operator import Operator
from gameday.controller.settings import Settings
from gameday.controller.telemetry import serve
from gameday.errors import NoCluster
from gameday.handlers.events import register

log = logger("gameday.operator")


async def operate(settings: Settings, clock: Clock) -> int:
    """Run until SIGTERM; the exit code is 0 after SIGTERM, 1 if there is no cluster or a part failed."""
    try:
        credentials = await Credentials.load(settings.kubeconfig, settings.context, clock.wall)
    except NoCluster as error:
        log.error("ending: %s", error)  # noqa: TRY400  a person reads it, and no traceback helps
        return 1
    log.info("talking to %s, by %s", credentials.login.server, credentials.login.source)
    cluster = Cluster.by(credentials)
    operator = Operator(cluster, settings, clock.wall, clock.monotonic)
    server = await serve(operator.metrics, operator.heartbeat, settings.port)
    registry = kopf.OperatorRegistry()
    register_login(registry, credentials)
    register(registry, operator.store)
    ready = asyncio.Event()
    leading = asyncio.create_task(operator.lead())
    parts = {
        asyncio.create_task(_told_to_end(ready)),
        leading,
        asyncio.create_task(
            kopf.operator(
                registry=registry,
                clusterwide=not settings.watch_namespaces,
                namespaces=list(settings.watch_namespaces),
                standalone=True,
                ready_flag=ready,
                # Kopf would ask the system for a user name, which a pod's user has not.
                identity=settings.identity,  # type: ignore[arg-type]  # a NewType of str that Kopf does not export
            )
        ),
    }
    try:
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        return _outcome(done)
    finally:
        # First, and to its end: Kopf's end cancels every task of the loop, and the Lease would not be given up.
        leading.cancel()
        await asyncio.wait({leading})
        for task in parts:
            task.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        await server.cleanup()
        await cluster.close()


async def _told_to_end(ready: asyncio.Event) -> None:
    """Return at SIGTERM or SIGINT, which Kopf takes for itself when it starts: its own end takes 5 s more."""
    ending = asyncio.Event()
    await ready.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    await ending.wait()


def _outcome(done: Iterable[asyncio.Task[Any]]) -> int:
    for task in done:
        error = task.exception()
        if isinstance(error, LeaseLost | NoImage):
            log.error("ending: %s", error)
            return 1
        if error is not None:
            log.error("ending: a part of the operator failed", exc_info=error)
            return 1
    return 0
