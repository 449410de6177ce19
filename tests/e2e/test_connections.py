"""Open connections: a drill decides only where they were seen to end, here by the network itself."""

import pytest

from e2e.stage import Stage, small

pytestmark = pytest.mark.e2e


async def test_a_network_that_ends_open_connections_decides_without_a_redis_probe(town: Stage) -> None:
    """Cilium drops what an open connection sends, so the one that the witness holds ends by a timeout."""
    await town.shop(parts=("api", "redis"), replicas=1)
    gameday = small(outage__duration="15s")
    gameday["spec"]["probes"] = gameday["spec"]["probes"][:1]
    await town.operator()
    await town.start(gameday)
    status = await town.finishes()
    assert status["verdict"] == "Passed", status["message"]
    reasons = {line["reason"] for line in status["timeline"]}
    assert "ConnectionsEnded" in reasons
    assert "Severed" not in reasons
    await town.nothing_is_left()
