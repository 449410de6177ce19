"""Kopf's way to the API server: with the credentials of our own client, renewed as these are.

Kopf asks for a login at its start, and again whenever the API server refuses one or a session is closed. Its own
reader of kubeconfigs knows no plugins, contexts, proxies or relative paths.
"""

import asyncio
from typing import Any, Final

import aiohttp
import kopf

from gameday.cluster.client import UNAUTHORIZED
from gameday.cluster.connections import Connections
from gameday.cluster.credentials import Credentials

SHORTEST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
"""Seconds before Kopf is handed credentials once more of which nothing was accepted; they double from the shortest."""


def register_login(registry: kopf.OperatorRegistry, credentials: Credentials) -> None:
    """Let Kopf log in by these credentials alone."""
    logins = Logins(credentials)

    @kopf.on.login(registry=registry, id="login")
    async def login(**_: Any) -> kopf.AiohttpSession:
        return await logins.again()


class Logins:
    """The logins of Kopf, one after the other.

    Kopf gives up for ever on a ``ConnectionInfo`` that was refused once, and a token may well be accepted again a
    moment later; of sessions each is another one.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._last: Session | None = None
        self._pause = 0.0

    async def again(self) -> kopf.AiohttpSession:
        """A session with the newest credentials; Kopf closes it. Where the last one never worked, after a pause."""
        if self._last is not None:
            worked = self._last.accepted or self._last.outdated()
            self._pause = 0.0 if worked else min(max(self._pause * 2, SHORTEST_PAUSE), LONGEST_PAUSE)
            await asyncio.sleep(self._pause)
        self._last = Session(self._credentials)
        return kopf.AiohttpSession(server=self._credentials.login.server, aiohttp_session=self._last.session)


class Session:
    """A session of Kopf's that sets the credentials at each request, so that a new token needs no new login."""

    def __init__(self, credentials: Credentials) -> None:
        self.accepted = False
        """Whether the API server ever accepted the credentials."""
        self._credentials = credentials
        self._certificates = credentials.certificates
        self.session = Connections(credentials.login.configuration).session([self._send])

    def outdated(self) -> bool:
        """Whether it was made with other certificates than those of now."""
        return self._certificates != self._credentials.certificates

    async def _send(self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        number = self._credentials.number
        answer = await self._once(request, send)
        if answer.status == UNAUTHORIZED and await self._credentials.renew(number):
            answer.close()
            answer = await self._once(request, send)
        self.accepted = self.accepted or answer.status != UNAUTHORIZED
        return answer

    async def _once(self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        """Send it now.

        Raises:
            RuntimeError: when the session is closed, be it since this request began. Kopf then logs in anew, where
                what aiohttp would raise ends it.

        """
        if self.outdated():
            await self.session.close()
        if self.session.closed:
            raise RuntimeError("Session is closed")
        request.headers.update(self._credentials.headers())
        request.server_hostname = self._credentials.login.configuration.tls_server_name
        return await send(request)
