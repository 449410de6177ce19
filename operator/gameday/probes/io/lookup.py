"""Name look-ups and connections, with errors of the system kept apart from errors of DNS.

A name that cannot be looked up says nothing about the system behind it. So an agent looks names up itself, separately
from the connection, and knows whether a look-up was running when the time was over.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

HEAD_START: Final = 0.25
"""Seconds after which the next address is tried in parallel (RFC 8305)."""

Made = TypeVar("Made")


class NotSent(Exception):
    """A request that could not be made, or whose answer may not count: nothing is known about the system.

    ``word`` is the short word for a sample's ``error``; the message says why, and what to do.
    """

    def __init__(self, word: str, why: str) -> None:
        super().__init__(why)
        self.word = word


class Lookup:
    """The look-ups of one probe: at most one at a time, also when the one before it outlasted its request."""

    def __init__(self) -> None:
        self.under_way = False
        """Whether the latest request still waits, or waited to its end, for a name."""
        self.name = ""
        self._running: asyncio.Task[tuple[str, ...]] | None = None

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses of a host, in the resolver's order.

        Raises:
            NotSent: when the name cannot be looked up.

        """
        if _is_address(host):
            return (host,)
        self.under_way, self.name = True, host
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(_look_up(host, port))
            # No caller may be left to receive its error.
            self._running.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            # A thread that looks a name up cannot be ended: the next request waits for it, and starts no second one.
            found = await asyncio.shield(self._running)
        except (OSError, ValueError):
            found = ()
        self.under_way = False
        if not found:
            raise NotSent("dns", f"the name {host} could not be looked up: check the name, and the namespace's DNS")
        return found


async def _look_up(host: str, port: int) -> tuple[str, ...]:
    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(info[4][0]) for info in infos))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def first_of(
    addresses: Sequence[str],
    connect: Callable[[str], Awaitable[Made]],
    discard: Callable[[Made], Awaitable[None]],
) -> Made:
    """The first connection that comes about; addresses are tried in their order, each with a head start.

    ``discard`` closes a connection that came about as well.

    Raises:
        Exception: the error of the last address, when none can be reached.

    """
    if len(addresses) == 1:
        return await connect(addresses[0])
    waiting = list(addresses)
    running: set[asyncio.Task[Made]] = set()
    error: BaseException = OSError("no address")
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.ensure_future(connect(waiting.pop(0))))
            patience = HEAD_START if waiting else None
            done, _ = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                running.discard(task)
                if (failed := task.exception()) is None:
                    running |= done - {task}
                    return task.result()
                error = failed
    finally:
        for task in running:
            task.cancel()
        for outcome in await asyncio.gather(*running, return_exceptions=True):
            if not isinstance(outcome, BaseException):
                await discard(outcome)
    raise error


async def open_connection(
    lookup: Lookup, host: str, port: int, **options: object
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the first address of a host that can be reached.

    Raises:
        NotSent: when the name cannot be looked up.
        OSError: when no address can be reached.

    """
    addresses = await lookup.addresses(host, port)

    async def connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(address, port, **options)  # type: ignore[arg-type]  # asyncio's own

    async def hang_up(made: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        made[1].transport.abort()

    return await first_of(addresses, connect, hang_up)
