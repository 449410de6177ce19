"""A managed Redis: outside the cluster, behind a name, with TLS of a private CA, a client certificate and a user.

It runs on this machine, at addresses of its own on the host's end of the node's link; so does the DNS that its clients
ask, whose answers a test changes in mid-drill.
"""

import asyncio
import contextlib
import random
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.dialling import until
from e2e.health_client import health_client
from e2e.namespaces import TeamNamespace
from e2e.policies import CILIUM, KUBERNETES, each_kind
from gameday.api.lines import events_of, expectations_of
from gameday.cluster.resources import Object
from unit.dns_server import DnsServer, dns_server
from unit.redis_server import PASSWORD
from unit.redis_tls import NAME, USER, Certificates, TlsRedis

pytestmark = pytest.mark.e2e

LINK = "gameday"
"""The host's end of the node's link (tests/cluster/bed)."""
CLIENT = """
import os, socket, ssl

context = ssl.create_default_context(cafile="/tls/ca.crt")
context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
words = f"AUTH {os.environ['USER_NAME']} {os.environ['PASSWORD']}\\r\\nPING\\r\\n".encode()

def ask():
    with socket.create_connection((os.environ["REDIS"], int(os.environ["PORT"])), 0.8) as bare:
        with context.wrap_socket(bare, server_hostname=os.environ["REDIS"]) as redis:
            redis.sendall(words)
            with redis.makefile("rb") as lines:
                assert [lines.readline(), lines.readline()] == [b"+OK\\r\\n", b"+PONG\\r\\n"]
"""
GAMEDAY = """
apiVersion: gameday.dev/v1alpha1
kind: GameDay
metadata: {name: managed}
spec:
  dependencies:
  - name: redis
    redis:
      host: NAME
      tls:
        caFrom: {configMapKeyRef: {name: redis-ca, key: ca.crt}}
        clientCertificateFrom: {secretRef: {name: redis-client}}
      auth:
        usernameFrom: {secretKeyRef: {name: redis, key: user}}
        passwordFrom: {secretKeyRef: {name: redis, key: password}}
  probes:
  - {name: health, interval: 1s, timeout: 3s, http: {url: "http://client/healthz"}}
  steadyState:
    duration: 10s
    expect: [{name: healthy, always: "health.body.redis == 'ok'", tolerates: 5s}]
  outage:
    duration: 25s
    faults:
    - name: partition
      networkPartition:
        podSelector: {matchLabels: {app: client}}
        to: [redis]
        mustRemainReachable: []
    expect:
    - {name: noticed, becomes: "health.body.redis != 'ok'", within: 15s, measures: timeToDetect}
    - {name: does not reach it, always: "health.body.redis != 'ok'", after: 10s}
  recovery:
    within: 30s
    expect: [{name: healthy again, eventually: "health.body.redis == 'ok'", for: 2s, measures: timeToRecover}]
"""


@dataclass
class Managed:
    """The Redis, its addresses, and the DNS that knows them; ``beside`` is another port at the first address."""

    redis: TlsRedis
    dns: DnsServer
    nameserver: str
    addresses: tuple[str, str]
    beside: int

    def answers(self, *addresses: str) -> None:
        """Have the name lead to these addresses from now on."""
        self.dns.table[NAME] = addresses

    @property
    def range(self) -> str:
        """The smallest range that holds both addresses and nothing of the cluster."""
        return f"{self.addresses[0]}/31"


@pytest.fixture
def addresses() -> Iterator[tuple[str, str, str]]:
    """One for the nameserver, and two for the Redis that are one range."""
    if subprocess.run(["ip", "link", "show", LINK], capture_output=True, check=False).returncode:
        pytest.skip(f"this machine has no link {LINK} to the node: the test needs the provider bed")
    start = 2 * random.randrange(16, 120)
    made = (f"10.99.0.{start - 2}", f"10.99.0.{start}", f"10.99.0.{start + 1}")
    with contextlib.ExitStack() as stack:
        for address in made:
            subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", LINK], check=True)
            stack.callback(subprocess.run, ["ip", "addr", "del", f"{address}/32", "dev", LINK], check=False)
        yield made


@pytest.fixture
async def managed(tmp_path: Path, addresses: tuple[str, str, str]) -> AsyncIterator[Managed]:
    nameserver, *own = addresses
    async with contextlib.AsyncExitStack() as stack:
        redis = TlsRedis(Certificates.made(tmp_path), addresses=tuple(own))
        await redis.start()
        stack.push_async_callback(redis.kill)
        beside = await asyncio.start_server(lambda _, writer: writer.close(), own[0], 0)
        await stack.enter_async_context(beside)
        dns = await stack.enter_async_context(dns_server(nameserver, 53))
        one = Managed(redis, dns, nameserver, (own[0], own[1]), beside.sockets[0].getsockname()[1])
        # An address of the other family that nobody has: it is one of the name all the same.
        one.answers(own[0], "2001:db8::7")
        yield one


