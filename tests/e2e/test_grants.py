"""A team that grants what its plans use and no more: those plans run, and others are refused with what they lack."""

import pytest

from e2e.namespaces import TeamNamespace, small
from granted import role

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


async def test_a_partition_needs_no_more_than_its_component(ns: TeamNamespace) -> None:
    """``make test-all`` fails as well where the API server refuses anything here."""
    ns.apply(role("actions/networkPartition", "samples"))
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    await ns.start(small())
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    await ns.nothing_is_left()


async def test_a_step_that_was_not_granted_is_refused_before_anything_is_touched(ns: TeamNamespace) -> None:
    ns.revokes("the team grants no scaling")
    ns.apply(role("actions/networkPartition"))
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    steps = [{"name": "stop", "scale": {"deployment": "api", "replicas": 0}}]
    await ns.start(small(rollback={"ifMissed": ["healthy again"], "within": "1m", "steps": steps}))
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "account gameday may not get, patch deployments/scale" in status["message"]
    assert status["undo"] == []
    await ns.nothing_is_left()
