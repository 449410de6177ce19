"""Dependencies that are no Redis: a PostgreSQL outside the cluster, HTTP and TLS inside it, each spoken to as it is."""

import asyncio
import random
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.health_client import IMAGE, health_client
from e2e.namespaces import TeamNamespace, small
from e2e.policies import KUBERNETES, each_kind
from e2e.test_destinations import SECURE, certificate
from gameday.api.lines import events_of
from gameday.cluster.resources import Object
from unit.postgres_server import Postgres, postgres
from unit.redis_tls import NAME, Certificates

pytestmark = pytest.mark.e2e

LINK = "gameday"
"""The host's end of the node's link (tests/cluster/bed)."""
NOISE = re.compile("FATAL|ERROR|could not|invalid|incomplete|reset", re.IGNORECASE)
"""What PostgreSQL logs of clients that do not speak as they should."""
CLIENT = """
import os, socket, ssl, struct

context = ssl.create_default_context(cafile="/tls/ca.crt")
settings = b"user\\0app\\0database\\0postgres\\0\\0"
start = struct.pack("!ii", 8 + len(settings), 196608) + settings

def ask():
    with socket.create_connection((os.environ["HOST"], int(os.environ["PORT"])), 0.8) as bare:
        bare.sendall(struct.pack("!ii", 8, 80877103))
        assert bare.recv(1) == b"S"
        with context.wrap_socket(bare, server_hostname=os.environ["NAME"]) as db:
            db.sendall(start)
            said = b""
            while not said.endswith(b"Z\\0\\0\\0\\5I"):
                more = db.recv(4096)
                assert more
                said += more
            db.sendall(b"X\\0\\0\\0\\4")
"""
LOSS = """
apiVersion: gameday.dev/v1alpha1
kind: GameDay
metadata: {name: database}
spec:
  dependencies: [{name: db, tcp: {protocol: postgres}}]
  probes:
  - {name: health, interval: 1s, timeout: 3s, http: {url: "http://client/"}}
  steadyState:
    duration: 5s
    expect: [{name: healthy, always: "health.body.db == 'ok'", tolerates: 5s}]
  outage:
    duration: 12s
    faults:
    - name: partition
      networkPartition: {podSelector: {matchLabels: {app: client}}, to: [db], openConnections: Keep}
    expect: [{name: noticed, becomes: "health.body.db != 'ok'", within: 10s}]
  recovery:
    within: 30s
    expect: [{name: healthy again, eventually: "health.body.db == 'ok'", for: 2s}]
"""


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
async def database(address: str) -> AsyncIterator[tuple[Postgres, Certificates]]:
    """With TLS, whose CA is a private one."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        # Its user is another one.
        folder.chmod(0o755)  # noqa: ASYNC240  a moment
        files = Certificates.made(folder)
        secure = {"certificate": files.of("server"), "key": files.key("server")}
        async with postgres(folder / "db", address, **secure) as server:
            yield server, files


def trusting(server: Postgres, files: Certificates) -> tuple[Object, ...]:
    """What the team has in its namespace: a client that logs in for each question."""
    service, client = health_client(
        CLIENT,
        {"HOST": server.host, "PORT": str(server.port), "NAME": NAME},
        "db",
        volumes=[{"name": "tls", "configMap": {"name": "db-ca"}}],
        volumeMounts=[{"name": "tls", "mountPath": "/tls"}],
    )
    metadata = {"name": "db-ca"}
    data = {"ca.crt": Path(files.of("ca")).read_text()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}, service, client


@each_kind(KUBERNETES)
async def test_a_postgresql_is_cut_off_and_has_nothing_to_complain_of(
    ns: TeamNamespace, database: tuple[Postgres, Certificates], via: str
) -> None:
    server, files = database
    await ns.deploy(*trusting(server, files))
    await ns.operator()
    gameday: Object = yaml.safe_load(LOSS)
    gameday["spec"]["dependencies"][0]["tcp"] |= {"cidrs": [f"{server.host}/32"], "ports": [server.port]}
    gameday["spec"]["outage"]["faults"][0]["networkPartition"]["via"] = via
    await ns.start(gameday)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    assert "CutProven" in {line["reason"] for line in events_of(status)}
    assert NOISE.search(server.log()) is None, server.log()
    await ns.nothing_is_left()


def cutting(dependency: Object, **partition: Any) -> Object:
    """A short drill that cuts the api off from something that it does not need."""
    gameday = small(outage__expect=[])
    gameday["spec"]["dependencies"].append({"name": "it", "tcp": dependency})
    gameday["spec"]["outage"]["faults"][0]["networkPartition"] |= {"to": ["it"], **partition}
    return gameday


@pytest.mark.parametrize("open_connections", ["Close", pytest.param("Keep", marks=pytest.mark.slow)])
async def test_an_http_service_is_cut_off(ns: TeamNamespace, open_connections: str) -> None:
    await ns.shop(parts=("api", "redis", "alerts"), replicas=1)
    await ns.operator()
    await ns.start(cutting({"service": {"name": "alerts"}, "protocol": "http"}, openConnections=open_connections))
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    reasons = {line["reason"] for line in events_of(status)}
    assert "CutProven" in reasons
    assert ("ConnectionsEnded" in reasons) == (open_connections == "Close"), (
        "a held request shows that Cilium ends them"
    )
    await ns.nothing_is_left()


async def test_a_service_with_tls_of_a_private_ca_is_cut_off(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    data = await asyncio.to_thread(certificate, ns.folder)
    service, deployment = yaml.safe_load_all(yaml.safe_dump_all(SECURE))
    deployment["spec"]["template"]["spec"]["containers"][0] |= IMAGE
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "secure"}, "stringData": data}
    await ns.deploy(secret, service, deployment)
    await ns.operator()
    await ns.start(cutting({"service": {"name": "secure"}, "protocol": "tls"}, openConnections="Keep"))
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    assert "CutProven" in {line["reason"] for line in events_of(status)}
    await ns.nothing_is_left()


async def test_a_protocol_that_is_not_spoken_keeps_the_drill_from_cutting(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis", "alerts"), replicas=1)
    await ns.operator()
    await ns.start(cutting({"service": {"name": "alerts"}, "protocol": "postgres"}, openConnections="Keep"))
    status = await ns.finishes()
    assert status["verdict"] == "Inconclusive", status["message"]
    assert status.get("undo", []) == []
    assert "protocol" in status["message"], status["message"]
    await ns.nothing_is_left()
