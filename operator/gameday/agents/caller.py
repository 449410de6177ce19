"""The caller: sends the request of an action, and leaves what came of it in its container's termination message.

Run as ``python -m gameday.agents.caller``. The kubelet writes the message into the pod's status, where it outlasts the
pod's log and node. A request that may be repeated is sent again until an answer is good. One that may not is sent once,
and a mark in the message is written before that, so that a container that dies in between says that it may have been
sent.
"""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from gameday.agents.calling import MESSAGE, Calling, Outcome, leave
from gameday.agents.log import SampleLog
from gameday.agents.runtime import run, until
from gameday.model.agent import CallerConfig

TRY_AGAIN_AFTER: Final = 1.0
"""Seconds between two requests at first; each wait is twice the one before."""
LONGEST_WAIT: Final = 8.0
"""Longest wait between two requests, in seconds."""
BAD: Final = 1
"""Exit code of a caller that got no good answer."""


async def caller(config: CallerConfig, _: SampleLog, ending: asyncio.Event, message: Path = MESSAGE) -> int | None:
    """Send the request until an answer is good or the time is over; the exit code is 0 for a good answer alone."""
    clock = asyncio.get_running_loop().time
    if await until(ending, clock() + config.waits):
        leave(message, Outcome(good=False, text="was not sent: its pod ended before it could send it", acted=False))
        return BAD
    calling = Calling(config.request, config.statuses, config.timeout)
    acted = False
    over, wait = clock() + config.tries_for, TRY_AGAIN_AFTER
    outcome = Outcome(
        good=False, text="was not sent: its time was over before it could be sent", again=False, acted=False
    )
    while not config.until or time.time() < config.until:
        leave(message, Outcome(good=False, text="may have been sent: its pod ended before the answer"))
        outcome = await calling.call()
        acted = acted or outcome.acted
        outcome = replace(outcome, acted=acted)
        leave(message, outcome)
        if outcome.good or not outcome.again or clock() + wait >= over:
            break
        if await until(ending, clock() + wait):
            break
        wait = min(wait * 2, LONGEST_WAIT)
    else:
        leave(message, outcome)
    return None if outcome.good else BAD


if __name__ == "__main__":
    run(caller, CallerConfig)
