"""A Redis Cluster, and a Redis with Sentinels, outside the cluster: one name leads to servers that name the others.

They run on this machine, each at an address of its own on the host's end of the node's link; so does the DNS that their
clients ask, which knows the first of them alone.
"""

import contextlib
import random
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from e2e.dialling import until
from e2e.health_client import health_client
from e2e.namespaces import TeamNamespace
from e2e.policies import CILIUM, KUBERNETES, each_kind
from e2e.test_named import LINK, secret
from gameday.api.lines import events_of, expectations_of
from gameday.cluster.resources import Object
from unit import redis_peers
from unit.dns_server import dns_server
from unit.redis_peers import MASTER, cluster, cluster_at, join_cluster, watched_at
from unit.redis_server import PASSWORD

pytestmark = pytest.mark.e2e

NAME = "sessions.redis.test"
CLIENT = """
import os
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

password, host, port = os.environ["PASSWORD"], os.environ["REDIS"], int(os.environ["PORT"])
seconds = {"socket_timeout": 0.7, "socket_connect_timeout": 0.7, "retry": Retry(NoBackoff(), 0)}

def client():
    if os.environ["KIND"] == "cluster":
        return RedisCluster(host=host, port=port, password=password, **seconds)
    return Sentinel([(host, port)], sentinel_kwargs=seconds).master_for("mymaster", password=password, **seconds)

def ask():
    one = client()
    for key in ("a", "b", "c", "d"):
        one.set(key, "1")
    one.close()
"""
GAMEDAY = """
apiVersion: gameday.dev/v1alpha1
kind: GameDay
metadata: {name: servers}
spec:
  dependencies:
  - name: redis
    redis:
      host: NAME
      auth: {passwordFrom: {secretKeyRef: {name: redis, key: password}}}
  probes:
  - {name: health, interval: 1s, timeout: 5s, http: {url: "http://client/"}}
  steadyState:
    duration: 10s
    expect: [{name: healthy, always: "health.body.redis == 'ok'", tolerates: 10s}]
  outage:
    duration: 20s
    faults:
    - name: partition
      networkPartition: {podSelector: {matchLabels: {app: client}}, to: [redis]}
    expect:
    - {name: noticed, becomes: "!health.ok || health.body.redis != 'ok'", within: 15s}
    - {name: does not reach it, always: "!health.ok || health.body.redis != 'ok'", after: 10s}
  recovery:
    within: 60s
    expect: [{name: healthy again, eventually: "health.body.redis == 'ok'", for: 2s}]
"""


@dataclass
class Outside:
    """Addresses of this machine on the node's link, the DNS at one of them, and the servers at the others."""

    nameserver: str
    addresses: tuple[str, ...]
    servers: redis_peers.Servers


@pytest.fixture
def addresses() -> Iterator[tuple[str, ...]]:
    """One for the nameserver, and five for servers."""
    if subprocess.run(["ip", "link", "show", LINK], capture_output=True, check=False).returncode:
        pytest.skip(f"this machine has no link {LINK} to the node: the test needs the provider bed")
    start = 130 + 6 * random.randrange(0, 20)
    made = tuple(f"10.99.0.{start + n}" for n in range(6))
    with contextlib.ExitStack() as stack:
        for address in made:
            subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", LINK], check=True)
            stack.callback(subprocess.run, ["ip", "addr", "del", f"{address}/32", "dev", LINK], check=False)
        yield made


@pytest.fixture
async def outside(tmp_path: Path, addresses: tuple[str, ...]) -> AsyncIterator[Outside]:
    nameserver, *own = addresses
    async with dns_server(nameserver, 53) as dns, redis_peers.servers(tmp_path) as servers:
        dns.table[NAME] = (own[0],)
        yield Outside(nameserver, tuple(own), servers)


