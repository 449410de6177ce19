"""Cuts in both IP families: of Services of both and of IPv6 alone, and of addresses outside the cluster.

Packets say what is cut and what is not, by both backends; then whole drills, whose targets have connections open from
their addresses of both families.
"""

import asyncio
import contextlib
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.dialling import NetworkNamespace, network_namespace, now, until_seen
from e2e.health_client import health_client
from e2e.namespaces import TeamNamespace, kubectl, small
from e2e.policies import CILIUM, KUBERNETES, each_kind
from e2e.test_backends import API, BACKENDS, CUT, DRILL, REDIS, light
from gameday.actions.kind import PreflightContext
from gameday.actions.network_partition import policy
from gameday.actions.network_partition.action import NetworkPartition, OpenConnections
from gameday.actions.network_partition.partition import Partition
from gameday.actions.preflight import check
from gameday.api.lines import events_of
from gameday.cluster.resources import Object
from gameday.fuses import job as fuse
from gameday.fuses.owner import FuseOwner
from gameday.model.names import cut_fuse
from gameday.model.plan import (
    CidrTarget,
    Dependency,
    Fault,
    HostTarget,
    Outage,
    Plan,
    Recovery,
    Selector,
    ServiceRef,
    SteadyState,
    Target,
    Via,
)
from gameday.preflight.snapshot import take_snapshot

pytestmark = pytest.mark.e2e

