"""Every server of a Redis, found anew each time: a user is known to each of them for itself.

A name leads to some of them, and they lead to the others: a master and its replicas name each other, a node of a
Cluster names all, a Sentinel names the master and its replicas. A server that may not be asked, as one of a provider,
is the only one.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final, Self

from gameday.agents.peers import Place, of_cluster, of_sentinel
from gameday.model.hosts import canonical, host_port
from gameday.model.redis_user import RedisUser
from gameday.probes.io.lookup import Lookup, NotSent
from gameday.probes.io.resp import SHORT, Connection, ProtocolError, RedisError, Reply, error_code
from gameday.probes.io.secrets import Secrets

MOST_SERVERS: Final = 32
"""Most servers of one Redis."""
TIMEOUT: Final = 2.0
"""Seconds for each command."""


class Trouble(Exception):
    """Why something could not be done on every server; ``final`` says that to try again is of no use."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


@dataclass(frozen=True, slots=True)
class Silent:
    """A server that cannot be used, and why; ``named`` says that the name, or a server that reaches it, leads to it."""

    place: Place
    why: str
    named: bool


class Servers:
    """Connections to the servers of a Redis as its administrator, which ``async with`` closes."""

    def __init__(self, user: RedisUser) -> None:
        self._user = user
        self._secrets = Secrets()
        self._lookup = Lookup()
        self._open: dict[Place, Connection] = {}
        self.silent: dict[Place, Silent] = {}
        """Those that did not answer, or rejected the administrator, when they were found."""
        self.unknown: list[Trouble] = []
        """Why there may be others than those that were found."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._open.values():
            connection.close()

    async def find(self) -> tuple[Place, ...]:
        """All that are there.

        Raises:
            Trouble: when one of them cannot be used, or it is not known who they are.

        """
        places = tuple([place async for place in self.each()])
        for trouble in (*self.unknown, *(Trouble(one.why) for one in self.silent.values())):
            raise trouble
        return places

    async def each(self, known: tuple[Place, ...] = ()) -> AsyncIterator[Place]:
        """Those that answer, of all that are there and that are ``known``, each as soon as it is found.

        Sets ``silent`` and ``unknown``: what is wrong with one of them keeps nobody from the others.
        """
        found: set[Place] = set()
        self.silent, self.unknown = {}, []
        wanted = dict.fromkeys(await self._first_or_none(), True)
        for place in known:
            wanted.setdefault(place, False)
        while wanted:
            place = next(iter(wanted))
            named = wanted.pop(place)
            if place in found:
                continue
            if (silent := self.silent.get(place)) is not None:
                # It is waited for once, however many name it.
                self.silent[place] = replace(silent, named=named or silent.named)
                continue
            if len(found) >= MOST_SERVERS:
                self.unknown.append(Trouble(f"it has more than {MOST_SERVERS} servers", final=True))
                return
            try:
                others = await self._others(place)
            except Trouble as trouble:
                self.silent[place] = Silent(place, str(trouble), named)
                continue
            except (OSError, ProtocolError) as error:
                self.silent[place] = Silent(place, f"{host_port(*place)} does not answer ({error_code(error)})", named)
                continue
            found.add(place)
            yield place
            for other, sure in others:
                wanted[other] = wanted.get(other, False) or sure

    async def call(self, place: Place, *words: str, most: int = SHORT) -> Reply:
        """The reply of one of them.

        Raises:
            RedisError: when that is an error.
            Trouble: when it does not answer, or rejects the administrator.

        """
        try:
            return await self._call(place, *words, most=most)
        except (OSError, ProtocolError) as error:
            raise Trouble(f"{host_port(*place)} does not answer ({error_code(error)})") from None

    async def _call(self, place: Place, *words: str, most: int = SHORT) -> Reply:
        try:
            return await self._connection(place).call(*words, most=most)
        except NotSent as error:
            raise Trouble(f"{host_port(*place)}: {error}") from None
        except RedisError as error:
            if str(error) in {"WRONGPASS", "NOAUTH"}:
                text = "rejects the administrator: correct redisAcl.administrator, or its Secret"
                raise Trouble(f"{host_port(*place)} {text}") from None
            raise

    async def _first_or_none(self) -> tuple[Place, ...]:
        try:
            return await self._first()
        except Trouble as trouble:
            self.unknown.append(trouble)
            return ()

    async def _first(self) -> tuple[Place, ...]:
        """Where the name leads, or whom the Sentinels there name."""
        redis, peers = self._user.administrator, self._user.peers
        addresses = await self._addresses(redis.host, redis.port)
        if peers is None or not peers.master:
            return tuple((address, redis.port) for address in addresses)
        spoken = replace(
            redis,
            username=peers.username,
            username_file=peers.username_file,
            password_file=peers.password_file,
        )
        last = ""
        found: dict[Place, None] = {}
        for address in addresses:
            where = address, self._user.sentinel_port
            async with Connection(spoken, self._secrets, TIMEOUT, where) as sentinel:
                try:
                    async for host, port in of_sentinel(sentinel, peers.master, ("REPLICAS",)):
                        found.update(dict.fromkeys((one, port) for one in await self._addresses(host, port)))
                except (RedisError, NotSent, OSError, ProtocolError) as error:
                    last = f"{host_port(*where)}: {error_code(error)}"
        if not found:
            raise Trouble(f"no Sentinel says who its servers are ({last})")
        return tuple(found)

    async def _others(self, place: Place) -> list[tuple[Place, bool]]:
        """Who else there is, as a server says it, and whether it reaches it; raises OSError where it is silent."""
        peers = self._user.peers
        if peers is not None and not peers.master:
            try:
                return [one async for one in self._placed(of_cluster(self._connection(place)))]
            except NotSent as error:
                raise Trouble(f"{host_port(*place)}: {error}") from None
            except RedisError as error:
                raise Trouble(f"{host_port(*place)} answered CLUSTER SLOTS with {error}") from None
        try:
            role = await self._call(place, "ROLE")
        except RedisError:
            # A server of a provider, or an administrator who may not ask: it is the only one that is known.
            return []
        return [one async for one in self._placed(_of_role(role))]

    async def _placed(
        self, named: "AsyncIterator[Place] | AsyncIterator[tuple[str, int, bool]]"
    ) -> AsyncIterator[tuple[Place, bool]]:
        async for host, port, *sure in named:
            try:
                addresses = await self._addresses(host, port)
            except Trouble as trouble:
                self.unknown.append(trouble)
                continue
            for address in addresses:
                yield (address, port), all(sure)

    async def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        try:
            return tuple(dict.fromkeys(canonical(one) for one in await self._lookup.addresses(host, port)))
        except NotSent as error:
            raise Trouble(str(error)) from None

    def _connection(self, place: Place) -> Connection:
        if place not in self._open:
            redis = replace(self._user.administrator, database=0)
            self._open[place] = Connection(redis, self._secrets, TIMEOUT, place)
        return self._open[place]


async def _of_role(role: Reply) -> AsyncIterator[tuple[str, int, bool]]:
    """Whom a server names, and whether it reaches that one: a replica also names a master that it has lost."""
    match role:
        case ["master", _, list(replicas)]:
            for replica in replicas:
                match replica:
                    case [str(host), port, *_] if str(port).isdecimal():
                        yield host, int(str(port)), True
        case ["slave", str(host), int(port), state, *_]:
            yield host, port, state == "connected"
        case _:
            raise ProtocolError("protocol")
