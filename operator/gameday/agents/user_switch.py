"""Switches a user of a Redis off, or on again. ``python -m gameday.agents.user_switch``.

What came of it is left in the container's termination message, which the kubelet writes into the pod's status. Before
the first server is changed the message says that it may be, and names the servers: a pod that ends in between has said
where the user must be switched on.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gameday.agents.calling import MESSAGE
from gameday.agents.log import SampleLog
from gameday.agents.peers import Place
from gameday.agents.redis_servers import Trouble
from gameday.agents.redis_users import switch_off, switch_on
from gameday.agents.runtime import run, until
from gameday.model.redis_user import UserSwitchConfig

TRY_AGAIN_AFTER: Final = 1.0
"""Seconds between two tries."""
TRY_TAKES: Final = 10.0
"""Seconds that one try to switch it off may take."""
UNDO_TAKES: Final = 40.0
"""Seconds that one try to switch it on may take: silent servers hold it up, and others must not wait for them."""
BAD: Final = 1
"""Exit code where it was not done on every server."""


@dataclass(slots=True)
class _Work:
    """What was done so far, and the message that says so."""

    message: Path
    acted: bool = False
    servers: tuple[Place, ...] = ()

    def leave(self, text: str, *, good: bool = False) -> None:
        said = {"good": good, "text": text, "acted": self.acted, "servers": list(self.servers)}
        self.message.write_text(json.dumps(said))

    def starts(self, places: tuple[Place, ...]) -> None:
        self.acted, self.servers = True, tuple(dict.fromkeys((*self.servers, *places)))
        self.leave("may be off on some servers: its pod ended before it had switched it off everywhere")


async def user_switch(
    config: UserSwitchConfig, _: SampleLog, ending: asyncio.Event, message: Path = MESSAGE
) -> int | None:
    """Switch the user until that is done on every server or the time is over; the exit code is 0 where it is done."""
    clock, work = asyncio.get_running_loop().time, _Work(message)
    if await until(ending, clock() + config.waits):
        work.leave("was not switched: its pod was ended before")
        return BAD
    work.leave("was not switched yet: its pod ended before")
    over, takes = clock() + config.tries_for, UNDO_TAKES if config.on else TRY_TAKES
    while not config.until or time.time() < config.until:
        try:
            async with asyncio.timeout(takes):
                work.leave(await _once(config, work), good=True)
                return None
        except TimeoutError:
            why, final = f"it took longer than {takes:.0f} s", False
        except Trouble as trouble:
            why, final = str(trouble), trouble.final and not config.on
        work.leave(f"{_failed(config, work)}: {why}")
        if final or clock() + TRY_AGAIN_AFTER >= over or await until(ending, clock() + TRY_AGAIN_AFTER):
            return BAD
    work.leave(f"{_failed(config, work)}: its time was over")
    return BAD


async def _once(config: UserSwitchConfig, work: _Work) -> str:
    if config.on:
        forgets = bool(config.forgets_at) and time.time() >= config.forgets_at
        work.acted = True
        return await switch_on(config.user, config.servers, forgets=forgets)
    return await switch_off(
        config.user, config.targets, others_affected=config.others_affected, starts=work.starts, again=work.acted
    )


def _failed(config: UserSwitchConfig, work: _Work) -> str:
    if config.on:
        return "may still be off"
    return "may be off on some servers" if work.acted else "was not switched off"


if __name__ == "__main__":
    run(user_switch, UserSwitchConfig)
