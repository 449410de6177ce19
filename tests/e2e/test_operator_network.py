"""The operator opens no connection but to the API server: by what it does, and by the policy that holds it to that."""

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from e2e.dialling import ROOT, NetworkNamespace, kubeconfig, network_namespace, now, until_seen
from e2e.namespaces import TeamNamespace, kubectl, small
from e2e.sockets import End, Seen, hooked, watching
from gameday.api.lines import events_of
from gameday.cluster.resources import CILIUM_NETWORK_POLICIES, ENDPOINT_SLICES, SERVICES
from gameday.errors import NotFound

pytestmark = pytest.mark.e2e

OPERATOR = {"app.kubernetes.io/name": "gameday-operator"}
STRAY = """
import socket, subprocess, sys
port = int(sys.argv[1])
held = [socket.create_connection(("127.0.0.1", port)), socket.create_server(("127.0.0.1", 0))]
held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
held[-1].sendto(b"?", ("127.0.0.1", port))
try:
    socket.getaddrinfo("name.invalid", port)
except OSError:
    pass
subprocess.run(["true"])
print("done", flush=True)
sys.stdin.read()
"""


def api_server() -> End:
    """Where the kubeconfig says it is, which is by address."""
    url = urlsplit(yaml.safe_load(kubeconfig().read_text())["clusters"][0]["cluster"]["server"])
    assert url.hostname is not None
    return End("tcp", url.hostname, url.port or 443)


async def test_through_a_whole_drill_the_operator_has_no_peer_but_the_api_server(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    seen = Seen()
    operator = await ns.operator(environment=hooked(ns.folder, seen))
    with watching(operator.process.pid, seen):
        await ns.start(small())
        status = await ns.finishes()
        await ns.nothing_is_left()
        await operator.end()
    reasons = {line["reason"] for line in events_of(status)}
    assert reasons >= {"AgentsReady", "FuseArmed", "CutProven", "ConnectionsClosed", "Undone", "Finished"}, (
        "a whole drill"
    )
    assert seen.looks > 200
    assert seen.peers == {api_server()}
    assert {end.port for end in seen.listens} == {operator.port}
    assert {end.protocol for end in seen.unconnected} <= {"tcp"}, "nothing that could send to anybody"
    calls = seen.calls
    peers = {(str(address[0]), address[1]) for (address,) in calls.pop("socket.connect") if isinstance(address, list)}
    assert peers == {(api_server().address, api_server().port)}
    bound = {tuple(address[:2]) for (address,) in calls.pop("socket.bind") if isinstance(address, list)}
    bound.discard(("::1", 0))  # urllib3 tries at its import whether there is IPv6
    assert {port for _, port in bound} == {operator.port}
    names = {host for host, *_ in calls.pop("socket.getaddrinfo", ())}
    assert names <= {None, "", "0.0.0.0", "::", api_server().address}, "an address is no question to a name server"
    assert calls == {}, "nothing is sent without a connection, no name is looked up, no program is started"


def test_what_is_watched_for_would_be_seen(tmp_path: Path) -> None:
    """A process that does all of it, since a watch that sees nothing would let the operator pass."""
    seen = Seen()
    environment = os.environ | hooked(tmp_path, seen)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        command = [sys.executable, "-c", STRAY, str(port)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, env=environment, text=True, **pipes) as process:  # type: ignore[call-overload]  # mypy reads no keywords from a dict
            with watching(process.pid, seen):
                assert process.stdout.readline() == "done\n"
                while seen.looks < 5:
                    assert process.poll() is None
            process.stdin.close()
    assert seen.peers == {End("tcp", "127.0.0.1", port)}
    assert {(end.protocol, end.address) for end in seen.listens} == {("tcp", "127.0.0.1")}
    assert {end.protocol for end in seen.unconnected} == {"udp"}
    calls = seen.calls
    assert [["127.0.0.1", port]] in calls["socket.connect"]
    assert [["127.0.0.1", port]] in calls["socket.sendto"]
    assert "name.invalid" in {host for host, *_ in calls["socket.getaddrinfo"]}
    assert len(calls["subprocess.Popen"]) == 1


@pytest.fixture
async def network() -> AsyncIterator[NetworkNamespace]:
    async with network_namespace() as one:
        yield one


async def component(network: NetworkNamespace) -> str:
    """The component of ``manifests/components/cni`` for the network of this cluster."""
    try:
        await network.admin.list(CILIUM_NETWORK_POLICIES, network.namespace)
    except NotFound:
        return "networkpolicy"
    return "cilium"


@pytest.mark.slow
async def test_its_policy_leaves_it_the_api_server_and_others_its_metrics(
    network: NetworkNamespace, tmp_path: Path
) -> None:
    serve = "from http.server import *; HTTPServer(('', {}), SimpleHTTPRequestHandler).serve_forever()"
    metrics, other = (["python3", "-uc", serve.format(port)] for port in (8080, 8081))
    itself = await network.run("operator", OPERATOR, metrics, other)
    somebody = await network.run("somebody", {"app": "somebody"}, metrics)
    api, dns = [
        (await network.admin.get(SERVICES, namespace, name) or {})["spec"]["clusterIP"]
        for namespace, name in (("default", "kubernetes"), ("kube-system", "kube-dns"))
    ]
    where = {"API server": (api, 443), "somebody": (somebody, 8080), "DNS": (dns, 53)}
    dials = await network.dial("operator-dials", OPERATOR, where)
    scrapes = await network.dial(
        "scraper", {"app": "scraper"}, {"metrics": (itself, 8080), "another port": (itself, 8081)}
    )
    await until_seen(lambda: dials.reaches(*where, since=0), "at first the operator reaches all")
    await until_seen(lambda: scrapes.reaches("metrics", "another port", since=0), "at first all of it is reached")
    slices, _ = await network.admin.list(ENDPOINT_SLICES, "default", "kubernetes.io/service-name=kubernetes")
    addresses = [api, *(address for one in slices for end in one["endpoints"] for address in end["addresses"])]
    path = ROOT / "manifests" / "components" / "cni" / await component(network) / "policy.yaml"
    (policy,) = yaml.safe_load_all(path.read_text())
    policy["metadata"]["namespace"] = network.namespace
    if policy["kind"] == "NetworkPolicy":
        policy["spec"]["egress"][0]["to"] = [{"ipBlock": {"cidr": f"{address}/32"}} for address in addresses]
    applied = now()
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump(policy))
    await until_seen(lambda: dials.fails("somebody", "DNS", since=applied), "the operator reaches nobody else")
    await until_seen(lambda: scrapes.fails("another port", since=applied), "no other port of it is reached")
    closed = now()
    await until_seen(lambda: dials.reaches("API server", since=closed), "the operator reaches the API server")
    await until_seen(lambda: scrapes.reaches("metrics", since=closed), "its metrics are reached")
    assert dials.cut_off(applied, but=("somebody", "DNS")) == set()
    assert scrapes.cut_off(applied, but=("another port",)) == set()
