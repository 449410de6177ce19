"""What tests of several layers share."""

from collections.abc import AsyncIterator

import pytest

from unit.redis_server import RedisServer, free_port


@pytest.fixture
async def redis() -> AsyncIterator[RedisServer]:
    server = RedisServer(free_port())
    await server.start()
    yield server
    await server.kill()
