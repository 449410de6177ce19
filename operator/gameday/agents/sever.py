"""Ends the connections that targets still have at Redis. ``python -m gameday.agents.sever``.

It waits, armed, from before the injection; its trigger is SIGTERM, the deletion of its pod. It kills only clients
whose address is exactly one of the targets', never that of a NAT behind which others may stand.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from gameday.agents.life import run, until
from gameday.agents.log import SampleLog
from gameday.model.agent import AgentConfig
from gameday.model.sample import LineType
from gameday.probes.lookup import NotSent
from gameday.probes.redis import word
from gameday.probes.resp import LONG, Connection, RedisSaid
from gameday.probes.secrets import Secrets

LOOK_EVERY: Final = 1.0
"""Seconds between two looks while armed."""
ROUND_EVERY: Final = 0.2
QUIET_ROUNDS: Final = 2
"""Rounds in a row without a connection after which none is left."""

_FIELD: Final = re.compile(r"(?:^| )(id|addr)=(\S*)")
"""What is read of each client in Redis' list: its number and its address."""


async def sever(config: AgentConfig, log: SampleLog, ending: asyncio.Event) -> None:
    """Count the targets' connections until triggered, then end them."""
    clock = asyncio.get_running_loop().time
    due = clock()
    while not await until(ending, due):
        await _attempt(_count, config, log, LineType.CONNECTIONS, LOOK_EVERY * 2)
        due = clock() + LOOK_EVERY
    await _attempt(_end, config, log, LineType.SEVERED, config.budget)


async def _attempt(work: Any, config: AgentConfig, log: SampleLog, kind: LineType, budget: float) -> None:
    sent = time.time()
    error: str | None = None
    values: dict[str, int] = {}
    try:
        async with asyncio.timeout(budget):
            await work(config, values)
    except TimeoutError:
        why = "connections of the targets were left" if values.get("left") else "Redis had not answered"
        error = f"{why} after {budget:.0f} s" if values else "timeout"
    except RedisSaid as problem:
        error = f"{word(problem)}: the redis probe's user needs CLIENT LIST and CLIENT KILL"
    except (NotSent, OSError, UnicodeError) as problem:
        error = f"{word(problem)}: the severing pod did not reach every server of Redis"
    if error is None and values.get("left"):
        error = "connections are left"
    log.write(kind.value, sent, time.time(), ok=error is None, error=error, values=values, kind=kind)


async def _clients(client: Connection, addresses: tuple[str, ...]) -> list[str]:
    """The numbers of the connections that come from these addresses."""
    listed = await client.call("CLIENT", "LIST", most=LONG)
    entries = [dict(_FIELD.findall(line)) for line in str(listed).splitlines()]
    return [one["id"] for one in entries if one.get("addr", "").rpartition(":")[0].strip("[]") in addresses]


async def _count(config: AgentConfig, values: dict[str, int]) -> None:
    async with _connected(config) as servers:
        for server in servers:
            values["count"] = values.get("count", 0) + len(await _clients(server, config.addresses))


async def _end(config: AgentConfig, values: dict[str, int]) -> None:
    """End them until none is left. A Redis that is busy for a moment is asked again: the budget bounds it all."""
    values["killed"], values["left"] = 0, 0
    while True:
        try:
            async with _connected(config) as servers:
                await _rounds(servers, config.addresses, values)
                return
        except TimeoutError:
            await asyncio.sleep(ROUND_EVERY)


async def _rounds(servers: tuple[Connection, ...], addresses: tuple[str, ...], values: dict[str, int]) -> None:
    """Ask every server in each round: a client that one of them hung up on may go to another."""
    quiet = 0
    while quiet < QUIET_ROUNDS:
        found = [(server, one) for server in servers for one in await _clients(server, addresses)]
        values["left"] = len(found)
        quiet = 0 if found else quiet + 1
        for server, one in found:
            ended = await server.call("CLIENT", "KILL", "ID", one)
            values["killed"] += ended if isinstance(ended, int) else 0
        await asyncio.sleep(ROUND_EVERY)


@asynccontextmanager
async def _connected(config: AgentConfig) -> AsyncIterator[tuple[Connection, ...]]:
    """A connection to each server, or to the one that the Redis' own name leads to."""
    if config.redis is None:
        raise ValueError("the severing agent was given no Redis")
    secrets = Secrets()
    servers = tuple(Connection(config.redis, secrets, 2.0, server) for server in config.servers or (None,))
    try:
        yield servers
    finally:
        for server in servers:
            server.close()


if __name__ == "__main__":
    run(sever)
