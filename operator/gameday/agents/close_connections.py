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
from dataclasses import dataclass
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

OLD_UNTIL: Final = 2.0
"""Seconds from the first look on in which a connection that is found counts as one from before the closing."""

_FIELD: Final = re.compile(r"(?:^| )(id|addr|laddr|age)=(\S*)")
"""What is read of each client in Redis' list: its number and address, which of Redis' own it uses, and its age."""

LONGEST_AGE: Final = 10
"""Most digits of an age."""
LONGEST_PORT: Final = 5
"""Most digits of a port."""

MOST_TOLD: Final = 2500
"""Characters of addresses in one line of the log."""

NOBODY: Final = str(2**63 - 1)
"""The number of no client: numbers count from 1."""

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


@dataclass(frozen=True, slots=True)
class Client:
    """A connection of a target."""

    server: int
    """The place of its server in the configuration."""
    number: str
    """Its number at that server, which is never given twice."""
    whose: str
    """The target's name, and at which address of the server it is connected, where the server tells."""
    age: int | None
    """Whole seconds since it was opened; None where the server does not tell."""


class Work:
    """Counts and ends the targets' connections, and remembers of which targets any was seen."""

    def __init__(self, config: CounterConfig) -> None:
        self._config = config
        self.redis = config.redis
        self._pods = tuple((name, *map(canonical, addresses)) for name, *addresses in config.pods)
        self._addresses = {address: name for name, *addresses in self._pods for address in addresses}
        self._seen = set(map(canonical, config.seen)) if isinstance(config, CloserConfig) else set()
        self._old: set[tuple[int, str]] = set()
        """Server and number of each connection that was there in the first seconds of the closing."""
        self._began: float | None = None
        self._direct: dict[int, bool] = {}
        """By the place of a server, whether it shows this client by its own address."""
        self._refusals: dict[int, str] = {}
        """By the place of a server that was asked, the error with which it answers CLIENT KILL, or ""."""
        self._told = ""
        """The connection of which it was told whose it is."""
        self._example = ""
        """The target that was told to be unseen."""

    def unseen(self) -> tuple[str, ...]:
        """The targets of which no connection was ever seen, at any of their addresses."""
        return tuple(name for name, *addresses in self._pods if self._seen.isdisjoint(addresses))

    async def count(self, values: Values) -> None:
        """Count them on every server, and try whether they could be ended there.

        Raises:
            RedisError: when they cannot be counted, or not be ended; ``values`` has what was counted.

        """
        async with _connected(self._config) as servers:
            found = await self._found(servers)
            self._tell(found, values)
            for place, server in enumerate(servers):
                await self._try(place, server)

    def _tell(self, found: list[Client], values: Values) -> None:
        values["count"] = len(found)
        values["direct"] = all(self._direct.values())
        values["seen"] = _fitting(sorted(self._seen))
        unseen = self.unseen()
        values["unseen"] = len(unseen)
        # A name stands in one line only, as does whose the youngest is.
        if unseen and unseen[0] != self._example:
            self._example = values["example"] = unseen[0]
        if aged := [(one.age, f"{one.server}:{one.number}", one.whose) for one in found if one.age is not None]:
            age, youngest, whose = min(aged)
            values |= {"age": age, "youngest": youngest}
            # Whose it is stands in one line only: in each, it would double the log of a long drill.
            if youngest != self._told:
                self._told, values["whose"] = youngest, whose

    async def _try(self, place: int, server: Connection) -> None:
        """Ask a server once to end a client that is not there: what it refuses shows in its statistics."""
        if place not in self._refusals:
            try:
                await server.call("CLIENT", "KILL", "ID", NOBODY)
            except RedisError as error:
                self._refusals[place] = str(error)
            else:
                self._refusals[place] = ""
        if self._refusals[place]:
            raise RedisError(self._refusals[place])

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
            found = await self._found(servers)
            opened = self._opened(found)
            values |= {"left": len(found), "opened": len(opened), "opener": opened[0].whose if opened else ""}
            quiet = 0 if found else quiet + 1
            for one in found:
                ended = await servers[one.server].call("CLIENT", "KILL", "ID", one.number)
                killed += ended if isinstance(ended, int) else 0
                values["killed"] = killed
            await asyncio.sleep(ROUND_EVERY)

    def _opened(self, found: list[Client]) -> list[Client]:
        """Those of these connections that targets opened since the closing began, so that the cut let them through.

        One that Redis does not end is an old one, and may be silent.
        """
        now = asyncio.get_running_loop().time()
        self._began = now if self._began is None else self._began
        if now < self._began + OLD_UNTIL:
            self._old |= {(one.server, one.number) for one in found}
        return [one for one in found if (one.server, one.number) not in self._old]

    async def _found(self, servers: tuple[Connection, ...]) -> list[Client]:
        """The connections at each server that come from the targets' addresses."""
        return [one for place, server in enumerate(servers) for one in await self._clients(place, server)]

    async def _clients(self, place: int, server: Connection) -> list[Client]:
        listed = await server.call("CLIENT", "LIST", most=LONG)
        entries = [dict(_FIELD.findall(line)) for line in str(listed).splitlines()]
        found = [(_address(one.get("addr", "")), one) for one in entries]
        own = server.own
        self._direct[place] = own is not None and (canonical(own[0]), own[1]) in {address for address, _ in found}
        mine = [(address, one) for (address, _), one in found if address in self._addresses]
        self._seen |= {address for address, _ in mine}
        return [_client(place, self._addresses[address], one) for address, one in mine]


def _address(written: str) -> tuple[str, int]:
    """An address and a port, as Redis writes them.

    [2001:db8::7]:4711, and ::ffff:203.0.113.7 from a server that listens for both families on one socket.
    """
    host, _, port = written.rpartition(":")
    return canonical(host.strip("[]")), int(port) if port.isdecimal() and len(port) <= LONGEST_PORT else 0


def _client(place: int, name: str, entry: dict[str, str]) -> Client:
    """A connection as Redis lists it."""
    age = entry.get("age", "")
    to = f" to {entry['laddr']}" if entry.get("laddr") else ""
    return Client(place, entry["id"], name + to, int(age) if age.isdecimal() and len(age) <= LONGEST_AGE else None)


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
