"""Witness and control: one program, which dials the cut addresses. ``python -m gameday.agents.witness``.

Dials of one address may overlap, because a dropped packet takes a whole timeout to fail; they are logged in the order
in which they were sent. In addition one connection is held open to each cut address.
"""

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any, Final

from gameday.agents import dialing
from gameday.agents.dialing import Dialler, nameservers
from gameday.agents.holding import Holder
from gameday.agents.life import run, until
from gameday.agents.log import SampleLog
from gameday.model.agent import Dial, WitnessConfig
from gameday.model.sample import LineType

CUT: Final = "target:"
"""The prefix of the names of dials to cut addresses."""


async def witness(config: WitnessConfig, log: SampleLog, ending: asyncio.Event) -> None:
    """Dial every address at each interval until SIGTERM."""
    async with asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[None]] = []

        def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            tasks.append(group.create_task(work))
            return tasks[-1]

        own = nameservers(dialing.RESOLV_CONF.read_text(), config.dials) if config.nameservers else ()
        for target in (*config.dials, *own):
            holder = Holder(target.name, log, start) if target.name.startswith(CUT) else None
            start(_repeat(target, Dialler(target, holder, config.redis), config, log, ending))
        await ending.wait()
        for task in tasks:
            task.cancel()


async def _repeat(target: Dial, dial: Dialler, config: WitnessConfig, log: SampleLog, ending: asyncio.Event) -> None:
    under_way: deque[asyncio.Task[tuple[float, float, str | None]]] = deque()
    due = asyncio.get_running_loop().time()

    def write_finished() -> None:
        while under_way and under_way[0].done():
            sent, received, error = under_way.popleft().result()
            log.write(target.name, sent, received, ok=error is None, error=error, kind=LineType.DIAL)

    try:
        while not await until(ending, due):
            task = asyncio.create_task(_once(dial, config.timeout))
            task.add_done_callback(lambda _: write_finished())
            under_way.append(task)
            due += config.every
    finally:
        for task in under_way:
            task.cancel()
        under_way.clear()


async def _once(dial: Dialler, timeout: float) -> tuple[float, float, str | None]:
    sent = time.time()
    try:
        async with asyncio.timeout(timeout):
            error = await dial()
    except TimeoutError:
        error = "timeout"
    return sent, time.time(), error


if __name__ == "__main__":
    run(witness, WitnessConfig)
