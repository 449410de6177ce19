"""The connections to the API server, made anew when the certificates behind them have changed."""

import socket
import struct
from collections.abc import Sequence
from typing import Any, Final

import aiohttp
from kubernetes.aio.client.rest import RESTClientObject

from gameday.cluster.credentials import Credentials

READ_BUFFER: Final = 2**21
"""Bytes of one line of a watch that are read at once, as the client itself has it."""
DEAD_AFTER: Final = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 11_000}
"""Options of tcp(7): a silent peer is asked after 5 s, then every 2 s, and is taken for lost after 11 s."""


class Connections(RESTClientObject):
    """As many connections as there are calls, which deliver nothing more once they are closed.

    Else the kernel would go on for minutes with a request that we have given up, and it might be carried out long after
    it was undone.
    """

    def _create_connector(self) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(limit=0, ssl=self.ssl_context, socket_factory=_abortive)

    def session(self, middlewares: Sequence[aiohttp.ClientMiddlewareType]) -> aiohttp.ClientSession:
        """A session of its own over such connections, for a client that is not kubernetes.aio's."""
        return aiohttp.ClientSession(
            connector=self._create_connector(),
            proxy=self.proxy,
            trust_env=True,
            read_bufsize=READ_BUFFER,
            middlewares=middlewares,
        )


class Pool:
    """The connections of one client. What was opened with older certificates goes on until they change once more."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self._now = Connections(credentials.login.configuration)
        self._before: Connections | None = None
        self._made_at = credentials.certificates

    async def connections(self) -> Connections:
        """Those by the newest certificates."""
        if self._made_at != self.credentials.certificates:
            login = self.credentials.login
            fresh = Connections(login.configuration)
            outdated, self._before, self._now = self._before, self._now, fresh
            self._made_at = login.certificates
            if outdated is not None:
                await outdated.close()
        return self._now

    async def close(self) -> None:
        """Close all of them."""
        for one in (self._before, self._now):
            if one is not None:
                await one.close()


def _abortive(address: tuple[Any, ...]) -> socket.socket:
    """A socket whose unsent bytes go with it, also when the kernel closes it for a process that died: see socket(7).

    It breaks when the node of its peer is lost without a word, so that watches and logs are opened anew: on those
    nothing may be sent for minutes.
    """
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in DEAD_AFTER.items():
        # Not every system on which people run the commands has all of them.
        if (option := getattr(socket, name, None)) is not None:
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made
