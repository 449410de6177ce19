"""HAProxy in front of a Redis outside the cluster: it takes connections whether the Redis is there or not."""

import random
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy import manifests as shop_manifests
from e2e.namespaces import TeamNamespace, small
from gameday.api.lines import events_of
from gameday.cluster.resources import Object
from unit.haproxy import haproxy
from unit.ports import free_port
from unit.redis_server import PASSWORD, RedisServer

pytestmark = pytest.mark.e2e

LINK = "gameday"
"""The host's end of the node's link (tests/cluster/bed)."""


@dataclass
class Proxied:
    """A Redis, and where its proxy is."""

    redis: RedisServer
    host: str
    port: int


@pytest.fixture
def address() -> Iterator[str]:
    """One of this machine, on its link to the node."""
    if subprocess.run(["ip", "link", "show", LINK], capture_output=True, check=False).returncode:
        pytest.skip(f"this machine has no link {LINK} to the node: the test needs the provider bed")
    made = f"10.99.0.{random.randrange(130, 250)}"
    subprocess.run(["ip", "addr", "add", f"{made}/32", "dev", LINK], check=True)
    yield made
    subprocess.run(["ip", "addr", "del", f"{made}/32", "dev", LINK], check=False)


@pytest.fixture
async def proxied(address: str, tmp_path: Path) -> AsyncIterator[Proxied]:
    redis = RedisServer(free_port())
    await redis.start()
    async with haproxy(tmp_path, f"127.0.0.1:{redis.port}", address) as port:
        yield Proxied(redis, address, port)
    await redis.kill()


async def deploy(ns: TeamNamespace, proxied: Proxied) -> None:
    """The shop's api, whose Redis is the one behind the proxy."""
    wanted = []
    for body in shop_manifests({"REDIS_HOST": proxied.host, "REDIS_TCP_PORT": str(proxied.port)}):
        if body["kind"] == "Deployment":
            if body["metadata"]["name"] != "api":
                continue
            body["spec"]["replicas"] = 1
        if (body["kind"], body["metadata"]["name"]) == ("Secret", "redis"):
            body["stringData"] = {"password": PASSWORD}
        wanted.append(body)
    await ns.deploy(*wanted)


def drill(proxied: Proxied) -> Object:
    gameday = small(outage__duration="15s")
    redis = gameday["spec"]["dependencies"][0]["redis"]
    redis |= {"host": proxied.host, "port": proxied.port}
    del redis["service"]
    return gameday


async def test_a_redis_behind_haproxy_is_cut_off(ns: TeamNamespace, proxied: Proxied) -> None:
    await deploy(ns, proxied)
    await ns.operator()
    await ns.start(drill(proxied))
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    reasons = {line["reason"] for line in events_of(status)}
    assert {"CutProven", "ConnectionsEnded"} <= reasons, "held connections show it: nobody ends any at a host"
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_redis_that_dies_behind_haproxy_is_not_taken_for_the_cut(ns: TeamNamespace, proxied: Proxied) -> None:
    await deploy(ns, proxied)
    await ns.operator()
    await ns.start(drill(proxied))
    await ns.under_cut()
    await proxied.redis.kill()
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "DependencyDown"), status["message"]
    await ns.nothing_is_left()
