"""Servers of one Redis are asked who the others are: a real Cluster, real Sentinels. One that is not cut is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gameday.agents import dialing
from gameday.agents.dialing import Dialler
from gameday.model.agent import SENTINEL, SERVER, Dial, Peers, RedisAddress
from unit.redis_peers import MASTER, Servers, cluster, servers, watched
from unit.redis_server import PASSWORD

HOST = "127.0.0.1"


@pytest.fixture
def password(tmp_path: Path) -> str:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    return str(file)


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Servers]:
    async with servers(tmp_path) as one:
        yield one


def known(*ports: int) -> frozenset[tuple[str, int]]:
    return frozenset((HOST, port) for port in ports)


async def asked(
    port: int, password: str, peers: Peers, ports: frozenset[tuple[str, int]], protocol: str = SERVER
) -> str | None:
    target = Dial(f"target:{HOST}:{port}", HOST, port, protocol)
    redis = RedisAddress("redis.shop.svc", port, password_file=password, database=5)
    async with asyncio.timeout(5):
        return await Dialler(target, None, redis, peers, ports)()


async def test_a_cluster_is_reached_where_each_of_its_nodes_is_known(made: Servers, password: str) -> None:
    await cluster(made)
    first, second, third = made.ports
    for port in made.ports:
        assert await asked(port, password, Peers(), known(*made.ports)) is None
    left_out = await asked(first, password, Peers(), known(first, second))
    assert left_out == f"servers: 127.0.0.1:{third} is one of them and is not cut"
    assert await asked(first, password, Peers(), frozenset({("10.0.0.9", third)}) | known(first, second)) == left_out


async def test_nodes_without_an_endpoint_are_at_other_ports_of_the_one_that_is_asked(
    made: Servers, password: str
) -> None:
    """As behind one load balancer: clients go on where they have asked, at each node's port."""
    await cluster(made)
    for port in made.ports:
        async with made.client(port) as node:
            await node.execute_command("CONFIG", "SET", "cluster-preferred-endpoint-type", "unknown-endpoint")
    first, *others = made.ports
    assert await asked(first, password, Peers(), known(*made.ports)) is None
    left_out = await asked(first, password, Peers(), known(first))
    assert left_out in {f"servers: 127.0.0.1:{port} is one of them and is not cut" for port in others}


async def test_a_node_that_comes_later_is_told_unless_it_is_known(made: Servers, password: str) -> None:
    await cluster(made)
    before = known(*made.ports)
    await made.start("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
    *_, last = made.ports
    async with made.client(last) as node, made.client(made.ports[0]) as first:
        await node.execute_command("CLUSTER MEET", HOST, made.ports[0])
        name = await first.execute_command("CLUSTER MYID")
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(Exception):
                    await node.execute_command("CLUSTER REPLICATE", name)
                    break
                await asyncio.sleep(0.1)
            while (await asked(made.ports[0], password, Peers(), before)) is None:  # noqa: ASYNC110  of another process
                await asyncio.sleep(0.1)
    assert (
        await asked(made.ports[0], password, Peers(), before)
        == f"servers: 127.0.0.1:{last} is one of them and is not cut"
    )
    assert await asked(made.ports[0], password, Peers(), known(*made.ports)) is None


async def test_a_redis_that_is_no_cluster_is_told(made: Servers, password: str) -> None:
    port = await made.start()
    assert await asked(port, password, Peers(), known(port)) == "servers: CLUSTER SLOTS answered redis ERR"


async def test_a_user_who_may_not_ask_is_told(made: Servers, password: str) -> None:
    port = await made.start("--cluster-enabled", "yes")
    async with made.client(port) as node:
        await node.execute_command("ACL", "SETUSER", "default", "-cluster")
    assert await asked(port, password, Peers(), known(port)) == "servers: CLUSTER SLOTS answered redis NOPERM"


async def test_sentinels_are_asked_for_every_server_and_every_sentinel(made: Servers, password: str) -> None:
    await watched(made)
    peers, every = Peers(MASTER), known(*made.ports, *made.sentinels)
    for port in made.sentinels:
        assert await asked(port, password, peers, every, SENTINEL) is None
    for port in made.ports:
        assert await asked(port, password, peers, every) is None
    one = made.sentinels[0]
    for missing in (*made.ports, *made.sentinels[1:]):
        told = await asked(one, password, peers, every - known(missing), SENTINEL)
        assert told == f"servers: 127.0.0.1:{missing} is one of them and is not cut"
    assert await asked(one, password, Peers("another"), every, SENTINEL) == "servers: SENTINEL answered no such master"


async def test_the_master_may_move(made: Servers, password: str) -> None:
    await watched(made)
    peers, every = Peers(MASTER), known(*made.ports, *made.sentinels)
    async with made.client(made.sentinels[0], None) as one:
        await one.execute_command("SENTINEL FAILOVER", MASTER)
        async with asyncio.timeout(20):
            while int((await one.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", MASTER))[1]) != made.ports[1]:
                await asyncio.sleep(0.1)
                assert await asked(made.sentinels[0], password, peers, every, SENTINEL) is None
    assert await asked(made.sentinels[0], password, peers, every, SENTINEL) is None


async def test_a_replica_that_is_gone_counts_no_more(made: Servers, password: str) -> None:
    await watched(made)
    peers, left = Peers(MASTER), known(made.ports[0], *made.sentinels)
    assert await asked(made.sentinels[0], password, peers, left, SENTINEL) is not None
    made.processes[1].kill()
    await made.processes[1].wait()
    async with asyncio.timeout(20):
        while await asked(made.sentinels[0], password, peers, left, SENTINEL) is not None:  # noqa: ASYNC110  as above
            await asyncio.sleep(0.2)


async def test_sentinels_have_credentials_of_their_own(made: Servers, password: str, tmp_path: Path) -> None:
    await watched(made, "another")
    own = tmp_path / "sentinel"
    own.write_text("another")
    peers, every = Peers(MASTER, password_file=str(own)), known(*made.ports, *made.sentinels)
    assert await asked(made.sentinels[0], password, peers, every, SENTINEL) is None
    wrong = replace(peers, password_file=password)
    told = await asked(made.sentinels[0], password, wrong, every, SENTINEL)
    assert told == "servers: SENTINEL answered auth: it refuses the password"


async def test_servers_are_asked_now_and_then_and_at_each_dial_while_one_is_missing(
    made: Servers, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cluster(made)
    first = made.ports[0]

    async def slots() -> int:
        async with made.client(first) as node:
            told = await node.info("commandstats")
        return int(told.get("cmdstat_cluster|slots", {"calls": 0})["calls"])

    target = Dial(f"target:{HOST}:{first}", HOST, first, SERVER)
    redis = RedisAddress("redis.shop.svc", first, password_file=password)
    for ports, every, calls in ((made.ports, 60.0, 1), (made.ports, 0.0, 3), (made.ports[:2], 60.0, 3)):
        monkeypatch.setattr(dialing, "LOOK_EVERY", every)
        before, dialler = await slots(), Dialler(target, None, redis, Peers(), known(*ports))
        for _ in range(3):
            await dialler()
        assert await slots() - before == calls
