"""A real Prometheus and a real Alertmanager on loopback, for tests."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

GET = Path(__file__).parents[1] / "cluster" / "monitoring" / "get"


def program(name: str) -> str:
    """The path of prometheus or alertmanager; both are fetched where they are not there yet."""
    done = subprocess.run([GET], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(done.stderr, pytrace=False)
    return str(Path(done.stdout.strip()) / name)


@asynccontextmanager
async def running(name: str, folder: Path, options: Sequence[str], port: int, **client: Any) -> AsyncIterator[int]:
    """A server on 127.0.0.1 that is ready, until the context ends; ``client`` is how httpx asks it."""
    place = "https" if "verify" in client else "http"
    path = program(name)
    log = folder / f"{name}.log"
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            path, f"--web.listen-address=127.0.0.1:{port}", *options, stdout=written, stderr=written
        )
    try:
        async with asyncio.timeout(30), httpx.AsyncClient(trust_env=False, **client) as asking:
            while True:
                if process.returncode is not None:
                    pytest.fail(log.read_text(), pytrace=False)
                try:
                    if (await asking.get(f"{place}://127.0.0.1:{port}/-/ready")).status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)
        yield port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def prometheus_options(folder: Path, config: Any, *more: str) -> tuple[str, ...]:
    """The options of a Prometheus that has this configuration, and keeps its data in a folder."""
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    return (f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}", *more)


def alertmanager_options(folder: Path, config: Any) -> tuple[str, ...]:
    """The options of a single Alertmanager that has this configuration."""
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config))
    return (f"--config.file={file}", f"--storage.path={folder / 'alerts'}", "--cluster.listen-address=")
