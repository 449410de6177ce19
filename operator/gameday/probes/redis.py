"""The redis probe: PING, role, and the depths of a queue, over one connection that is made anew after a failure."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from gameday.model.agent import ProbeSpec, RedisSpec
from gameday.probes.ask import Answer, Ask, error_word
from gameday.probes.keep import keep

_LISTS = {"wait": "depth", "active": "active"}
_ZSETS = {"delayed": "delayed", "prioritized": "prioritized", "failed": "failed", "completed": "completed"}


def connect(spec: RedisSpec, timeout: float) -> "Redis":
    """A client with the Secret's password of this moment; ``timeout`` bounds each step, in seconds."""
    password = Path(spec.password_file).read_text().strip() if spec.password_file else None
    return Redis(
        host=spec.host,
        port=spec.port,
        username=spec.username or None,
        password=password,
        ssl=spec.tls,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        single_connection_client=True,
        decode_responses=True,
    )


def word(error: Exception) -> str:
    """A short word for what Redis or the way to it said."""
    if isinstance(error, AuthenticationError):
        return "auth"
    if isinstance(error, ResponseError):
        text = str(error)
        return f"redis {text.split(' ', 1)[0][:32]}"
    return error_word(error)


class RedisAsk(Ask):
    """Asks one Redis for its health and its queue."""

    def __init__(self, probe: ProbeSpec) -> None:
        if probe.redis is None:
            raise ValueError(f"probe {probe.name}: no Redis given")
        self._probe = probe
        self._spec = probe.redis
        self._client: Redis | None = None

    async def __call__(self) -> Answer:
        """Ask once."""
        try:
            if self._client is None:
                self._client = connect(self._spec, self._probe.timeout)
            values = await self._read(self._client)
        except (RedisError, OSError) as error:
            await self.close()
            return Answer(ok=False, error=word(error))
        except asyncio.CancelledError:
            # An answer may still be under way on this connection: it must not be taken for the next one's.
            await self.close()
            raise
        return Answer(ok=True, values=keep(values, self._probe.paths))

    async def _read(self, client: Redis) -> dict[str, Any]:
        await client.ping()
        role: Any = await client.execute_command("ROLE")  # type: ignore[no-untyped-call]  # untyped upstream
        values: dict[str, Any] = {"role": role[0]}
        if self._spec.queue_kind == "bullmq":
            pipe = client.pipeline(transaction=False)
            for key in _LISTS:
                pipe.llen(f"{self._spec.queue_keys}:{key}")
            for key in _ZSETS:
                pipe.zcard(f"{self._spec.queue_keys}:{key}")
            counts = await pipe.execute()
            values |= dict(zip([*_LISTS.values(), *_ZSETS.values()], counts, strict=True))
        return values

    async def close(self) -> None:
        """Hang up; what goes wrong with a connection that is given up concerns nobody."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(RedisError, OSError):
                await client.aclose()
