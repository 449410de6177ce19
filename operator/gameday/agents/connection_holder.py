"""Holds one connection to an address open, to see whether the network ends open connections under a cut.

It keeps the connection of a good dial, so the server gets no additional connection. It repeats the exchange, because
servers close idle connections, and the kernel's own probes notice within 5 s that nothing comes back.
"""

import asyncio
import errno
import socket
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from gameday.agents.log import SampleLog
from gameday.model import held_connection
from gameday.model.sample import LineType

PING: Final = b"*1\r\n$4\r\nPING\r\n"
AGAIN: Final = 1.0
"""Seconds from the first exchange to the second: a connection that answered once may be closed after each answer."""
ANSWERS_WITHIN: Final = 8.0
"""Seconds for an answer; where nothing came back at all, the kernel ends the connection earlier."""
PROBE_EVERY: Final = 1
"""Seconds between two of the kernel's own probes while nothing is said."""
LOOK_EVERY: Final = 0.2
"""Seconds between two looks whether one of the kernel's probes is answered."""
MOST_DOUBLINGS: Final = 5
"""A connection that ends again and again is held ever less often, down to once in 2**5 times ``held.EVERY``."""

PROBES: Final = 3
"""Where the kernel's ``tcp_info`` has the number of its unanswered probes."""

Exchange = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, str | None]]
"""Asks once on a connection; None when the other end answered, else a short word."""

Start = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Starts a task, and has the agent end with it where it fails."""


class Holder:
    """Holds one connection to an address at a time, and reports it in the agent's log."""

    def __init__(self, name: str, log: SampleLog, start: Start) -> None:
        self._name = name
        self._log = log
        self._start = start
        self._held = False
        self._number = 0
        self._next = 0.0

    @property
    def wants_one(self) -> bool:
        """Whether the connection of the next good dial is to be kept."""
        return not self._held and asyncio.get_running_loop().time() >= self._next

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, exchange: Exchange) -> None:
        """Hold this connection from now on, repeat the exchange on it, and close it in the end."""
        self._held = True
        self._next = asyncio.get_running_loop().time() + held_connection.EVERY * 2 ** min(self._number, MOST_DOUBLINGS)
        self._number += 1
        self._start(self._hold(reader, writer, exchange))

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, exchange: Exchange) -> None:
        clock = asyncio.get_running_loop().time
        answered, due, local = 0, clock(), False
        sent = time.time()
        try:
            local = _watched(writer.get_extra_info("socket"))
            while (how := await _exchange(exchange, reader, writer)) is None:
                answered += 1
                self._tell(sent, answered, local=local)
                due = max(due + (AGAIN if answered == 1 else held_connection.EVERY), clock())
                how = await _quiet(reader, due)
                while how is None and _is_probed(writer.get_extra_info("socket")):
                    how = await _quiet(reader, clock() + LOOK_EVERY)
                if how is not None:
                    break
                sent = time.time()
        except OSError:
            # Its socket cannot be watched, or was gone at once.
            how = held_connection.ERROR
        finally:
            writer.transport.abort()
            self._held = False
        self._tell(sent, answered, local=local, how=how)

    def _tell(self, sent: float, answered: int, *, local: bool, how: str | None = None) -> None:
        values = {
            held_connection.CONNECTION: self._number,
            held_connection.ANSWERED: answered,
            held_connection.LOCAL: local,
        }
        self._log.write(self._name, sent, time.time(), ok=how is None, error=how, values=values, kind=LineType.HELD)


def _watched(one: socket.socket | None) -> bool:
    """Have the kernel watch a connection; whether its other end is in this very pod.

    Raises:
        OSError: when the kernel does not know how, or the connection is gone already.

    """
    if one is None:
        raise OSError(errno.ENOTCONN, "the connection is closed")
    one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE_EVERY)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_EVERY)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, int(held_connection.SILENT / PROBE_EVERY))
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(held_connection.SILENT * 1000))
    peer, own = (str(name[0]).removeprefix("::ffff:") for name in (one.getpeername(), one.getsockname()))
    return peer.startswith("127.") or peer in {"::1", own}


def _is_probed(one: socket.socket | None) -> bool:
    """Whether the kernel waits for the answer to a probe: to send something now would begin its count anew."""
    try:
        return one is not None and one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 4)[PROBES] > 0
    except OSError:
        # It has ended, and the next exchange says how.
        return False


async def ping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str | None:
    """Ask a Redis once."""
    writer.write(PING)
    reply = await reader.readline()
    if not reply:
        return held_connection.CLOSED
    # -NOAUTH counts: the packets went both ways.
    return None if reply[:1] in {b"+", b"-"} else held_connection.PROTOCOL


async def _exchange(exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str | None:
    """Ask once; None when it answered, else how the connection ended."""

    async def ask() -> str | None:
        return await exchange(reader, writer)

    return await _until(asyncio.timeout(ANSWERS_WITHIN), ask, held_connection.UNANSWERED)


async def _quiet(reader: asyncio.StreamReader, due: float) -> str | None:
    """Wait until then, by the loop's clock; None when nothing happened, else how the connection ended."""

    async def listen() -> str | None:
        return held_connection.PROTOCOL if await reader.read(1) else held_connection.CLOSED

    return await _until(asyncio.timeout_at(due), listen, None)


async def _until(
    limit: asyncio.Timeout, work: Callable[[], Coroutine[Any, Any, str | None]], late: str | None
) -> str | None:
    """What some work on a connection came to: its answer, ``late`` at the limit, or how the connection ended."""
    try:
        async with limit:
            return await work()
    except TimeoutError:
        # The kernel's ETIMEDOUT is a TimeoutError as well.
        return late if limit.expired() else held_connection.TIMEOUT
    except (ConnectionResetError, BrokenPipeError):
        return held_connection.RESET
    except OSError as error:
        # What routers said meanwhile becomes the error of a connection that the kernel gives up.
        return held_connection.TIMEOUT if error.errno in _GIVEN_UP else held_connection.ERROR
    except ValueError:
        return held_connection.PROTOCOL


_GIVEN_UP: Final = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNREFUSED})
