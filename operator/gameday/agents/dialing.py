"""One dial: a new connection and an exchange of the protocol, because a bare connect may be answered by a proxy."""

import asyncio
import contextlib
import os
import ssl
import struct
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

from gameday.agents import exchanges
from gameday.agents.connection_holder import PING, Exchange, Holder, ping
from gameday.agents.peers import Place, at_sentinel, stranger, unanswered
from gameday.model.addresses import LOOK_EVERY
from gameday.model.agent import (
    HANDSHAKE,
    HTTP,
    MOST_NAMESERVERS,
    POSTGRES,
    SENTINEL,
    SERVER,
    SERVERS,
    UNASKED,
    Dial,
    Peers,
    RedisAddress,
)
from gameday.probes.io.errors import error_word
from gameday.probes.io.lookup import NotSent
from gameday.probes.io.resp import Connection, ProtocolError, RedisError, context_of
from gameday.probes.io.secrets import Secrets

RESOLV_CONF = Path("/etc/resolv.conf")


LONGEST = 10.0
"""Seconds for each command of a dial; who dials waits less."""
ALERT = b"\x15"
"""How TLS answers what is not TLS; some servers only hang up, or reset the connection."""


class Dialler:
    """Dials one address again and again; it learns whether a Redis there speaks TLS.

    The connection of a good dial goes to ``holder`` where that wants one, and is closed otherwise. A port of which no
    protocol is known has no exchange that could be repeated, so nothing of it is held. ``redis`` is how a dial of the
    protocol ``SERVER`` speaks: with the TLS and the credentials of the dependency. Where ``known`` is given, which is
    what is dialled, ``peers`` asks whether each of its servers is in it: with the first dial, each 5 s, and with each
    dial until all are.
    """

    def __init__(
        self,
        target: Dial,
        holder: Holder | None = None,
        redis: RedisAddress | None = None,
        peers: Peers | None = None,
        known: frozenset[Place] | None = None,
    ) -> None:
        self._target = target
        self._holder = holder
        self._protocol = target.protocol
        self._sure = target.protocol != "redis"
        # Probes read a database; a dial does not.
        self._redis_there = replace(redis, database=0) if redis is not None else None
        self._peers, self._known = peers, known
        self._asks_at = 0.0
        if target.protocol == SENTINEL and redis is not None and peers is not None:
            self._redis_there = at_sentinel(redis, peers)
        self._context: ssl.SSLContext | None = None

    async def __call__(self) -> str | None:
        """Dial once; None when the other end answered as its protocol wants, else a short word."""
        try:
            match self._protocol:
                case protocol if protocol in {SERVER, SENTINEL} and self._redis_there is not None:
                    return await self._server(self._redis_there)
                case "redis":
                    return await self._redis()
                case "tls":
                    return await self._tls()
                case "dns":
                    return await _dns(self._target)
                case protocol if protocol == HANDSHAKE:
                    return await exchanges.handshake(self._target)
                case protocol if protocol == HTTP:
                    return await exchanges.http(self._target, self._keep_http)
                case protocol if protocol == POSTGRES:
                    return await exchanges.postgres(self._target)
                case _:
                    _, writer = await asyncio.open_connection(self._target.host, self._target.port)
                    writer.transport.abort()
                    return None
        except NotSent as error:
            told = f"{error.word}: {error}"
            return told if told.startswith(UNASKED) else error.word
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            return error_word(error)

    async def _server(self, redis: RedisAddress) -> str | None:
        if redis.tls and self._context is None:
            # Once: it takes a moment to read the public CAs.
            self._context = context_of(redis)
        where = self._target.host, self._target.port
        connection = Connection(redis, Secrets(), LONGEST, where, tls=self._context)
        try:
            # It counts whatever Redis says: the packets went both ways.
            with contextlib.suppress(RedisError):
                await connection.call("PING")
            now = asyncio.get_running_loop().time()
            if self._peers is not None and self._known is not None and now >= self._asks_at:
                if why := await self._stranger(connection, self._peers, self._known):
                    return f"{SERVERS}{why}"
                self._asks_at = now + LOOK_EVERY
            if self._wants_one and (streams := connection.release()) is not None and not self._keep(*streams):
                streams[1].transport.abort()
        except (NotSent, ssl.SSLError):
            # A Secret or ConfigMap may have been changed since it was read.
            self._context = None
            raise
        finally:
            connection.close()
        return None

    async def _stranger(self, connection: Connection, peers: Peers, known: frozenset[Place]) -> str:
        try:
            return await stranger(connection, peers, known, sentinel=self._protocol == SENTINEL)
        except (RedisError, ProtocolError) as error:
            return unanswered(peers, error)

    async def _redis(self) -> str | None:
        try:
            reply = await self._ping()
        except ConnectionResetError:
            # A Redis that speaks TLS may hang up before it has read all that it takes for no greeting.
            if self._sure:
                raise
            reply = b""
        # -NOAUTH counts: the packets went both ways, and more the dial does not ask.
        if reply[:1] in {b"+", b"-"}:
            self._sure = True
            return None
        if self._sure or reply[:1] not in {b"", ALERT}:
            return "protocol"
        await self._tls()
        self._protocol, self._sure = "tls", True
        return None

    async def _ping(self) -> bytes:
        reader, writer = await asyncio.open_connection(self._target.host, self._target.port)
        taken = False
        try:
            writer.write(PING)
            reply = await reader.read(16)
            if reply[:1] in {b"+", b"-"} and self._wants_one:
                if not reply.endswith(b"\n"):
                    await reader.readline()
                taken = self._keep(reader, writer)
            return reply
        finally:
            if not taken:
                writer.transport.abort()

    async def _tls(self) -> str | None:
        where = self._target.host, self._target.port
        reader, writer = await asyncio.open_connection(*where, ssl=exchanges.unverified())
        if not self._keep(reader, writer):
            writer.transport.abort()
        return None

    @property
    def _wants_one(self) -> bool:
        return self._holder is not None and self._holder.wants_one

    def _keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, exchange: Exchange = ping) -> bool:
        """Give the connection away where somebody wants to hold it; dials overlap, so each asks at the last moment."""
        if self._holder is None or not self._holder.wants_one:
            return False
        self._holder.take(reader, writer, exchange)
        return True

    def _keep_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        return self._keep(reader, writer, partial(exchanges.ask_head, self._target))


