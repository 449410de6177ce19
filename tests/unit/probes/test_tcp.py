"""The tcp probe: one connect."""

import asyncio

from gameday.model.agent import ProbeSpec
from gameday.probes.ask import Answer
from gameday.probes.tcp import TcpAsk
from unit.redis_server import free_port


async def test_an_open_port_is_ok_and_a_closed_one_is_refused() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert await TcpAsk(ProbeSpec("p", "tcp", 1, 1, host="127.0.0.1", port=port))() == Answer(ok=True)
    answer = await TcpAsk(ProbeSpec("p", "tcp", 1, 1, host="127.0.0.1", port=free_port()))()
    assert answer == Answer(ok=False, error="refused")
