"""The fuse of a call: a waiting pod of a Job, which sends the request that takes the call back if the operator did not.

Run as ``python -m gameday.agents.call_fuse``. Such a request cannot be tried without taking effect. So the dry run
reads the Secrets and connects to the server, with its certificate verified, and sends nothing. What came of the request
is left in the termination message, as the caller leaves it. ``waiting_fuse`` says when it is sent.
"""

import asyncio
from pathlib import Path

from gameday.agents.calling import MESSAGE, Calling, leave
from gameday.agents.log import SampleLog
from gameday.agents.runtime import run
from gameday.agents.waiting_fuse import wait_and_act
from gameday.model.agent import CallFuseConfig


async def call_fuse(
    config: CallFuseConfig, log: SampleLog, ending: asyncio.Event, message: Path = MESSAGE
) -> int | None:
    """Wait for the deadline, and send the request then, until an answer is good."""
    calling = Calling(config.request, config.statuses, config.timeout)

    async def act(dry: bool) -> str | None:
        if dry:
            return await calling.reach()
        outcome = await calling.call()
        leave(message, outcome)
        return None if outcome.good else outcome.text

    return await wait_and_act(config, log, ending, act)


if __name__ == "__main__":
    run(call_fuse, CallFuseConfig)
