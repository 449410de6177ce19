"""Counts or closes the connections of targets at Redis. ``python -m gameday.agents.close_connections``.

One pod counts from the steady state on. Another pod is created once the cut is proven; it closes the connections at
once, and none after its deadline. So SIGTERM never makes a pod close a connection. Only clients with exactly the
address of a target are closed, never the address of a NAT that others may share.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import accumulate
from typing import Final

from gameday.agents.log import SampleLog
from gameday.agents.runtime import run, until
from gameday.model.agent import CloserConfig, CounterConfig
from gameday.model.hosts import canonical
from gameday.model.sample import LineType
from gameday.probes.io.lookup import NotSent
from gameday.probes.io.resp import AUTH, LONG, Connection, RedisError, error_code, refused
from gameday.probes.io.secrets import Secrets

LOOK_EVERY: Final = 1.0
"""Seconds between two looks while armed."""
ROUND_EVERY: Final = 0.2
QUIET_ROUNDS: Final = 2
"""Rounds in a row without a connection after which none is left."""

_FIELD: Final = re.compile(r"(?:^| )(id|addr)=(\S*)")
"""What is read of each client in Redis' list: its number and its address."""

MOST_TOLD: Final = 2500
"""Characters of addresses in one line of the log."""

Values = dict[str, int | str | list[str]]


async def close_connections(config: CounterConfig, log: SampleLog, ending: asyncio.Event) -> None:
    """Count the targets' connections, or close them, until SIGTERM."""
    clock, work = asyncio.get_running_loop().time, Work(config)
    if isinstance(config, CloserConfig):
        if time.time() >= config.until:
            why = "the closer pod started too late to close any connection"
            log.write(
                LineType.CONNECTIONS_CLOSED.value,
                time.time(),
                time.time(),
                ok=False,
                error=why,
                kind=LineType.CONNECTIONS_CLOSED,
            )
            return
        await _unless(ending, _attempt(work.end, work, log, LineType.CONNECTIONS_CLOSED, config.until - time.time()))
        return
    due = clock()
    while not await until(ending, due):
        await _attempt(work.count, work, log, LineType.CONNECTIONS, LOOK_EVERY * 2)
        due = clock() + LOOK_EVERY


async def _unless(ending: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Do the work, and stop at once on SIGTERM, because the cut may be gone."""
    working, told = asyncio.create_task(work), asyncio.create_task(ending.wait())
    try:
        await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        working.cancel()
        told.cancel()


async def _attempt(
    what: Callable[[Values], Awaitable[None]], work: "Work", log: SampleLog, kind: LineType, budget: float
) -> None:
    sent = time.time()
    error: str | None = None
    values: Values = {}
    try:
        async with asyncio.timeout(budget):
            await what(values)
    except TimeoutError:
        why = "connections of the targets were still open" if values.get("left") else "Redis did not answer"
        error = f"{why} after {budget:.0f} s" if values else "timeout"
    except RedisError as problem:
        grant = "grant the user CLIENT LIST and CLIENT KILL, if this server has them"
        error = f"{error_code(problem)}: {refused(work.redis) if str(problem) in AUTH else grant}"
    except NotSent as problem:
        error = f"{problem.word}: {problem}"
    except (OSError, UnicodeError) as problem:
        error = f"{error_code(problem)}: the closer pod did not reach every server of Redis"
    if error is None and values.get("left"):
        error = "connections are still open"
    if kind is LineType.CONNECTIONS_CLOSED:
        unseen = work.unseen()
        values |= {"unseen": len(unseen), "example": unseen[0] if unseen else ""}
    log.write(kind.value, sent, time.time(), ok=error is None, error=error, values=values, kind=kind)


class Work:
    """Counts and ends the targets' connections, and remembers of which targets any was seen."""

    def __init__(self, config: CounterConfig) -> None:
        self._config = config
        self.redis = config.redis
        self._pods = tuple((name, *map(canonical, addresses)) for name, *addresses in config.pods)
        self._addresses = frozenset(address for _, *addresses in self._pods for address in addresses)
        self._seen = set(map(canonical, config.seen)) if isinstance(config, CloserConfig) else set()

    def unseen(self) -> tuple[str, ...]:
        """The targets of which no connection was ever seen, at any of their addresses."""
        return tuple(name for name, *addresses in self._pods if self._seen.isdisjoint(addresses))

    async def count(self, values: Values) -> None:
        """Count them on every server."""
        async with _connected(self._config) as servers:
            found = [one for server in servers for one in await self._clients(server)]
        values["count"] = len(found)
        values["seen"] = _fitting(sorted(self._seen))

    async def end(self, values: Values) -> None:
        """End them until none is left. A Redis that is busy for a moment is asked again: the budget bounds it all."""
        values |= {"killed": 0, "left": 0}
        while True:
            try:
                async with _connected(self._config) as servers:
                    await self._rounds(servers, values)
                    return
            except TimeoutError:
                await asyncio.sleep(ROUND_EVERY)

    async def _rounds(self, servers: tuple[Connection, ...], values: Values) -> None:
        """Ask every server in each round: a client that one of them hung up on may go to another."""
        quiet, killed = 0, 0
        while quiet < QUIET_ROUNDS:
            found = [(server, one) for server in servers for one in await self._clients(server)]
            values["left"] = len(found)
            quiet = 0 if found else quiet + 1
            for server, one in found:
                ended = await server.call("CLIENT", "KILL", "ID", one)
                killed += ended if isinstance(ended, int) else 0
                values["killed"] = killed
            await asyncio.sleep(ROUND_EVERY)

    async def _clients(self, client: Connection) -> list[str]:
        """The numbers of the connections that come from the targets' addresses."""
        listed = await client.call("CLIENT", "LIST", most=LONG)
        entries = [dict(_FIELD.findall(line)) for line in str(listed).splitlines()]
        # [2001:db8::7]:4711, and ::ffff:203.0.113.7 from a server that listens for both families on one socket.
        found = [(one["id"], canonical(one.get("addr", "").rpartition(":")[0].strip("[]"))) for one in entries]
        self._seen |= {address for _, address in found} & self._addresses
        return [number for number, address in found if address in self._addresses]


def _fitting(addresses: list[str]) -> list[str]:
    """As many addresses as fit into a line."""
    ends = accumulate(len(address) + 3 for address in addresses)
    return [address for address, end in zip(addresses, ends, strict=True) if end <= MOST_TOLD]


@asynccontextmanager
async def _connected(config: CounterConfig) -> AsyncIterator[tuple[Connection, ...]]:
    """A connection to each server, or to the one that the Redis' own name leads to."""
    secrets = Secrets()
    servers = tuple(Connection(config.redis, secrets, 2.0, server) for server in config.servers or (None,))
    try:
        yield servers
    finally:
        for server in servers:
            server.close()


if __name__ == "__main__":
    run(close_connections, CounterConfig, CloserConfig)
