"""Dials of a bystander by its name, at an address of each IP family that the name has.

A cut may hit one family alone, and a client that tries one address after another would notice that late or not at all.
So once an address of a family has answered, a dial is good only if that family answers again. A family that has never
answered (a cluster whose pods have IPv4 alone looks up names with both) says nothing.
"""

import asyncio
import socket
from dataclasses import replace
from typing import Final

from gameday.agents.dialing import Dialler
from gameday.model.agent import Dial
from gameday.probes.io.errors import error_word

LEARN: Final = 0.25
"""Seconds that a family which has never answered gets beyond those that have."""


class EachFamily:
    """Dials a name again and again, and remembers which families have answered."""

    def __init__(self, target: Dial) -> None:
        self._target = target
        self._answered: set[int] = set()

    async def __call__(self) -> str | None:
        """Dial once; None when every family answered that has answered before, else a short word."""
        try:
            found = await self._addresses()
        except (OSError, ValueError) as error:
            return error_word(error)
        needed = self._answered & found.keys()
        words = await self._dialled(found)
        failed = [word for family, word in words.items() if word is not None and (family in needed or not needed)]
        good = any(word is None for word in words.values())
        return failed[0] if failed and (needed or not good) else None

    async def _addresses(self) -> dict[int, list[str]]:
        """The addresses by family, in the resolver's order."""
        target = self._target
        infos = await asyncio.get_running_loop().getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        found: dict[int, list[str]] = {}
        for family, *_, address in infos:
            found.setdefault(family, []).append(str(address[0]))
        return found

    async def _dialled(self, found: dict[int, list[str]]) -> dict[int, str | None]:
        """What the dial of each family came to; a family that was not waited for is missing."""
        running = {asyncio.ensure_future(self._one(hosts)): family for family, hosts in found.items()}
        words: dict[int, str | None] = {}
        left = set(running)
        try:
            while left:
                waits = any(running[task] in self._answered for task in left) or None not in words.values()
                done, left = await asyncio.wait(
                    left, timeout=None if waits else LEARN, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    break
                for task in done:
                    words[running[task]] = task.result()
                    if task.result() is None:
                        self._answered.add(running[task])
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return words

    async def _one(self, hosts: list[str]) -> str | None:
        """Dial these one after another; None when one answered."""
        word: str | None = None
        for host in hosts:
            if (word := await Dialler(replace(self._target, host=host))()) is None:
                break
        return word
