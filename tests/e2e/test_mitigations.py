"""The shop whose workers hang after an outage: the drill restarts them as the runbook says, and says that it did."""

import pytest

from e2e.dialling import until
from e2e.namespaces import TeamNamespace, missed, redis_failover, small
from e2e.test_restart import STEP, WORKERS, watched
from gameday.api.lines import events_of, expectations_of, mitigations_of, steps_of
from gameday.cluster.resources import DRILLS, Object

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

STUCK = {
    "name": "jobs are stuck",
    "when": "health.body.redis == 'ok' && queue.body.depth > baseline.queue.body.depth + 6",
    "for": "3s",
    "steps": [STEP],
}
THROTTLE = {"name": "throttle", "scale": {"deployment": "payments", "replicas": 0}}


def mitigated(*, unaided: bool) -> Object:
    gameday = redis_failover()
    gameday["spec"]["mitigations"] = [STUCK]
    for one in gameday["spec"]["recovery"]["expect"]:
        if one["name"] == "jobs flow":
            one["unaided"] = unaided
    return gameday


@pytest.mark.parametrize("unaided", [False, True])
async def test_stuck_workers_are_restarted_in_the_middle_of_the_recovery(ns: TeamNamespace, unaided: bool) -> None:
    await ns.shop({"STUCK_WORKER": "1"})
    await ns.operator()
    async with watched(ns) as workers:
        before = set(workers.now)
        await ns.start(mitigated(unaided=unaided))
        status = await ns.finishes(patience=300)
        flow = next(one for one in expectations_of(status) if one["name"] == "jobs flow")
        assert flow["by"] == "jobs are stuck", status["message"]
        assert (flow["state"], status["recoveredBy"]) == ("Missed" if unaided else "Met", "Mitigation")
        assert status["verdict"] == ("Failed" if unaided else "Passed"), status["message"]
        assert missed(status) == ({"jobs flow"} if unaided else set())
        healthy = next(one for one in expectations_of(status) if one["name"] == "healthy again")
        assert "by" not in healthy, "Redis was back before the workers were restarted"
        assert [(one["name"], one["state"]) for one in mitigations_of(status)] == [("jobs are stuck", "Done")]
        assert [(one["name"], one["state"]) for one in steps_of(status)] == [(STEP["name"], "Done")], "no rollback runs"
        assert len(workers.ever) == 2 * WORKERS
        assert not workers.now & before
    await ns.nothing_is_left()


async def test_what_a_mitigation_scaled_stays_until_the_end_and_comes_back_then(ns: TeamNamespace) -> None:
    gameday = small(outage__duration="20s")
    gameday["spec"]["mitigations"] = [{"name": "full", "when": "health.body.redis != 'ok'", "steps": [THROTTLE]}]
    await ns.shop(parts=("api", "redis", "payments"), replicas=1)
    await ns.operator()
    await ns.start(gameday)

    async def back_on_the_network() -> bool:
        return any(line["reason"] == "CutReverted" for line in events_of(await ns.status()))

    await until(back_on_the_network, "the cut is reverted", 180)
    assert await ns.replicas("payments") == 0, "the end of the outage is not the end of the drill"
    status = await ns.finishes()
    assert (status["verdict"], status["recoveredBy"]) == ("Passed", "Mitigation"), status["message"]
    assert await ns.replicas("payments") == 1
    await ns.nothing_is_left()


async def test_a_person_who_ends_the_drill_ends_the_mitigation(ns: TeamNamespace) -> None:
    gameday = small(outage__duration="60s")
    gameday["spec"]["mitigations"] = [{"name": "full", "when": "health.body.redis != 'ok'", "steps": [THROTTLE]}]
    await ns.shop(parts=("api", "redis", "payments"), replicas=1)
    await ns.operator()
    await ns.start(gameday)

    async def throttled() -> bool:
        return await ns.replicas("payments") == 0

    await until(throttled, "payments is scaled to 0", 120)
    await ns.admin.patch(DRILLS, ns.namespace, "first", {"spec": {"abort": True}})
    status = await ns.finishes()
    assert status["verdict"] == "Aborted"
    assert await ns.replicas("payments") == 1
    await ns.nothing_is_left()
