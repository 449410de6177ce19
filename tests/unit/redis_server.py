"""A real redis-server on loopback, for tests."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from dataclasses import dataclass

from redis.asyncio import Redis

PASSWORD = "for-tests"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


@dataclass
class RedisServer:
    """A redis-server process on loopback."""

    port: int
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        # Debian's redis-tools holds the same program, without a service that starts by itself.
        program = shutil.which("redis-server") or shutil.which("redis-check-rdb")
        assert program, "no redis-server: apt-get install redis-tools"
        self.process = await asyncio.create_subprocess_exec(
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--requirepass", PASSWORD,
            executable=program, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(5), self.client() as client:
            while True:
                with contextlib.suppress(Exception):
                    await client.ping()
                    return
                await asyncio.sleep(0.02)

    def client(self) -> "Redis":
        return Redis(port=self.port, password=PASSWORD, decode_responses=True)

    def stop(self) -> None:
        """Packets go in and nothing comes back: what a cut looks like."""
        os.kill(self._pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._pid, signal.SIGCONT)

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    @property
    def _pid(self) -> int:
        assert self.process is not None
        return self.process.pid
