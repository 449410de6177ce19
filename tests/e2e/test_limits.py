"""The administrator's limits on a real cluster: shown on the plan, refused by name, kept by the count of drills."""

import pytest

from e2e.dialling import until
from e2e.namespaces import TeamNamespace, condition, kubectl, ready, small, team_namespace
from gameday.cluster.resources import GAMEDAYS

pytestmark = pytest.mark.e2e


def limit(ns: TeamNamespace, document: str) -> None:
    """What the administrator applies."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "gameday-limits"}}
    ns.apply(body | {"data": {"limits.yaml": document}})


async def becomes_ready(ns: TeamNamespace, status: str, reason: str, says: str = "") -> str:
    """Wait for the GameDay's Ready condition to be so, and to say so; its message."""

    async def told() -> str:
        gameday = await ns.admin.get(GAMEDAYS, ns.namespace, "small")
        found = condition((gameday or {}).get("status", {}), "Ready")
        so = (found.get("status"), found.get("reason")) == (status, reason) and says in found["message"]
        return str(found["message"]) if so else ""

    return await until(told, f"the GameDay is Ready={status} {reason} {says}", 2)


async def test_what_exceeds_the_limits_is_refused_by_name_and_nothing_is_touched(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    ns.apply(small())
    assert (await ready(ns, "small"))["status"] == "True"
    limit(ns, "{maxOutage: 5s, maxWorkloadPercent: 50}")
    message = await becomes_ready(ns, "False", "LimitExceeded")
    assert message.startswith("limits.maxOutage is 5s, but spec.outage.duration is 8s: ")
    await ns.start(small())
    status = await ns.finishes(patience=60)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "limits.maxOutage is 5s, but spec.outage.duration is 8s" in status["message"]
    assert "limits.maxWorkloadPercent is 50" in status["message"]
    assert "1 of 1 ready pods of Deployment api (100%)" in status["message"]
    assert status["undo"] == []
    limit(ns, "{longestOutage: 5s}")
    await becomes_ready(ns, "False", "LimitsInvalid", "limits: longestOutage is called maxOutage now: rename it")
    limit(ns, "{maxoutage: 5s}")
    await becomes_ready(ns, "False", "LimitsInvalid", "limits.maxoutage")
    kubectl("-n", ns.namespace, "delete", "configmap", "gameday-limits")
    await becomes_ready(ns, "True", "PlanValid")
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_the_second_drill_of_the_cluster_waits_for_the_first(ns: TeamNamespace) -> None:
    async with team_namespace("limits-other") as other:
        other.opt_in()
        for one in (ns, other):
            await one.shop(parts=("api", "redis"), replicas=1)
        limit(ns, "maxConcurrentDrills: 1")
        await ns.operator(also=[other.namespace])
        await ns.start(small())
        await ns.in_phase("SteadyState")
        await other.start(small())
        status = await other.reaches(
            lambda s: condition(s, "Complete").get("reason") == "TooManyDrills", "the second one waits", 30
        )
        assert f"{ns.namespace}/first" in condition(status, "Complete")["message"]
        assert (await ns.finishes())["verdict"] == "Passed"
        assert (await other.finishes())["verdict"] == "Passed"
        await ns.nothing_is_left()
        await other.nothing_is_left()
