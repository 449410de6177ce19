"""The observer: runs probes, one request in flight each. ``python -m gameday.agents.observer``."""

import asyncio
import sys
import time

from gameday.agents.log import SampleLog
from gameday.agents.runtime import run, until
from gameday.model.agent import ObserverConfig, ProbeTask
from gameday.probes.io.secrets import Secrets
from gameday.probes.runner import ProbeRunner, unknown_result
from gameday.probes.runners import create_runner


async def observe(config: ObserverConfig, log: SampleLog, ending: asyncio.Event) -> None:
    """Run every probe until SIGTERM; a slow probe delays no other."""
    async with asyncio.TaskGroup() as group:
        # One for all: what one service was sent, another may answer with.
        secrets = Secrets()
        tasks = [group.create_task(_repeat(probe, secrets, log, ending)) for probe in config.probes]
        await ending.wait()
        for task in tasks:
            task.cancel()


async def _repeat(probe: ProbeTask, secrets: Secrets, log: SampleLog, ending: asyncio.Event) -> None:
    clock = asyncio.get_running_loop().time
    runner = create_runner(probe, secrets)
    due = clock()
    try:
        while not await until(ending, due):
            await _once(probe, runner, log)
            # On a grid: what was missed because an answer came late is not made up for.
            due = max(due + probe.every, clock())
    finally:
        await runner.close()


async def _once(probe: ProbeTask, runner: ProbeRunner, log: SampleLog) -> None:
    sent = time.time()
    try:
        async with asyncio.timeout(probe.timeout):
            result = await runner()
    except TimeoutError:
        result = runner.timed_out()
    except Exception as error:  # noqa: BLE001  one probe must not end the others
        # Never the error's text, which may hold what was sent.
        sys.stderr.write(f"probe {probe.name}: {type(error).__name__}\n")
        result = unknown_result("internal", f"internal error of the probe ({type(error).__name__}): please report it")
    values = {} if result.values is None else result.values
    log.write(probe.name, sent, time.time(), ok=result.ok, error=result.error, values=values, unknown=result.unknown)


if __name__ == "__main__":
    run(observe, ObserverConfig)
