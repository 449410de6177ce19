"""The tcp probe: one connect."""

import asyncio

from gameday.probes.io.secrets import Secrets
from gameday.probes.runner import ProbeResult
from gameday.probes.tcp.runner import TcpRunner
from unit.ports import free_port
from unit.probes.tasks import tcp_task


async def test_an_open_port_is_ok_and_a_closed_one_is_refused() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert await TcpRunner(tcp_task("p", 1, 1, "127.0.0.1", port), Secrets())() == ProbeResult(ok=True)
    result = await TcpRunner(tcp_task("p", 1, 1, "127.0.0.1", free_port()), Secrets())()
    assert result == ProbeResult(ok=False, error="refused")
