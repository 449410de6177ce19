"""The administrator's limits on a real cluster: shown on the plan, refused by name, kept by the count of drills."""

import pytest

from e2e.dialling import until
from e2e.stage import Stage, condition, kubectl, ready, small, stage
from gameday.cluster.kinds import GAMEDAYS

pytestmark = pytest.mark.e2e


def limit(town: Stage, document: str) -> None:
    """What the administrator applies."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "gameday-limits"}}
    town.apply(body | {"data": {"limits.yaml": document}})


async def becomes_ready(town: Stage, status: str, reason: str, says: str = "") -> str:
    """Wait for the GameDay's Ready condition to be so, and to say so; its message."""

    async def told() -> str:
        gameday = await town.admin.get(GAMEDAYS, town.namespace, "small")
        found = condition((gameday or {}).get("status", {}), "Ready")
        so = (found.get("status"), found.get("reason")) == (status, reason) and says in found["message"]
        return str(found["message"]) if so else ""

    return await until(told, f"the GameDay is Ready={status} {reason} {says}", 2)


async def test_what_exceeds_the_limits_is_refused_by_name_and_nothing_is_touched(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    await town.operator()
    town.apply(small())
    assert (await ready(town, "small"))["status"] == "True"
    limit(town, "{maxOutage: 5s, maxWorkloadPercent: 50}")
    message = await becomes_ready(town, "False", "LimitExceeded")
    assert message.startswith("limits.maxOutage is 5s, but spec.outage.duration is 8s: ")
    await town.start(small())
    status = await town.finishes(patience=60)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "limits.maxOutage is 5s, but spec.outage.duration is 8s" in status["message"]
    assert "limits.maxWorkloadPercent is 50" in status["message"]
    assert "1 of 1 ready pods of Deployment api (100%)" in status["message"]
    assert status["undo"] == []
    limit(town, "{longestOutage: 5s}")
    await becomes_ready(town, "False", "LimitsInvalid", "limits: longestOutage is called maxOutage now: rename it")
    limit(town, "{maxoutage: 5s}")
    await becomes_ready(town, "False", "LimitsInvalid", "limits.maxoutage")
    kubectl("-n", town.namespace, "delete", "configmap", "gameday-limits")
    await becomes_ready(town, "True", "PlanValid")
    await town.nothing_is_left()


@pytest.mark.slow
async def test_the_second_drill_of_the_cluster_waits_for_the_first(town: Stage) -> None:
    async with stage("limits-other") as other:
        other.opt_in()
        for one in (town, other):
            await one.shop(parts=("api", "redis"), replicas=1)
        limit(town, "maxConcurrentDrills: 1")
        await town.operator(also=[other.namespace])
        await town.start(small())
        await town.in_phase("SteadyState")
        await other.start(small())
        status = await other.reaches(
            lambda s: condition(s, "Complete").get("reason") == "TooManyDrills", "the second one waits", 30
        )
        assert f"{town.namespace}/first" in condition(status, "Complete")["message"]
        assert (await town.finishes())["verdict"] == "Passed"
        assert (await other.finishes())["verdict"] == "Passed"
        await town.nothing_is_left()
        await other.nothing_is_left()
