"""The servers of a Redis that a host leads to: a node of a Cluster, or a Sentinel, says where the others are.

Each look resolves the host, asks every address of it, and takes what any of them names. Every server that is named
must answer before the set counts: then a dial that fails later fails for the cut, and not for a certificate or a dead
server. A server at a port that is not cut would stay open, so it makes the set one that cannot be cut.

Witnesses that are cut off cannot ask any more, and say so; their controls can.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from gameday.agents.log import SampleLog
from gameday.agents.naming import RESOLV_CONF, Name, NoAnswer, addresses, ordered
from gameday.agents.peers import MOST_WORD, Place, at_sentinel, named, unanswered
from gameday.model.addresses import OTHER_PORT
from gameday.model.agent import SERVERS, Peers, RedisAddress
from gameday.model.hosts import address_of, canonical, host_port
from gameday.probes.io.lookup import NotSent
from gameday.probes.io.resp import Connection, ProtocolError, RedisError, context_of, error_code
from gameday.probes.io.secrets import Secrets

ANSWERS_WITHIN: Final = 1.5
"""Seconds in which those that are asked answer, and then those that they name."""
MOST_NAMED: Final = 64
"""Most servers that are looked at, however many are named: more addresses than this are never cut."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that are cut; ``sentinel`` is 0 where no Sentinels watch."""

    redis: int
    sentinel: int = 0

    @property
    def asked(self) -> int:
        """The port at which the host is asked for the servers."""
        return self.sentinel or self.redis


class Servers(Name):
    """A host, and all addresses that were ever found for it and for the servers behind it."""

    def __init__(
        self,
        host: str,
        log: SampleLog,
        redis: RedisAddress,
        peers: Peers,
        ports: Ports,
        resolv_conf: str = RESOLV_CONF,
    ) -> None:
        super().__init__(host, log, resolv_conf)
        self._peers, self._ports, self._conf = peers, ports, resolv_conf
        self._redis = replace(redis, database=0)
        self._context: ssl.SSLContext | None = None

    async def _find(self) -> tuple[str, ...]:
        own = await self._addresses(self.host)
        places = await self._named(own)
        cut = {self._ports.redis, self._ports.sentinel}
        if (open_ := next((one for one in sorted(places) if one[1] not in cut), None)) is not None:
            raise NoAnswer(f"{_word(open_)} {OTHER_PORT}")
        listed = sorted(places)
        found = dict(zip(listed, await _all(self._addresses(host) for host, _ in listed), strict=True))
        answers = await _all(self._answers(place, at) for place, at in found.items())
        if why := next(filter(None, answers), ""):
            raise NoAnswer(f"{SERVERS}{why}")
        return ordered((*own, *(address for at in found.values() for address in at)))

    async def _addresses(self, host: str) -> tuple[str, ...]:
        return (canonical(host),) if address_of(host) is not None else await addresses(host, self._conf)

    async def _named(self, own: Iterable[str]) -> set[Place]:
        """What the servers at these addresses name; raises NoAnswer where none of them says it."""
        told = await _all(self._ask(address) for address in own)
        places = {place for one in told if isinstance(one, set) for place in one}
        if not places:
            raise NoAnswer(f"{SERVERS}{next((one for one in told if isinstance(one, str)), 'nobody was asked')}")
        if len(places) > MOST_NAMED:
            raise NoAnswer(f"it has more than {MOST_NAMED} servers")
        return places

    async def _ask(self, address: str) -> set[Place] | str:
        """What one server names, and itself; or why it does not."""
        here = (address, self._ports.asked)
        try:
            async with asyncio.timeout(ANSWERS_WITHIN), self._connection(here) as connection:
                return {here, *[place async for place in named(connection, self._peers)]}
        except (RedisError, ProtocolError) as error:
            return unanswered(self._peers, error)
        except (OSError, ValueError, NotSent) as error:
            return f"{_word(here)} did not answer ({self._failed(error)})"

    async def _answers(self, place: Place, at: Iterable[str]) -> str:
        """Why a server answers at none of its addresses, or ""."""
        why = await _all(self._ping((address, place[1])) for address in at)
        return "" if "" in why else f"{_word(place)} is one of its servers and did not answer ({next(iter(why), '')})"

    async def _ping(self, place: Place) -> str:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN), self._connection(place) as connection:
                # It counts whatever Redis says, as with a dial.
                with contextlib.suppress(RedisError):
                    await connection.call("PING")
        except (OSError, ValueError, NotSent) as error:
            return self._failed(error)
        return ""

    def _connection(self, place: Place) -> Connection:
        at_port = place[1] == self._ports.sentinel
        spec = at_sentinel(self._redis, self._peers) if at_port else self._redis
        if spec.tls and self._context is None:
            self._context = context_of(spec)
        return Connection(spec, Secrets(), ANSWERS_WITHIN, place, tls=self._context)

    def _failed(self, error: Exception) -> str:
        if isinstance(error, NotSent | ssl.SSLError):
            # A Secret or ConfigMap may have been changed since it was read.
            self._context = None
        return "timeout" if isinstance(error, TimeoutError) else error_code(error)


def _word(place: Place) -> str:
    return host_port(place[0][:MOST_WORD], place[1])


async def _all(work: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """All results in order, once all have ended; raises the first error of one."""
    results = await asyncio.gather(*work, return_exceptions=True)
    found: list[Result] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        found.append(result)
    return found
