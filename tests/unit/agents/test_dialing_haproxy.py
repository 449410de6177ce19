"""A proxy in front of a server: its connections say nothing of the server, its server's answers do."""

import asyncio
from pathlib import Path

from gameday.agents.dialing import dial
from gameday.model.agent import Dial
from unit.haproxy import haproxy
from unit.ports import free_port
from unit.redis_server import RedisServer


async def test_a_redis_behind_haproxy_is_dialled_to_its_end(tmp_path: Path) -> None:
    redis = RedisServer(free_port())
    await redis.start()
    async with haproxy(tmp_path, f"127.0.0.1:{redis.port}") as port, asyncio.timeout(20):
        assert await dial(Dial("target:it", "127.0.0.1", port, "redis")) is None
        await redis.kill()
        assert await dial(Dial("target:it", "127.0.0.1", port, "redis")) is not None
        assert await dial(Dial("target:it", "127.0.0.1", port, "tcp")) is None, "the proxy takes the connection"
