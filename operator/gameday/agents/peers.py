"""What the servers of one Redis say of each other: each must be one that is cut, else the cut is not the dependency's.

A node of a Cluster says who serves the slots, a Sentinel who the master, the replicas and the other Sentinels are. That
is what clients are told too, so a server that nobody names is not used. Who is the master plays no part: it may move.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final

from gameday.model.agent import REFUSES, Peers, RedisAddress
from gameday.model.hosts import canonical, host_port
from gameday.probes.io.resp import AUTH, Connection, ProtocolError, RedisError, Reply, error_code

Place = tuple[str, int]
"""An address and a port."""
_GONE: Final = frozenset({"s_down", "o_down", "disconnected"})
"""Flags of what a Sentinel does not reach. It never forgets a pod that is gone, and gives it to no client."""
MOST_WORD: Final = 64
"""Most characters of a host's name in a message."""


async def stranger(connection: Connection, peers: Peers, known: Collection[Place], *, sentinel: bool) -> str:
    """A server that is not cut, in few words for the log; empty where all are.

    ``known`` is what is dialled. ``sentinel`` says that a Sentinel is asked.

    Raises:
        RedisError: when it does not say who the others are.
        ProtocolError: when it says so in a way that Redis does not.
        NotSent: when the name of another one is not known.

    """
    if peers.master and not sentinel:
        # A data node knows its own side of the replication alone.
        return ""
    async for host, port in named(connection, peers):
        if not any((address, port) in known for address in await connection.lookup.addresses(host, port)):
            return f"{host_port(host[:MOST_WORD], port)} is one of them and is not cut"
    return ""


def named(connection: Connection, peers: Peers) -> AsyncIterator[Place]:
    """The servers that the one that is asked names; raises what ``stranger`` raises, but NotSent."""
    return of_sentinel(connection, peers.master) if peers.master else of_cluster(connection)


def at_sentinel(redis: RedisAddress, peers: Peers) -> RedisAddress:
    """How a Sentinel of a Redis is spoken to: with the same TLS, and credentials of its own."""
    return replace(
        redis,
        database=0,
        username=peers.username,
        username_file=peers.username_file,
        password_file=peers.password_file,
    )


def unanswered(peers: Peers, error: RedisError | ProtocolError) -> str:
    """What a server said instead of who the others are, in few words for the log."""
    why = f": {REFUSES}" if str(error) in AUTH else ""
    return f"{'SENTINEL' if peers.master else 'CLUSTER SLOTS'} answered {error_code(error)}{why}"


async def of_cluster(connection: Connection) -> AsyncIterator[Place]:
    """The servers of a Cluster, as one of them says it, by their names or addresses; raises as ``stranger``."""
    found = 0
    for slot in _items(await connection.call("CLUSTER", "SLOTS")):
        for node in _items(slot)[2:]:
            found += 1
            host, port, *_ = (*_items(node), "", "")
            # Without a host clients go on at that of the node that was asked, which may be another node's port.
            yield _place(host or connection.host, port)
    if not found:
        raise ProtocolError("no slots")


async def of_sentinel(
    connection: Connection, master: str, others: Sequence[str] = ("REPLICAS", "SENTINELS")
) -> AsyncIterator[Place]:
    """The master that a Sentinel watches and ``others``, by their names or addresses; raises as ``stranger``."""
    host, port, *_ = (*_items(await connection.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master)), "", "")
    if not host:
        raise ProtocolError("no such master")
    yield _place(host, port)
    for kind in others:
        for one in _items(await connection.call("SENTINEL", kind, master)):
            told = dict(_pairs(_items(one)))
            if _GONE.isdisjoint(str(told.get("flags")).split(",")):
                yield _place(told.get("ip"), told.get("port"))


def _items(reply: Reply) -> list[Reply]:
    return reply if isinstance(reply, list) else []


def _pairs(flat: list[Reply]) -> Iterator[tuple[Reply, Reply]]:
    return zip((one for one in flat[::2] if isinstance(one, str)), flat[1::2], strict=False)


def _place(host: Reply, port: Reply) -> Place:
    """Raises ProtocolError for what is no place."""
    if not isinstance(host, str) or not str(port).isdecimal():
        raise ProtocolError("protocol")
    return canonical(host), int(str(port))