LINK = "gameday"
"""The host's end of the node's link (tests/cluster/bed)."""
BOTH = ("IPv4", "IPv6")
REDIS_SERVER = ["redis-server", "--bind", "0.0.0.0", "::", "--protected-mode", "no", "--save", ""]
LISTEN = """
import http.server, socket
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
Server(("::", 8080), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
HTTP = ["python3", "-uc", LISTEN]


@pytest.fixture(autouse=True)
def both_families() -> None:
    """Skip where pods have addresses of one family."""
    ranges = kubectl("get", "nodes", "-o", "jsonpath={.items[0].spec.podCIDRs[*]}").stdout.split()
    if len(ranges) < len(BOTH):
        pytest.skip(f"pods of this cluster have addresses of one family: {ranges}")


@pytest.fixture
async def network() -> AsyncIterator[NetworkNamespace]:
    async with network_namespace() as one:
        await one.opt_in()
        yield one


@pytest.fixture
def outside() -> Iterator[tuple[str, ...]]:
    """Two addresses of each family on the host's end of the node's link, IPv4 first."""
    if subprocess.run(["ip", "link", "show", LINK], capture_output=True, check=False).returncode:
        pytest.skip(f"this machine has no link {LINK} to the node: the test needs the provider bed")
    number = 2 * random.randrange(64, 100)
    made = [f"10.99.0.{one}" for one in (number, number + 1)]
    made += [f"fd00:99::{one:x}" for one in (number, number + 1)]
    with contextlib.ExitStack() as stack:
        for address in made:
            length, nodad = (128, ["nodad"]) if ":" in address else (32, [])
            subprocess.run(["ip", "addr", "add", f"{address}/{length}", "dev", LINK, *nodad], check=True)
            stack.callback(subprocess.run, ["ip", "addr", "del", f"{address}/{length}", "dev", LINK], check=False)
        yield tuple(made)


def plan(to: Target, via: Via) -> Plan:
    partition = NetworkPartition(Selector(API), Dependency("redis", to), OpenConnections.KEEP, via)
    return Plan("it", (), SteadyState(1), Outage(10, (Fault("partition", partition),)), Recovery(10))


async def dialled(ns: NetworkNamespace, where: Mapping[str, tuple[str, int]]) -> None:
    """Run a target and a control that dial all of this, and see that they reach it."""
    target = await ns.dial("api", API, where)
    control = await ns.dial("control", API | {"gameday.dev/role": "control"}, where)
    for seen in (target, control):
        await until_seen(lambda seen=seen: seen.reaches(*where, since=0), "everything is reached at first")  # type: ignore[misc]


async def cuts(ns: NetworkNamespace, wanted: Plan, gone: Mapping[str, tuple[str, int]], dials: set[str]) -> None:
    """Cut the target off as a drill does, see that exactly these of its dials fail, and revert it again.

    ``dials`` are the addresses that witnesses dial to prove it.
    """
    target, control = ns.dialers["api"], ns.dialers["control"]
    began = now()
    uid = await ns.drill(DRILL)
    snapshot = await take_snapshot(ns.account, ns.admin, ns.namespace, wanted, Partition.reads)
    assert [one.code for one in check(snapshot, wanted) if one.code != "CutsApiServer"] == []
    partition = wanted.outage.faults[0].action
    assert isinstance(partition, NetworkPartition)
    cut = Partition().prepare(partition, PreflightContext(snapshot, wanted, "partition", "networkPartition"))
    assert {one.host for one in cut.dials} == dials
    armed = await light(ns, uid, 60)
    body = policy.build(DRILL, CUT, partition, cut, cut_fuse(DRILL), armed.uid or "")
    await policy.apply(ns.account, ns.namespace, cut.backend, body)
    await until_seen(lambda: target.fails(*gone, since=began), "the target is cut off in each family")
    cut_at = now()
    others = target.dials.keys() - set(gone)
    await until_seen(lambda: target.fails(*gone, since=cut_at + 1), "the target stays cut off")
    await until_seen(lambda: control.reaches(*control.dials, since=cut_at + 1), "the control reaches everything")
    await until_seen(lambda: target.reaches(*others, since=cut_at + 1), "the target reaches all else")
    assert control.cut_off(began) == set()
    assert target.cut_off(began, but=tuple(gone)) == set()
    await policy.revert(ns.account, ns.namespace, DRILL, CUT)
    reverted = now()
    await until_seen(lambda: target.reaches(*gone, since=reverted), "the target is back in each family")
    await fuse.delete(ns.account, ns.namespace, cut_fuse(DRILL), FuseOwner(uid))


@pytest.mark.parametrize("via", BACKENDS, ids=lambda via: via.value)
@pytest.mark.parametrize(
    "families",
    [BOTH, *(pytest.param(few, marks=pytest.mark.slow) for few in [("IPv6",), ("IPv6", "IPv4")])],
    ids=",".join,
)
async def test_a_cut_of_a_service_takes_it_in_each_family_and_nothing_else(
    network: NetworkNamespace, via: Via, families: tuple[str, ...]
) -> None:
    ns = network
    await ns.run("redis", REDIS, REDIS_SERVER, HTTP)
    await ns.run("almost-redis", {"app": "redis", "part": "cache"}, REDIS_SERVER)
    await ns.run("web", {"app": "web"}, HTTP)
    listed: list[Object] = [{"name": "redis", "port": 7000, "targetPort": 6379}]
    services = await ns.serve_in("redis", REDIS, listed, *families)
    assert [":" in one for one in services] == [family == "IPv6" for family in families]
    gone = {f"redis by service {one}": (one, 7000) for one in services}
    gone |= {f"redis by address {one}": (one, 6379) for one in await ns.addresses("redis")}
    kept = {f"another port of redis at {one}": (one, 8080) for one in await ns.addresses("redis")}
    kept |= {f"redis, which is not it, at {one}": (one, 6379) for one in await ns.addresses("almost-redis")}
    kept |= {f"web at {one}": (one, 8080) for one in await ns.addresses("web")}
    web = await ns.serve_in("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}], *BOTH)
    kept |= {f"web by service {one}": (one, 80) for one in web} | {"web by name": (f"web.{ns.namespace}.svc", 80)}
    assert len(await ns.addresses("redis")) == len(BOTH)
    await dialled(ns, gone | kept)
    await cuts(ns, plan(ServiceRef("redis"), via), gone, set(services))


@pytest.mark.parametrize("via", BACKENDS, ids=lambda via: via.value)
@pytest.mark.parametrize("shape", [pytest.param("host", marks=pytest.mark.slow), "ranges"])
async def test_a_cut_of_addresses_outside_the_cluster_takes_these_and_nothing_else(
    network: NetworkNamespace, outside: tuple[str, ...], via: Via, shape: str
) -> None:
    ns = network
    four, _, six, _ = outside
    await ns.run("web", {"app": "web"}, HTTP)
    async with contextlib.AsyncExitStack() as stack:

        async def listens(host: str) -> int:
            server = await asyncio.start_server(lambda _, writer: writer.close(), host, 0)
            await stack.enter_async_context(server)
            return int(server.sockets[0].getsockname()[1])

        ports = {address: await listens(address) for address in outside}
        beside = {address: await listens(address) for address in outside}
        cut = (six,) if shape == "host" else (four, six)
        gone = {f"what is cut at {one}": (one, ports[one]) for one in cut}
        numbers = tuple(ports[one] for one in cut)
        kept = {f"another port at {one}": (one, beside[one]) for one in cut}
        kept |= {f"another address {one}": (one, ports[one]) for one in outside if one not in cut}
        kept |= {f"web at {one}": (one, 8080) for one in await ns.addresses("web")}
        to: Target = HostTarget(six, numbers)
        if shape == "ranges":
            to = CidrTarget((f"{four}/32", f"{six}/128"), numbers)
        await dialled(ns, gone | kept)
        await cuts(ns, plan(to, via), gone, set(cut))


HOLD = """
import os, socket, threading, time

def held(host):
    while True:
        try:
            with socket.create_connection((host, 6379), 2) as redis:
                while True:
                    redis.sendall(f"AUTH {os.environ['PASSWORD']}\\r\\nPING\\r\\n".encode())
                    redis.recv(64)
                    state[host] = time.time()
                    time.sleep(0.2)
        except OSError:
            time.sleep(0.2)

def answer():
    return {name: time.time() - at < 2 for name, at in zip(("four", "six"), state.values())}

