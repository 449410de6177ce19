"""A real redis-server on loopback, for tests."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import RedisError
from redis.asyncio import Redis

PASSWORD = "for-tests"


async def run_redis(
    *words: str | Path, until: Callable[[], Awaitable[object]], within: float = 10
) -> asyncio.subprocess.Process:
    """A redis-server with these arguments, as soon as ``until`` raises no more.

    The test fails with what the server said if it ends, or does not answer ``within`` seconds.
    """
    # Debian's redis-tools holds the same program, without a service that starts by itself.
    program = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    assert program, "no redis-server: apt-get install redis-tools"
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec("redis-server", *words, executable=program, stdout=log)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while process.returncode is None:
                    try:
                        await until()
                    except (OSError, RedisError):
                        await asyncio.sleep(0.02)
                    else:
                        return process
        if process.returncode is None:
            process.kill()
        await process.wait()
        log.seek(0)
        pytest.fail(f"redis-server does not answer:\n{log.read().decode(errors='replace')}", pytrace=False)


@dataclass
class RedisServer:
    """A redis-server process on loopback."""

    port: int
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        async with self.client() as client:
            self.process = await run_redis(
                "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--requirepass", PASSWORD,
                until=client.ping,
            )  # fmt: skip

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