async def dial(target: Dial) -> str | None:
    """Dial an address for the first time."""
    return await Dialler(target)()


class _Query(asyncio.DatagramProtocol):
    def __init__(self, question: bytes) -> None:
        self.question = question
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asked by isinstance: asyncio's own datagram transport is no DatagramTransport in Python 3.11.
        cast("asyncio.DatagramTransport", transport).sendto(self.question)

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002  the protocol's signature
        if data[:2] == self.question[:2] and not self.answered.done():
            self.answered.set_result(None)

    def error_received(self, exc: Exception) -> None:
        if not self.answered.done():
            self.answered.set_exception(exc)


def nameservers(resolv_conf: str, known: Iterable[Dial]) -> tuple[Dial, ...]:
    """A dial of each nameserver of a pod that is not dialled yet: what the targets ask, wherever it stands.

    It need not be the cluster's DNS Service: a cache on the node and a cloud's resolver have addresses of their own.
    """
    there = {dial.host for dial in known if dial.protocol == "dns"}
    words = (line.split() for line in resolv_conf.splitlines())
    found = dict.fromkeys(word[1] for word in words if len(word) > 1 and word[0] == "nameserver")
    asked = list(found)[:MOST_NAMESERVERS]
    return tuple(Dial(f"bystander:nameserver {one}", one, 53, "dns") for one in asked if one not in there)


def cluster_name(resolv_conf: str) -> str:
    """The API server's name in full, which the cluster's own DNS knows: any other one it would have to ask abroad for.

    The cluster's domain stands in a pod's search list, as ``svc.<domain>`` (Kubernetes, "DNS for Services and Pods").
    """
    words = [word for line in resolv_conf.splitlines() if line.startswith("search") for word in line.split()[1:]]
    domain = next((word for word in words if word.startswith("svc.")), "svc.cluster.local")
    return f"kubernetes.default.{domain.rstrip('.')}"


def _question() -> bytes:
    name = cluster_name(RESOLV_CONF.read_text())
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return os.urandom(2) + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)


async def _dns(target: Dial) -> str | None:
    question = _question()
    loop = asyncio.get_running_loop()
    transport, query = await loop.create_datagram_endpoint(
        lambda: _Query(question), remote_addr=(target.host, target.port)
    )
    try:
        await query.answered
    finally:
        transport.close()
    return None
