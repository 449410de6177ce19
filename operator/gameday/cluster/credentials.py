"""The credentials of this process, one set for all its clients, renewed while it runs.

Files are read again every minute. A plugin's credentials are renewed before they expire, while the old ones are still
valid. Credentials that the API server rejects are renewed before the call is retried.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from gameday.cluster.kubeconfig import Login, read
from gameday.errors import NoCluster

REREAD_EVERY: Final = 60.0
"""Seconds between two readings of a token's file, as in kubectl."""
EARLY: Final = 300.0
"""Seconds before its end at which a plugin's token is renewed, or a quarter of its life if that is less."""
AGAIN_AFTER: Final = 5.0
"""Seconds from the end of one renewal to the begin of the next: a plugin asks others, who also have limits."""
PATIENCE: Final = 8.0
"""Longest wait of one refused call for a renewal, in seconds; the renewal goes on."""
PLUGIN_SECONDS: Final = 60.0
"""Longest time for all files and plugins: one that asks a person would wait for ever."""

log = logging.getLogger("gameday.credentials")


class Credentials:
    """The credentials of this process. ``number`` counts the logins, ``certificates`` returns their certificates.

    A renewal keeps the context that was chosen at the start, whatever the kubeconfig's current one is by now.
    """

    def __init__(self, login: Login, kubeconfig: Path | None, wall: Callable[[], float] | None) -> None:
        self.login = login
        self.number = 0
        self.problem = ""
        """Why the last renewal failed; empty when it did not."""
        self._kubeconfig = kubeconfig
        self._wall = wall
        self._renewal: asyncio.Task[None] | None = None
        self._not_before = 0.0
        self._due = self._next()

    @classmethod
    async def load(
        cls, kubeconfig: Path | None = None, context: str | None = None, wall: Callable[[], float] | None = None
    ) -> Self:
        """Read a pod's own ServiceAccount if no kubeconfig is named and there is one, else the kubeconfig.

        ``wall`` returns Unix seconds; without it a plugin's token is renewed only once it is rejected.

        Raises:
            NoCluster: when no cluster is named, or what it needs is missing.

        """
        return cls(await _read(kubeconfig, context), kubeconfig, wall)

    @property
    def certificates(self) -> str:
        """Differs once connections must be made anew."""
        return self.login.certificates

    def headers(self) -> dict[str, str]:
        """The authorization headers of one request; starts a renewal in the background if one is due."""
        if asyncio.get_running_loop().time() >= self._due:
            self._begin()
        return {"Authorization": self.login.authorization} if self.login.authorization else {}

    async def renew(self, refused: int) -> bool:
        """Renew login number ``refused``, which the API server does not accept; whether there is another one now."""
        now = asyncio.get_running_loop().time()
        if self.number == refused and (self._renewal is not None or now >= self._not_before):
            await asyncio.wait({self._begin()}, timeout=PATIENCE)
        return self.number != refused

    async def close(self) -> None:
        """End a renewal that is under way."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait({self._renewal})

    def _begin(self) -> asyncio.Task[None]:
        """One renewal for all waiting callers; a caller that is cancelled does not cancel it for the others."""
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew())
            self._renewal.add_done_callback(self._ended)
        return self._renewal

    def _ended(self, renewal: asyncio.Task[None]) -> None:
        self._renewal = None
        if not renewal.cancelled() and (error := renewal.exception()) is not None:
            log.error("the credentials were not renewed", exc_info=error)

    async def _renew(self) -> None:
        loop = asyncio.get_running_loop()
        # The next renewal has to wait, whether this one succeeds or not.
        self._due = self._not_before = loop.time() + AGAIN_AFTER
        try:
            login = await _read(self._kubeconfig, self.login.context)
            self._keep_server(login)
        except NoCluster as error:
            self.problem = str(error)
            log.warning("the credentials were not renewed, and the old ones stay in use: %s", error)
            self._due = loop.time() + AGAIN_AFTER
        else:
            same = (login.authorization, login.certificates) == (self.login.authorization, self.login.certificates)
            self.login, self.problem = login, ""
            self.number += 0 if same else 1
            self._due = self._next()
        self._not_before = loop.time() + AGAIN_AFTER

    def _keep_server(self, login: Login) -> None:
        """Refuse to go to another API server half-way.

        Raises:
            NoCluster: when the context leads to another one by now.

        """
        there, before = login.server, self.login.server
        if there != before:
            raise NoCluster(
                f"{login.source} now points to {there} and no longer to {before}; restart the process to use it"
            )

    def _next(self) -> float:
        """When the next renewal is due, by the loop's clock."""
        now = asyncio.get_running_loop().time()
        if self.login.rotates:
            return now + REREAD_EVERY
        left = self.login.expires - self._wall() if self.login.expires is not None and self._wall is not None else 0.0
        # A token that seems to be over already was made by another clock than ours: the API server will say.
        return now + max(AGAIN_AFTER, left - min(EARLY, left / 4)) if left > 0 else float("inf")


async def _read(kubeconfig: Path | None, context: str | None) -> Login:
    try:
        async with asyncio.timeout(PLUGIN_SECONDS):
            return await read(kubeconfig, context)
    except TimeoutError as error:
        which = f"context {context} of the kubeconfig" if context else "the kubeconfig"
        raise NoCluster(
            f"{which}: no credentials after {PLUGIN_SECONDS:.0f} s; does the plugin wait for input?"
        ) from error