state = dict.fromkeys(os.environ["HOSTS"].split(), 0.0)
for host in state:
    threading.Thread(target=held, args=(host,), daemon=True).start()
"""
PASSWORD: Object = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "redis"},
    "stringData": {"password": "for-tests"},
}
SERVER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: redis}
spec:
  selector: {matchLabels: {app: redis}}
  template:
    metadata: {labels: {app: redis}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: redis
        image: localhost/gameday-shop:dev
        imagePullPolicy: IfNotPresent
        command: [redis-server, --bind, 0.0.0.0, "::", --save, "", --requirepass, for-tests]
        readinessProbe: {tcpSocket: {port: 6379}, periodSeconds: 1}
"""
EXPECT = ("health.body.four", "health.body.six")


async def client_of(ns: TeamNamespace, hosts: tuple[str, str]) -> None:
    """Deploy a client with a connection open to each of these."""
    password: Object = {"secretKeyRef": {"name": "redis", "key": "password"}}
    await ns.deploy(*health_client(HOLD, {"HOSTS": " ".join(hosts), "PASSWORD": password}, of=""))


def gameday(dependency: Object, via: str) -> Object:
    """A drill of that client: it loses the dependency in both families, and gets it back in both."""
    body = small(
        dependencies=[{"name": "redis"} | dependency],
        probes=[{"name": "health", "interval": "1s", "http": {"url": "http://client/healthz"}}],
        outage__duration="20s",
        outage__expect=[
            {"name": f"lost {path[-4:].strip('.')}", "becomes": f"!{path}", "within": "15s"} for path in EXPECT
        ],
    )
    spec: dict[str, Any] = body["spec"]
    spec["steadyState"]["expect"] = [{"name": "reached", "always": " && ".join(EXPECT), "tolerates": "5s"}]
    spec["recovery"]["expect"] = [{"name": "back", "eventually": " && ".join(EXPECT), "for": "2s"}]
    spec["recovery"]["within"] = "30s"
    partition = spec["outage"]["faults"][0]["networkPartition"]
    partition |= {"podSelector": {"matchLabels": {"app": "client"}}, "via": via, "to": ["redis"]}
    partition["mustRemainReachable"] = [{"name": "web", "service": {"name": "client", "port": 80}}]
    return body


@each_kind(CILIUM)
@pytest.mark.parametrize(
    "families",
    [BOTH, *(pytest.param(few, marks=pytest.mark.slow) for few in [("IPv6",), ("IPv6", "IPv4")])],
    ids=",".join,
)
async def test_a_drill_counts_and_ends_the_connections_from_both_addresses_of_a_target(
    ns: TeamNamespace, via: str, families: tuple[str, ...]
) -> None:
    spec: Object = {"selector": {"app": "redis"}, "ports": [{"port": 6379}], "ipFamilies": list(families)}
    spec["ipFamilyPolicy"] = "RequireDualStack" if len(families) > 1 else "SingleStack"
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "redis"}, "spec": spec}
    await ns.deploy(PASSWORD, service, *yaml.safe_load_all(SERVER))
    wanted = ("-l", "app=redis", "-o", "jsonpath={.items[0].status.podIPs[*].ip}")
    pods = kubectl("-n", ns.namespace, "get", "pods", *wanted).stdout.split()
    # By its own addresses: the client has a connection from each family, whatever the Service has.
    await client_of(ns, (pods[0], pods[1]))
    await ns.operator()
    body = gameday({"redis": small()["spec"]["dependencies"][0]["redis"]}, via)
    await ns.start(body)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    told = {line["reason"]: line["message"] for line in events_of(status)}
    assert {"ConnectionsClosed", "ConnectionsEnded"} & told.keys(), told
    await ns.nothing_is_left()


@each_kind(KUBERNETES)
async def test_a_drill_cuts_off_a_redis_at_an_ipv6_address_outside_the_cluster(
    ns: TeamNamespace, outside: tuple[str, ...], via: str, tmp_path: Path
) -> None:
    four, _, six, _ = outside
    # Debian's redis-tools holds the same program, without a service that starts by itself.
    program = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    assert program, "no redis-server: apt-get install redis-tools"
    options = ("--port", "6379", "--bind", four, six, "--save", "", "--requirepass", "for-tests")
    redis = await asyncio.create_subprocess_exec(
        "redis-server", *options, executable=program, cwd=tmp_path, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        ns.apply(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "redis"}, "stringData": {"password": "no"}}
        )
        await client_of(ns, (four, six))
        await ns.operator()
        body = gameday({"redis": {"host": six, "cidrs": [f"{six}/128", f"{four}/32"]}}, via)
        await ns.start(body)
        status = await ns.finishes()
        assert status["verdict"] == "Passed", status["message"]
        assert "CutProven" in {line["reason"] for line in events_of(status)}
        await ns.nothing_is_left()
    finally:
        redis.kill()
        await redis.wait()
