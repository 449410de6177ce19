"""Open connections: a drill decides only where they were seen to end, by the network itself or at the dependency."""

import pytest

from deploy import manifests as shop_manifests
from e2e.namespaces import TeamNamespace, small
from gameday.api.lines import events_of
from gameday.cluster.resources import PODS
from gameday.model.labels import AGENT
from gameday.model.names import COUNTER

pytestmark = pytest.mark.e2e

RELAY = """
import asyncio

async def pipe(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()

async def serve(*client):
    server = await asyncio.open_connection("127.0.0.1", 6379)
    await asyncio.gather(pipe(client[0], server[1]), pipe(server[0], client[1]), return_exceptions=True)

async def main():
    async with await asyncio.start_server(serve, "0.0.0.0", 4143) as listening:
        await listening.serve_forever()

asyncio.run(main())
"""
"""A proxy in Redis' pod, at the port of Linkerd's."""


@pytest.mark.slow
async def test_a_network_that_ends_open_connections_decides_without_credentials(ns: TeamNamespace) -> None:
    """Cilium drops what an open connection sends, so the one that the witness holds ends by a timeout."""
    await ns.shop(parts=("api", "redis"), replicas=1)
    gameday = small(outage__duration="15s", dependencies=[{"name": "redis", "tcp": {"service": {"name": "redis"}}}])
    gameday["spec"]["probes"] = gameday["spec"]["probes"][:1]
    await ns.operator()
    await ns.start(gameday)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    reasons = {line["reason"] for line in events_of(status)}
    assert "ConnectionsEnded" in reasons
    assert "ConnectionsClosed" not in reasons
    await ns.nothing_is_left()


async def test_a_plan_without_a_redis_probe_closes_connections_with_the_dependencys_credentials(
    ns: TeamNamespace,
) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    gameday = small(outage__duration="15s")
    gameday["spec"]["probes"] = gameday["spec"]["probes"][:1]
    await ns.operator()
    await ns.start(gameday)
    await ns.under_cut()
    pods, _ = await ns.admin.list(PODS, ns.namespace, AGENT)
    agents = {pod["metadata"]["labels"][AGENT] for pod in pods}
    assert COUNTER in agents
    assert "client" not in agents
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    told = [line["message"] for line in events_of(status)]
    assert not [text for text in told if "cannot be counted or not be closed" in text], told
    # Its pods have addresses of both families, and use one.
    assert "ProofWarning" not in {line["reason"] for line in events_of(status)}, told
    # Whichever shows it first: the pod that ends connections is made in any case.
    assert {"ConnectionsClosed", "ConnectionsEnded"} & {line["reason"] for line in events_of(status)}
    await ns.nothing_is_left()


async def behind_a_relay(ns: TeamNamespace) -> None:
    """The shop, whose api reaches Redis by a proxy in its pod."""
    wanted = []
    for body in shop_manifests({"REDIS_HOST": "redis-mesh", "REDIS_TCP_PORT": "4143"}):
        kind, name = body["kind"], body["metadata"]["name"]
        if kind == "Deployment":
            if name not in {"api", "redis"}:
                continue
            body["spec"]["replicas"] = 1
        if (kind, name) == ("Deployment", "redis"):
            (redis,) = body["spec"]["template"]["spec"]["containers"]
            relay = {key: redis[key] for key in ("image", "imagePullPolicy", "resources", "securityContext")}
            relay |= {"name": "relay", "command": ["python3", "-c", RELAY]}
            body["spec"]["template"]["spec"]["containers"].append(relay)
        if (kind, name) == ("NetworkPolicy", "redis"):
            body["spec"]["ingress"][0]["ports"].append({"port": 4143})
        wanted.append(body)
    spec = {"selector": {"app": "redis"}, "ports": [{"port": 4143}]}
    await ns.deploy(*wanted, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "redis-mesh"}, "spec": spec})


async def test_targets_that_come_by_a_proxy_at_another_port_are_not_judged(ns: TeamNamespace) -> None:
    """As in a mesh that cannot be seen: the cut is proven, and the system rightly says nothing of it."""
    await behind_a_relay(ns)
    await ns.operator()
    await ns.start(small(outage__duration="15s"))
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "ConnectionsKept"), status["message"]
    assert "the dependency shows the drill's own connections and none of the targets" in status["message"]
    warned = [line["message"] for line in events_of(status) if line["reason"] == "ProofWarning"]
    assert [text for text in warned if "name the Service that they use" in text], warned
    assert "CutProven" in {line["reason"] for line in events_of(status)}
    await ns.nothing_is_left()
