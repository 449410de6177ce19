"""The runtime of an agent: reads its configuration from the environment, and ends it on SIGTERM or at its deadline.

It ends by itself at the drill's last deadline, by its own monotonic clock, because no operator may be left to end it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable

from gameday.agents.log import SampleLog
from gameday.model.agent import VARIABLE, Config, read_config

Work = Callable[[Config, SampleLog, asyncio.Event], Awaitable[int | None]]
"""An agent's work; the event is set when it shall end. What it answers is the exit code, nothing is 0."""


def run(work: Work[Config], *expected: type[Config]) -> None:
    """Run an agent until its work is done, it gets SIGTERM, or the drill's last deadline has passed."""
    config = read_config(os.environ[VARIABLE], *expected)
    sys.exit(asyncio.run(_run(work, config)))


async def _run(work: Work[Config], config: Config) -> int | None:
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    log = SampleLog()
    log.started()
    limit = asyncio.timeout(config.ends_after or None)
    try:
        # The work is cancelled and ``ending`` is not set, because that event means SIGTERM to the closer.
        async with limit:
            return await work(config, log, ending)
    except TimeoutError:
        if not limit.expired():
            raise
        sys.stderr.write("the last deadline of the drill has passed and nobody stopped this agent: it ends itself\n")
        return None


async def until(ending: asyncio.Event, moment: float) -> bool:
    """Wait until a moment of the loop's clock; True when the agent shall end before."""
    left = moment - asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(max(0.0, left)):
            await ending.wait()
    except TimeoutError:
        return ending.is_set()
    return True
