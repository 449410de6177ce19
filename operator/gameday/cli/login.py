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

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return await logins.again()


class Logins:
    """The logins of Kopf, one after the other.

    Kopf gives up for ever on a ``ConnectionInfo`` that was refused once, and a token may well be accepted again a
    moment later; of sessions each is another one.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._number: int | None = None
        self._certificates = ""
        self._accepted = False
        self._pause = 0.0

    async def again(self) -> kopf.AiohttpSession:
        """A session with the newest credentials; Kopf closes it."""
        if self._number is not None:
            await self._refused(self._number)
        login = self._credentials.login
        self._number, self._accepted = self._credentials.number, False
        self._certificates = login.certificates
        session = Connections(login.configuration).session([self._send])
        self._session = session
        return kopf.AiohttpSession(server=login.server, aiohttp_session=session)

    async def _refused(self, number: int) -> None:
        """Renew what was refused; whatever never worked is not tried again at once."""
        if self._certificates == self._credentials.certificates:
            await self._credentials.renew(number)
        self._pause = 0.0 if self._accepted else min(max(self._pause * 2, SHORTEST_PAUSE), LONGEST_PAUSE)
        await asyncio.sleep(self._pause)

    async def _send(self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        """Say who asks, as of now: a token that was replaced meanwhile needs no new login."""
        if self._certificates != self._credentials.certificates:
            # Kopf takes a session that is closed for one to log in anew.
            await self._session.close()
            raise RuntimeError("Session is closed: the certificates have changed")
        request.headers.update(self._credentials.headers())
        request.server_hostname = self._credentials.login.configuration.tls_server_name
        answer = await send(request)
        self._accepted = self._accepted or answer.status != UNAUTHORIZED
        return answer
