"""The fuse of a user that is switched off: a waiting pod of a Job, which switches it on if the operator did not.

Run as ``python -m gameday.agents.user_fuse``. Its dry run logs in as the administrator on every server, and shows
that the user is there, is on, and could be switched, without changing anything. A fuse that takes the place of another
one later finds a user that the drill has switched off: from ``arms_within`` seconds after the start of its Job it takes
that as it is. ``waiting_fuse`` says when it acts.
"""

import asyncio
from pathlib import Path
from typing import Final

from gameday.agents import waiting_fuse
from gameday.agents.calling import MESSAGE, Outcome, leave
from gameday.agents.log import SampleLog
from gameday.agents.peers import Place
from gameday.agents.redis_servers import Trouble
from gameday.agents.redis_users import dry_run, switch_on
from gameday.agents.runtime import run
from gameday.agents.waiting_fuse import wait_and_act
from gameday.model.redis_user import UserFuseConfig

TRY_TAKES: Final = 40.0
"""Seconds that one try may take: silent servers hold it up, and others must not wait for them."""


async def user_fuse(
    config: UserFuseConfig, log: SampleLog, ending: asyncio.Event, message: Path = MESSAGE
) -> int | None:
    """Wait for the deadline, and switch the user on then, until it is on everywhere."""
    known: tuple[Place, ...] = ()
    began: float | None = None

    async def act(dry: bool) -> str | None:
        nonlocal known, began
        fires = False
        try:
            async with asyncio.timeout(TRY_TAKES):
                if dry:
                    arms, fires = await _moment(config)
                    known = await dry_run(config.user, must_be_on=arms)
                    return None
                began = waiting_fuse.boot() if began is None else began
                forgets = waiting_fuse.boot() > began + config.forgets_after
                leave(message, Outcome(good=True, text=await switch_on(config.user, known, forgets=forgets)))
                return None
        except TimeoutError:
            why = f"it took longer than {TRY_TAKES:.0f} s"
        except Trouble as trouble:
            why = str(trouble)
        # At the deadline a server that cannot be used keeps it from no other one.
        return None if fires else why

    return await wait_and_act(config, log, ending, act)


async def _moment(config: UserFuseConfig) -> tuple[bool, bool]:
    """Whether nothing can have been changed yet, and whether it takes another's place after the deadline.

    The drill asks for the change once its fuse is armed.
    """
    known = await asyncio.to_thread(waiting_fuse.look, config)
    if isinstance(known, str):
        raise Trouble(f"its Job does not say when it started: {known}")
    now, (_, fires_at) = waiting_fuse.boot(), known
    arms = now < fires_at - config.lasts + config.arms_within
    return arms, not arms and now >= fires_at


if __name__ == "__main__":
    run(user_fuse, UserFuseConfig)
