"""Redis of several servers on this machine, for tests: a Cluster of three masters, and a set that Sentinels watch."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from unit.redis_server import PASSWORD, free_port

MASTER = "mymaster"
SLOTS = 16384


def program(name: str) -> str:
    """The path of redis-server, which serves as redis-sentinel too."""
    found = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    assert found, f"no {name}: apt-get install redis-tools"
    return found


@dataclass
class Servers:
    """Servers that run, by their ports."""

    folder: Path
    ports: list[int] = field(default_factory=list)
    sentinels: list[int] = field(default_factory=list)
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    def client(self, port: int, password: str | None = PASSWORD) -> Any:
        """One that knows no types of what it is told."""
        return Redis(port=port, password=password, decode_responses=True)

    async def start(self, *options: str, host: str = "127.0.0.1") -> int:
        """One more server, which answers."""
        port = free_port()
        while port > 55000:
            port = free_port()
        folder = self.folder / str(port)
        folder.mkdir()
        await self._run(folder, port, ("--requirepass", PASSWORD, "--masterauth", PASSWORD, "--save", "", *options))
        self.ports.append(port)
        return port

    async def sentinel(self, master: int, password: str = "") -> int:
        """One more Sentinel of a master."""
        port = free_port()
        folder = self.folder / str(port)
        folder.mkdir()
        lines = [
            f"sentinel monitor {MASTER} 127.0.0.1 {master} 2",
            f"sentinel auth-pass {MASTER} {PASSWORD}",
            f"sentinel down-after-milliseconds {MASTER} 1000",
            *([f"requirepass {password}"] if password else []),
        ]
        (folder / "sentinel.conf").write_text("\n".join(lines) + "\n")
        await self._run(folder, port, (), str(folder / "sentinel.conf"), "--sentinel", password=password)
        self.sentinels.append(port)
        return port

    async def _run(
        self, folder: Path, port: int, options: Sequence[str], *before: str, password: str = PASSWORD
    ) -> None:
        process = await asyncio.create_subprocess_exec(
            "redis-server", *before[:1], "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *options,
            *before[1:], executable=program("redis-server"), stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self.processes.append(process)
        async with asyncio.timeout(10), self.client(port, password or None) as client:
            while True:
                with contextlib.suppress(Exception):
                    await client.ping()
                    return
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def servers(folder: Path) -> AsyncIterator[Servers]:
    """None yet; all that were started end with the context."""
    made = Servers(folder)
    try:
        yield made
    finally:
        for process in made.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def cluster(made: Servers, masters: int = 3) -> None:
    """Start the masters of a Cluster, and wait until it serves every slot."""
    for _ in range(masters):
        await made.start("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
    each = SLOTS // masters
    for index, port in enumerate(made.ports):
        async with made.client(port) as node:
            last = SLOTS - 1 if index == masters - 1 else (index + 1) * each - 1
            await node.execute_command("CLUSTER ADDSLOTSRANGE", index * each, last)
            await node.execute_command("CLUSTER SET-CONFIG-EPOCH", index + 1)
    async with made.client(made.ports[0]) as first:
        for port in made.ports[1:]:
            await first.execute_command("CLUSTER MEET", "127.0.0.1", port)
    async with asyncio.timeout(20):
        for port in made.ports:
            async with made.client(port) as node:
                while len(await node.execute_command("CLUSTER SLOTS")) != masters:  # noqa: ASYNC110  of another process
                    await asyncio.sleep(0.1)


async def serving(made: Servers) -> None:
    """Wait until every node of a Cluster knows that each slot is served, and takes keys."""
    async with asyncio.timeout(20):
        for port in made.ports:
            async with made.client(port) as node:
                while (await node.cluster("INFO"))["cluster_state"] != "ok":  # noqa: ASYNC110  of another process
                    await asyncio.sleep(0.1)


async def watched(made: Servers, password: str = "") -> None:
    """Start a master with a replica, and three Sentinels that know each other and both."""
    master = await made.start()
    await made.start("--replicaof", f"127.0.0.1 {master}")
    for _ in range(3):
        await made.sentinel(master, password)
    async with asyncio.timeout(30):
        for port in made.sentinels:
            async with made.client(port, password or None) as one:
                while True:
                    replicas = await one.execute_command("SENTINEL REPLICAS", MASTER)
                    others = await one.execute_command("SENTINEL SENTINELS", MASTER)
                    if len(replicas) == 1 and len(others) == 2:
                        break
                    await asyncio.sleep(0.2)
