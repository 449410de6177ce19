"""Redis of several servers on this machine, for tests: a Cluster of three masters, and a set that Sentinels watch.

They stand at one address with a port each, or, as managed ones do, at one port with an address each (``hosts``).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from unit.ports import free_port
from unit.redis_server import PASSWORD, run_redis

HOST = "127.0.0.1"
MASTER = "mymaster"
SLOTS = 16384
DOWN = frozenset({"s_down", "o_down", "disconnected"})
"""Flags of a server to which a Sentinel leads nobody."""


@dataclass
class Servers:
    """Servers that run, by their ports."""

    folder: Path
    ports: list[int] = field(default_factory=list)
    sentinels: list[int] = field(default_factory=list)
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    def client(self, port: int, password: str | None = PASSWORD, host: str = HOST) -> Any:
        """One that knows no types of what it is told."""
        return Redis(host=host, port=port, password=password, decode_responses=True)

    async def start(self, *options: str, host: str = HOST, port: int = 0) -> int:
        """One more server, which answers; its port is a free one where none is named."""
        port = port or free_port()
        folder = self.folder / f"{host}-{port}"
        folder.mkdir()
        # Else others would know it by the address from which the kernel lets it speak to them.
        own = ("--bind-source-addr", host) if host != HOST else ()
        words = ("--requirepass", PASSWORD, "--masterauth", PASSWORD, "--save", "", *own, *options)
        await self._run(folder, (host, port), words)
        self.ports.append(port)
        return port

    async def sentinel(
        self, master: int, password: str = "", *, host: str = HOST, port: int = 0, of: str = HOST
    ) -> int:
        """One more Sentinel of a master, which is at ``of``."""
        port = port or free_port()
        folder = self.folder / f"{host}-{port}"
        folder.mkdir()
        lines = [
            f"sentinel monitor {MASTER} {of} {master} 2",
            *([f"sentinel announce-ip {host}"] if host != HOST else []),
            f"sentinel auth-pass {MASTER} {PASSWORD}",
            f"sentinel down-after-milliseconds {MASTER} 3000",
            *([f"requirepass {password}"] if password else []),
        ]
        (folder / "sentinel.conf").write_text("\n".join(lines) + "\n")
        await self._run(folder, (host, port), (), str(folder / "sentinel.conf"), "--sentinel", password=password)
        self.sentinels.append(port)
        return port

    async def _run(
        self, folder: Path, at: tuple[str, int], options: Sequence[str], *before: str, password: str = PASSWORD
    ) -> None:
        host, port = at
        async with self.client(port, password or None, host) as client:
            self.processes.append(
                await run_redis(
                    *before[:1], "--port", str(port), "--bind", host, "--dir", str(folder), *options, *before[1:],
                    until=client.ping,
                )
            )  # fmt: skip


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


async def cluster(made: Servers, masters: int = 3, host: str = HOST) -> None:
    """Start the masters of a Cluster at one address, and wait until it serves every slot."""
    for _ in range(masters):
        await made.start("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", host=host)
    each = SLOTS // masters
    for index, port in enumerate(made.ports):
        async with made.client(port, host=host) as node:
            last = SLOTS - 1 if index == masters - 1 else (index + 1) * each - 1
            await node.execute_command("CLUSTER ADDSLOTSRANGE", index * each, last)
            await node.execute_command("CLUSTER SET-CONFIG-EPOCH", index + 1)
    async with made.client(made.ports[0], host=host) as first:
        for port in made.ports[1:]:
            await first.execute_command("CLUSTER MEET", host, port)
    async with asyncio.timeout(20):
        for port in made.ports:
            async with made.client(port, host=host) as node:
                while len(await node.execute_command("CLUSTER SLOTS")) != masters:  # noqa: ASYNC110  of another process
                    await asyncio.sleep(0.1)


async def serving(made: Servers) -> None:
    """Wait until every node of a Cluster knows that each slot is served, and takes keys."""
    async with asyncio.timeout(20):
        for port in made.ports:
            async with made.client(port) as node:
                while (await node.cluster("INFO"))["cluster_state"] != "ok":  # noqa: ASYNC110  theirs
                    await asyncio.sleep(0.1)


async def _knows_all(sentinel: Any, others: int) -> bool:
    """Whether a Sentinel knows the master, its replica and so many other Sentinels, and calls none of them down."""
    masters = [await sentinel.execute_command("SENTINEL MASTER", MASTER)]
    replicas = await sentinel.execute_command("SENTINEL REPLICAS", MASTER)
    sentinels = await sentinel.execute_command("SENTINEL SENTINELS", MASTER)
    flags = {flag for entry in (*masters, *replicas, *sentinels) for flag in entry["flags"].split(",")}
    return len(replicas) == 1 and len(sentinels) == others and flags.isdisjoint(DOWN)


async def watched(made: Servers, password: str = "") -> None:
    """Start a master with a replica, and three Sentinels that know each other and both."""
    master = await made.start()
    await made.start("--replicaof", f"127.0.0.1 {master}")
    for _ in range(3):
        await made.sentinel(master, password)
    async with asyncio.timeout(30):
        for port in made.sentinels:
            async with made.client(port, password or None) as one:
                while not await _knows_all(one, 2):  # noqa: ASYNC110  of another process
                    await asyncio.sleep(0.2)


async def cluster_at(made: Servers, hosts: Sequence[str]) -> int:
    """Start a master at each address, all at one port, and wait until they serve every slot; that port."""
    port = free_port()
    for host in hosts:
        await made.start("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", host=host, port=port)
    each = SLOTS // len(hosts)
    for index, host in enumerate(hosts):
        async with made.client(port, host=host) as node:
            last = SLOTS - 1 if index == len(hosts) - 1 else (index + 1) * each - 1
            await node.execute_command("CLUSTER ADDSLOTSRANGE", index * each, last)
            await node.execute_command("CLUSTER SET-CONFIG-EPOCH", index + 1)
    async with made.client(port, host=hosts[0]) as first:
        for host in hosts[1:]:
            await first.execute_command("CLUSTER MEET", host, port)
    async with asyncio.timeout(20):
        for host in hosts:
            async with made.client(port, host=host) as node:
                while len(await node.execute_command("CLUSTER SLOTS")) != len(hosts):  # noqa: ASYNC110  as above
                    await asyncio.sleep(0.1)
    return port


async def join_cluster(made: Servers, port: int, host: str, other: str) -> None:
    """Start one more node, as a replica of the one at another address, and wait until that one names it."""
    await made.start("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", host=host, port=port)
    async with made.client(port, host=host) as node, made.client(port, host=other) as first:
        await node.execute_command("CLUSTER MEET", other, port)
        name = await first.execute_command("CLUSTER MYID")
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(Exception):
                    await node.execute_command("CLUSTER REPLICATE", name)
                    break
                await asyncio.sleep(0.1)
            while host not in str(await first.execute_command("CLUSTER SLOTS")):  # noqa: ASYNC110  as above
                await asyncio.sleep(0.1)


async def watched_at(made: Servers, sentinels: Sequence[str], master: str, replica: str) -> tuple[int, int]:
    """Start a master, a replica and Sentinels at these addresses, which know each other; Redis' and Sentinel's port."""
    port, watching = free_port(), free_port()
    await made.start("--replica-announce-ip", master, host=master, port=port)
    await made.start("--replicaof", f"{master} {port}", "--replica-announce-ip", replica, host=replica, port=port)
    for host in sentinels:
        await made.sentinel(port, host=host, port=watching, of=master)
    async with asyncio.timeout(30):
        for host in sentinels:
            async with made.client(watching, None, host) as one:
                while not await _knows_all(one, len(sentinels) - 1):  # noqa: ASYNC110  as above
                    await asyncio.sleep(0.2)
    return port, watching
