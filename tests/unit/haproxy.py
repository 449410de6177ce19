"""A real HAProxy in front of a server, for tests: it takes connections also while that server is away."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from unit.ports import free_port

GET = Path(__file__).parents[1] / "cluster" / "haproxy" / "get"
CONFIG = """
global
  maxconn 200
defaults
  mode tcp
  timeout connect 500ms
  timeout client 60s
  timeout server 60s
  retries 0
frontend front
  bind {host}:{port}
  default_backend back
backend back
  server one {behind}
"""


def program() -> str:
    """Its path; it is fetched where it is not there yet."""
    got = subprocess.run([GET], capture_output=True, text=True, check=False)
    if got.returncode:
        pytest.fail(got.stderr, pytrace=False)
    return got.stdout.strip()


@asynccontextmanager
async def haproxy(folder: Path, behind: str, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """The port at which it listens, until the context ends; ``behind`` is the server's address and port."""
    port, file = free_port(), folder / "haproxy.cfg"
    file.write_text(CONFIG.format(host=host, port=port, behind=behind))
    process = await asyncio.create_subprocess_exec(program(), "-db", "-f", file, stdout=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(10):
            while True:
                assert process.returncode is None, "HAProxy has ended"
                try:
                    _, writer = await asyncio.open_connection(host, port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.transport.abort()
                    break
        yield port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
