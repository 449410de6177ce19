"""The redis probe: PING, role, and the depths of a queue, over one connection that is made anew after a failure."""

from typing import Any

from gameday.model.agent import ProbeSpec
from gameday.probes.ask import Answer, Ask, error_word
from gameday.probes.keep import keep
from gameday.probes.resp import Connection, NotRedis, RedisSaid
from gameday.probes.secrets import Secrets

_LISTS = {"wait": "depth", "active": "active"}
_ZSETS = {"delayed": "delayed", "prioritized": "prioritized", "failed": "failed", "completed": "completed"}
_AUTH = frozenset({"NOAUTH", "WRONGPASS"})


def word(error: Exception) -> str:
    """A short word for what Redis or the way to it said."""
    if isinstance(error, RedisSaid):
        return "auth" if str(error) in _AUTH else f"redis {error}"
    return str(error) if isinstance(error, NotRedis) else error_word(error)


class RedisAsk(Ask):
    """Asks one Redis for its health and its queue."""

    def __init__(self, probe: ProbeSpec, secrets: Secrets | None = None) -> None:
        if probe.redis is None:
            raise ValueError(f"probe {probe.name}: no Redis given")
        self._probe = probe
        self._spec = probe.redis
        self._secrets = secrets or Secrets()
        self._connection = Connection(probe.redis, self._secrets, probe.timeout)

    async def __call__(self) -> Answer:
        """Ask once."""
        try:
            values = await self._read()
        except (RedisSaid, OSError, UnicodeError) as error:
            await self.close()
            return Answer(ok=False, error=word(error))
        return Answer(ok=True, values=keep(values, self._probe.paths, self._secrets))

    async def _read(self) -> dict[str, Any]:
        ask = self._connection.call
        await ask("PING")
        role = await ask("ROLE")
        if not isinstance(role, list) or not role or not isinstance(role[0], str):
            raise NotRedis("protocol")
        values: dict[str, Any] = {"role": role[0]}
        if self._spec.queue_kind == "bullmq":
            for key, name in _LISTS.items():
                values[name] = await ask("LLEN", f"{self._spec.queue_keys}:{key}")
            for key, name in _ZSETS.items():
                values[name] = await ask("ZCARD", f"{self._spec.queue_keys}:{key}")
        return values

    async def close(self) -> None:
        """Hang up."""
        self._connection.close()
