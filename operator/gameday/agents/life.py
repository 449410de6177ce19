"""How an agent starts and ends: its configuration from the environment, its end by SIGTERM."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

from gameday.agents.log import SampleLog
from gameday.model.agent import VARIABLE, AgentConfig

Work = Callable[[AgentConfig, SampleLog, asyncio.Event], Awaitable[None]]
"""An agent's work; the event is set when it shall end."""


def run(work: Work) -> None:
    """Run an agent until its work is done or it is told to end."""
    config = AgentConfig.from_json(os.environ[VARIABLE])
    asyncio.run(_run(work, config))


async def _run(work: Work, config: AgentConfig) -> None:
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    log = SampleLog()
    log.hello()
    await work(config, log, ending)


async def until(ending: asyncio.Event, moment: float) -> bool:
    """Wait until a moment of the loop's clock; True when the agent shall end before."""
    left = moment - asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(max(0.0, left)):
            await ending.wait()
    except TimeoutError:
        return ending.is_set()
    return True