async def deploy(ns: TeamNamespace, managed: Managed) -> None:
    """What the team has in its namespace."""
    files = managed.redis.certificates
    settings = {"REDIS": NAME, "PORT": str(managed.redis.port), "USER_NAME": USER, "PASSWORD": PASSWORD}
    sources: list[Object] = [{"configMap": {"name": "redis-ca"}}, {"secret": {"name": "redis-client"}}]
    service, client = health_client(
        CLIENT,
        settings,
        dnsPolicy="None",
        dnsConfig={"nameservers": [managed.nameserver]},
        volumes=[{"name": "tls", "projected": {"sources": sources}}],
        volumeMounts=[{"name": "tls", "mountPath": "/tls"}],
    )
    ns.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "redis-ca"},
            "data": {"ca.crt": text(files.of("ca"))},
        },
        secret("redis", user=USER, password=PASSWORD),
        secret("redis-client", **{"tls.crt": text(files.of("client")), "tls.key": text(files.key("client"))}),
    )
    await ns.deploy(service, client)


def text(file: str) -> str:
    return Path(file).read_text()


def secret(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def gameday(managed: Managed, *cidrs: str, via: str = "Auto") -> Object:
    """A drill that cuts the Redis off by its name; another port at its address must stay."""
    body: Object = yaml.safe_load(GAMEDAY.replace("NAME", NAME))
    redis: dict[str, Any] = body["spec"]["dependencies"][0]["redis"]
    redis |= {"port": managed.redis.port} | ({"cidrs": list(cidrs)} if cidrs else {})
    partition = body["spec"]["outage"]["faults"][0]["networkPartition"]
    partition |= {"via": via}
    partition["mustRemainReachable"] = [{"name": "beside", "host": managed.addresses[0], "port": managed.beside}]
    body["spec"]["probes"].append({"name": "redis", "redis": {"dependency": "redis"}})
    body["spec"]["steadyState"]["expect"].append(
        {"name": "answers", "always": "redis.ok && redis.role == 'master'", "tolerates": "5s"}
    )
    return body


def states(status: Object) -> dict[str, str]:
    return {one["name"]: one["state"] for one in expectations_of(status) if one["stage"] == "Outage"}


async def covers(ns: TeamNamespace, *addresses: str) -> None:
    """Wait until the policy cuts all of these off."""

    async def so() -> bool:
        policies = await ns.policies()
        return bool(policies) and all(f"{address}/" in str(policies[0]["spec"]) for address in addresses)

    await until(so, f"the policy names {addresses}", 20)


@each_kind(KUBERNETES)
async def test_a_managed_redis_is_cut_off_by_its_name(ns: TeamNamespace, managed: Managed, via: str) -> None:
    await deploy(ns, managed)
    await ns.operator()
    await ns.start(gameday(managed, via=via))
    await ns.under_cut()
    await covers(ns, managed.addresses[0], "2001:db8::7")
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    reasons = [line["reason"] for line in events_of(status)]
    assert "ConnectionsEnded" in reasons, "held connections show it: nobody ends any at a host"
    await ns.nothing_is_left()


@each_kind(CILIUM)
async def test_an_address_that_comes_in_mid_drill_is_cut_at_once_and_leaves_no_verdict(
    ns: TeamNamespace, managed: Managed, via: str
) -> None:
    await deploy(ns, managed)
    await ns.operator()
    await ns.start(gameday(managed, via=via))
    await ns.under_cut()
    managed.answers(managed.addresses[1])
    await covers(ns, *managed.addresses)
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "AddressesUnknown"), status["message"]
    assert managed.addresses[1] in status["message"]
    assert set(states(status).values()) == {"Unknown"}
    assert not {"Leak", "CollateralCut", "DependencyDown"} & {line["reason"] for line in events_of(status)}
    await ns.nothing_is_left()


async def test_an_address_that_comes_before_the_cut_keeps_the_drill_from_cutting(
    ns: TeamNamespace, managed: Managed
) -> None:
    await deploy(ns, managed)
    await ns.operator()
    await ns.start(gameday(managed))
    await ns.reaches(lambda s: "AgentsReady" in {line["reason"] for line in events_of(s)}, "agents measure")
    managed.answers(*managed.addresses)
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "AddressesUnknown"), status["message"]
    assert "nothing was touched: name the ranges of its addresses by cidrs" in status["message"]
    assert status.get("undo", []) == []
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_failover_within_the_ranges_that_are_named_changes_nothing(ns: TeamNamespace, managed: Managed) -> None:
    managed.answers(managed.addresses[0])
    await deploy(ns, managed)
    await ns.operator()
    await ns.start(gameday(managed, managed.range))
    await ns.under_cut()
    managed.answers(managed.addresses[1])
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    assert set(states(status).values()) == {"Met"}
    await ns.nothing_is_left()