async def deploy(ns: TeamNamespace, outside: Outside, kind: str, port: int) -> None:
    """A client of all servers, which knows one name."""
    settings = {"REDIS": NAME, "PORT": str(port), "KIND": kind, "PASSWORD": PASSWORD}
    nameservers = [outside.nameserver]
    service, client = health_client(CLIENT, settings, dnsPolicy="None", dnsConfig={"nameservers": nameservers})
    ns.apply(secret("redis", password=PASSWORD))
    await ns.deploy(service, client)


def gameday(via: str = "Auto", **redis: object) -> Object:
    body: Object = yaml.safe_load(GAMEDAY.replace("NAME", NAME))
    body["spec"]["dependencies"][0]["redis"] |= redis
    body["spec"]["outage"]["faults"][0]["networkPartition"] |= {"via": via}
    return body


async def covers(ns: TeamNamespace, *addresses: str) -> None:
    """Wait until the policy cuts all of these off."""

    async def so() -> bool:
        policies = await ns.policies()
        return bool(policies) and all(f"{address}/" in str(policies[0]["spec"]) for address in addresses)

    await until(so, f"the policy names {addresses}", 20)


@each_kind(KUBERNETES)
async def test_every_node_of_a_cluster_behind_one_name_is_cut_off(
    ns: TeamNamespace, outside: Outside, via: str
) -> None:
    nodes = outside.addresses[:3]
    port = await cluster_at(outside.servers, nodes)
    await deploy(ns, outside, "cluster", port)
    await ns.operator()
    await ns.start(gameday(via, cluster={}, port=port))
    await ns.under_cut()
    await covers(ns, *nodes)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    assert "CutProven" in {line["reason"] for line in events_of(status)}
    await ns.nothing_is_left()


@each_kind(CILIUM)
async def test_a_node_that_joins_under_the_cut_is_cut_at_once_and_leaves_no_verdict(
    ns: TeamNamespace, outside: Outside, via: str
) -> None:
    *nodes, fourth = outside.addresses[:4]
    port = await cluster_at(outside.servers, nodes)
    await deploy(ns, outside, "cluster", port)
    await ns.operator()
    await ns.start(gameday(via, cluster={}, port=port))
    await ns.under_cut()
    await join_cluster(outside.servers, port, fourth, nodes[0])
    await covers(ns, *nodes, fourth)
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "AddressesUnknown"), status["message"]
    assert fourth in status["message"]
    assert {one["state"] for one in expectations_of(status) if one["stage"] == "Outage"} == {"Unknown"}
    await ns.nothing_is_left()


@each_kind(CILIUM)
async def test_a_redis_is_cut_off_with_the_sentinels_that_lead_to_it_wherever_its_master_is(
    ns: TeamNamespace, outside: Outside, via: str
) -> None:
    *sentinels, master, replica = outside.addresses
    port, watching = await watched_at(outside.servers, sentinels, master, replica)
    await deploy(ns, outside, "sentinel", watching)
    await ns.operator()
    await ns.start(gameday(via, port=port, sentinel={"masterName": MASTER, "port": watching}))
    await ns.under_cut()
    await covers(ns, *outside.addresses)
    async with outside.servers.client(watching, None, sentinels[1]) as one:
        await one.execute_command("SENTINEL FAILOVER", MASTER)

        async def moved() -> bool:
            told = await one.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", MASTER)
            return bool(told[0] == replica)

        await until(moved, "the replica is the master", 20)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    await ns.nothing_is_left()


async def test_a_cluster_whose_nodes_have_other_ports_is_not_cut(ns: TeamNamespace, outside: Outside) -> None:
    first = outside.addresses[0]
    await cluster(outside.servers, host=first)
    await deploy(ns, outside, "cluster", outside.servers.ports[0])
    await ns.operator()
    await ns.start(gameday(cluster={}, port=outside.servers.ports[0]))
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "AddressesUnknown"), status["message"]
    assert f"{first}:" in status["message"]
    assert "is one of its servers, and that port is not cut" in status["message"]
    assert status.get("undo", []) == []
    await ns.nothing_is_left()
