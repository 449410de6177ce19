"""The node of a Redis Cluster that has the keys of one queue: the server that was named says which, and it is asked.

A Cluster deals keys out by slots. What stands between braces in a key, its hash tag, decides the slot, so all keys of
a queue lie on one node if their common beginning has a hash tag. Without one BullMQ does not work on a Cluster either.
"""

import binascii
from typing import Final

from gameday.model.agent import RedisAddress
from gameday.probes.io.lookup import Lookup, NotSent
from gameday.probes.io.resp import AUTH, Connection, ProtocolError, RedisError, Reply, error_code
from gameday.probes.io.secrets import Secrets

SLOTS: Final = 16384
"""Slots of a Cluster (Redis Cluster specification, "Key distribution model")."""
LONGEST: Final = 256 * 1024
"""Longest list of slots that is read, in bytes: some thousand ranges."""


def hash_tag(key: str) -> str:
    """What stands between the first brace and the next closing one; "" where the whole key counts."""
    _, opened, rest = key.partition("{")
    tag, closed, _ = rest.partition("}")
    return tag if opened and closed else ""


def slot_of(key: str) -> int:
    """The slot of a key."""
    return binascii.crc_hqx((hash_tag(key) or key).encode(), 0) % SLOTS


class Node:
    """A connection to the node that has a slot. After a failure, or where the slot has moved, it is looked for anew."""

    def __init__(self, spec: RedisAddress, secrets: Secrets, timeout: float, lookup: Lookup, slot: int) -> None:
        self._spec, self._secrets, self._timeout, self._lookup = spec, secrets, timeout, lookup
        self._slot = slot
        self._connection: Connection | None = None

    async def call(self, *words: str) -> Reply:
        """The reply to a command, as ``Connection.call`` gives it.

        Raises:
            RedisError: when it is an error: MOVED only where the slot moved twice, CLUSTERDOWN where no node has it.
            NotSent: also when nobody may ask which node has it.

        """
        try:
            return await (await self._node()).call(*words)
        except RedisError as error:
            if str(error) != "MOVED":
                raise
        except BaseException:
            self.close()
            raise
        self.close()
        return await (await self._node()).call(*words)

    def close(self) -> None:
        """Hang up, and forget which node it was."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _node(self) -> Connection:
        if self._connection is None:
            async with Connection(self._spec, self._secrets, self._timeout, lookup=self._lookup) as first:
                place = await self._place(first)
            self._connection = Connection(self._spec, self._secrets, self._timeout, place, self._lookup)
        return self._connection

    async def _place(self, first: Connection) -> tuple[str, int]:
        """Where the slot is served: an address or a name, and a port."""
        try:
            ranges = await first.call("CLUSTER", "SLOTS", most=LONGEST)
        except RedisError as error:
            if str(error) in AUTH:
                raise
            why = f"Redis answered CLUSTER SLOTS with {error}: grant the probe's user this command"
            raise NotSent(error_code(error), f"{why}, or remove cluster from the dependency") from None
        for one in ranges if isinstance(ranges, list) else ():
            match one:
                case [int(lowest), int(highest), *_] if not lowest <= self._slot <= highest:
                    continue
                case [int(), int(), [host, int(port), *_], *_]:
                    # An empty host is that of the node that was asked.
                    return (host if isinstance(host, str) and host else self._spec.host), port
                case _:
                    raise ProtocolError("protocol")
        raise RedisError("CLUSTERDOWN")
