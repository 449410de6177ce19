"""The redis probe, as an agent runs it: PING, and where expressions use them the role and the depths of a queue.

It keeps one connection, which is made anew after a failure on the way. An error that Redis answers with ends no
connection: what it keeps from us is unknown, what it says of itself (it is loading, it is busy) is the sample's error.
"""

from typing import Any, Final

from gameday.model.agent import ProbeTask
from gameday.model.sample import Unknown
from gameday.probes.io.lookup import NotSent
from gameday.probes.io.resp import AUTH, Connection, ProtocolError, RedisError, error_code, refused
from gameday.probes.io.secrets import Secrets
from gameday.probes.io.select import select_paths
from gameday.probes.redis.config import RedisConfig
from gameday.probes.redis.layouts import LAYOUTS, Command, Layout
from gameday.probes.redis.nodes import Node, slot_of
from gameday.probes.runner import ProbeResult, ProbeRunner, unknown_result

_NOT_ADMITTED: Final = frozenset({*AUTH, "NOPERM", "DENIED"})
_ELSEWHERE: Final = frozenset({"MOVED", "ASK", "CROSSSLOT"})
_MOVING: Final = "the queue's keys are being moved to another node of the Redis Cluster: wait until that is over"
_NO_CLUSTER: Final = "this is a Redis Cluster: write cluster: {} in the dependency"
_ILL: Final = frozenset({"BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "OOM", "TRYAGAIN"})
"""What Redis says when it is not well itself."""


class RedisRunner(ProbeRunner):
    """Asks one Redis for its health and its queue."""

    def __init__(self, task: ProbeTask, secrets: Secrets) -> None:
        super().__init__(task, secrets)
        config = RedisConfig.read(task.config)
        self._paths = task.paths
        self._secrets = secrets
        self._server = config.server
        self._connection = self._connection_of(config, secrets, task.timeout)
        self._wanted = {str(path[0]) for path in task.paths}
        self._queue = Queue(config, self._connection)

    def _connection_of(self, config: RedisConfig, secrets: Secrets, timeout: float) -> Connection | Node:
        """To the server that is named; to the node that has the queue, where it is one of a Cluster."""
        if not (config.cluster and config.queue_kind):
            return Connection(config.server, secrets, timeout, lookup=self.lookup)
        begins = LAYOUTS[config.queue_kind].begins(config.queue_prefix, config.queue_name)
        return Node(config.server, secrets, timeout, self.lookup, slot_of(begins))

    async def __call__(self) -> ProbeResult:
        """Ask once."""
        try:
            return await self._ask()
        except RedisError as error:
            if str(error) in _NOT_ADMITTED:
                grant = f"Redis rejects the probe's user ({error}): grant the user PING"
                why = refused(self._server) if str(error) in AUTH else grant
                return unknown_result(error_code(error), why)
            return ProbeResult(ok=False, error=error_code(error))
        except NotSent as error:
            return unknown_result(error.word, str(error))
        except TimeoutError:
            return self.timed_out()
        except ProtocolError as error:
            await self.close()
            if error.too_long:
                return unknown_result(str(error), "Redis answered with more than the probe reads")
            return ProbeResult(ok=False, error=str(error))
        except OSError as error:
            return ProbeResult(ok=False, error=error_code(error))

    async def _ask(self) -> ProbeResult:
        await self._connection.call("PING")
        values: dict[str, Any] = {}
        unknown: list[Unknown] = []
        if "role" in self._wanted:
            try:
                values["role"] = await self._role()
            except RedisError as error:
                unknown.append((("role",), _kept("ROLE", error)))
        found, missing = await self._queue.depths(self._wanted)
        kept, cut = select_paths(values | found, self._paths, self._secrets)
        return ProbeResult(ok=True, values=kept, unknown=(*unknown, *missing, *cut))

    async def _role(self) -> str:
        role = await self._connection.call("ROLE")
        if not isinstance(role, list) or not role or not isinstance(role[0], str):
            raise ProtocolError("protocol")
        return role[0]

    async def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Queue:
    """A job queue. One that was never seen to exist has no depths: nobody looks for it in another database."""

    def __init__(self, config: RedisConfig, connection: Connection | Node) -> None:
        self._config = config
        self._layout = LAYOUTS[config.queue_kind] if config.queue_kind else Layout({})
        self._call = connection.call
        self._seen = False

    async def depths(self, wanted: set[str]) -> tuple[dict[str, int | bool], tuple[Unknown, ...]]:
        """The wanted figures, and which of them are unknown.

        Raises:
            RedisError: when Redis is not well.
            ProtocolError: when it answers with something that is not a number.

        """
        names = [name for name in self._layout.names if name in wanted]
        values: dict[str, int | bool] = {}
        unknown: list[Unknown] = []
        try:
            for name in names:
                try:
                    values[name] = await self._figure(name)
                except Kept as kept:
                    unknown.append(((name,), str(kept)))
            if not values:
                return {}, tuple(unknown)
            own = any(values[name] for name in values if self._layout.own(name))
            self._seen = self._seen or own or await self._exists()
        except Kept as kept:
            return {}, _all(names, str(kept))
        except RedisError as error:
            if str(error) in _ILL:
                raise
            return {}, _all(names, _MOVING if self._config.cluster else _NO_CLUSTER)
        return (values, tuple(unknown)) if self._seen else ({}, _all(names, self._absent()))

    async def _figure(self, name: str) -> int | bool:
        if name in self._layout.flags:
            return await self._number(self._layout.flags[name]) == 1
        return sum([await self._number(command) for command in self._layout.figures[name]])

    async def _exists(self) -> bool:
        for command in self._layout.signs:
            if await self._number(command):
                return True
        return False

    def _absent(self) -> str:
        config = self._config
        where = f"there is no {config.queue_kind} queue {config.queue_name}"
        where += f" with prefix {config.queue_prefix}" if config.queue_prefix else ""
        return f"{where} in database {config.server.database}: correct queue, or the dependency's redis.database"

    async def _number(self, command: Command) -> int:
        """The answer to a command; raises Kept when Redis keeps it from the probe's user, else as ``depths`` does."""
        config = self._config
        words = self._layout.command(command, config.queue_prefix, config.queue_name)
        try:
            value = await self._call(*words)
        except RedisError as error:
            if str(error) in _ILL | _ELSEWHERE:
                raise
            raise Kept(_kept(words[0], error)) from None
        if not isinstance(value, int):
            raise ProtocolError("protocol")
        return value


class Kept(Exception):
    """A figure that Redis keeps from the probe's user; the message says how to give it the right."""


def _all(names: list[str], why: str) -> tuple[Unknown, ...]:
    return tuple(((name,), why) for name in names)


def _kept(command: str, error: RedisError) -> str:
    return f"Redis answered {command} with {error}: grant the probe's user this command"


RUNNER: Final = RedisRunner
