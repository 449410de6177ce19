"""Open connections: a drill decides only where they were seen to end, by the network itself or at the dependency."""

import pytest

from e2e.namespaces import TeamNamespace, small
from gameday.api.lines import events_of
from gameday.cluster.resources import PODS
from gameday.model.labels import AGENT
from gameday.model.names import COUNTER

pytestmark = pytest.mark.e2e


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
    assert not [text for text in told if "cannot be counted at the dependency" in text], told
    # Whichever shows it first: the pod that ends connections is made in any case.
    assert {"ConnectionsClosed", "ConnectionsEnded"} & {line["reason"] for line in events_of(status)}
    await ns.nothing_is_left()
