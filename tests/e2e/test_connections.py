"""Open connections: a drill decides only where they were seen to end, by the network itself or at the dependency."""

import pytest

from e2e.stage import Stage, small
from gameday.api.lines import events_of
from gameday.cluster.kinds import PODS
from gameday.model.labels import AGENT
from gameday.model.names import COUNTER

pytestmark = pytest.mark.e2e


async def test_a_network_that_ends_open_connections_decides_without_credentials(town: Stage) -> None:
    """Cilium drops what an open connection sends, so the one that the witness holds ends by a timeout."""
    await town.shop(parts=("api", "redis"), replicas=1)
    gameday = small(outage__duration="15s", dependencies=[{"name": "redis", "tcp": {"service": {"name": "redis"}}}])
    gameday["spec"]["probes"] = gameday["spec"]["probes"][:1]
    await town.operator()
    await town.start(gameday)
    status = await town.finishes()
    assert status["verdict"] == "Passed", status["message"]
    reasons = {line["reason"] for line in events_of(status)}
    assert "ConnectionsEnded" in reasons
    assert "Severed" not in reasons
    await town.nothing_is_left()


async def test_a_plan_without_a_redis_probe_closes_connections_with_the_dependencys_credentials(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    gameday = small(outage__duration="15s")
    gameday["spec"]["probes"] = gameday["spec"]["probes"][:1]
    await town.operator()
    await town.start(gameday)
    await town.under_cut()
    pods, _ = await town.admin.list(PODS, town.namespace, AGENT)
    agents = {pod["metadata"]["labels"][AGENT] for pod in pods}
    assert COUNTER in agents
    assert "client" not in agents
    status = await town.finishes()
    assert status["verdict"] == "Passed", status["message"]
    told = [line["message"] for line in events_of(status)]
    assert not [text for text in told if "cannot be counted at the dependency" in text], told
    # Whichever shows it first: the pod that ends connections is made in any case.
    assert {"Severed", "ConnectionsEnded"} & {line["reason"] for line in events_of(status)}
    await town.nothing_is_left()
