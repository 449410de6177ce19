"""Somebody writes a drill's status while it runs: that drill is undone or goes on, and the process lives."""

import asyncio
import time
from dataclasses import replace

import pytest

from gameday.api.record import saved_of, status_of
from gameday.cluster.client import Cluster
from gameday.cluster.lease import LeaseLost
from gameday.cluster.resources import Object
from gameday.controller.process import status_conflicts
from gameday.controller.process.operator import Operator
from gameday.controller.settings import Settings
from gameday.model.record import Phase, Verdict
from unit.api_server import ApiServer
from unit.controller.process.test_operator import OWN, a_drill, becomes
from unit.controller.test_halted_drill import POLICY, SETUP, acting, told, under_cut
from unit.controller.test_stalled_drill import reasons

DRILL = ("drills", "shop", "first")
LEASE = ("leases", OWN, "gameday-operator")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameday.engine.drill.loop.CATCH_UP", 0.1)
    monkeypatch.setattr(status_conflicts, "PAUSE", 0.05)
    # No agent runs here; a drill that lost one would end by itself.
    monkeypatch.setattr("gameday.engine.drill.stop_conditions._lost_agent", lambda _: None)


def overwrite(server: ApiServer, status: Object) -> None:
    """What somebody with the right to write the status does."""
    server.put("drills", "shop", server.objects[DRILL] | {"status": status})


async def runs(server: ApiServer, operator: Operator) -> None:
    """Wait until the drill is being carried out: its operator has claimed it."""
    await becomes(lambda: server.objects[DRILL]["status"].get("operator") == operator.settings.installation)


@pytest.mark.parametrize("what", ["emptied", "from before", "ended"])
async def test_a_drill_whose_status_forgets_its_cut_is_undone_and_the_process_goes_on(
    what: str, api_server: ApiServer, cluster: Cluster
) -> None:
    status = under_cut(api_server)["status"]
    saved = saved_of(status)
    assert saved is not None
    written = {
        "emptied": {},
        "from before": status
        | status_of(replace(saved.record, phase=Phase.STEADY_STATE, changes=()), 1, SETUP, saved.plan),
        "ended": status
        | status_of(replace(saved.record, phase=Phase.FINISHED, changes=(), reported=True), 1, SETUP, saved.plan),
    }[what]
    async with acting(cluster) as operator:
        await runs(api_server, operator)
        overwrite(api_server, written)
        await becomes(lambda: POLICY not in api_server.objects)
        await becomes(told(api_server, "StatusOverwritten"))
        await becomes(lambda: "StatusOverwritten" in reasons(api_server))
        left = saved_of(api_server.objects[DRILL]["status"])
        assert left is not None
        assert left.plan == saved.plan
        assert operator.metrics.registry.get_sample_value("gameday_leader") == 1
        assert not operator.metrics.registry.get_sample_value("gameday_internal_errors_total")
        # Other drills of the process go on.
        api_server.put("gamedays", "pay", api_server.objects["gamedays", "shop", "small"])
        operator.store.drill_seen(False, api_server.put("drills", "pay", a_drill("second")))
        await becomes(lambda: "startedAt" in api_server.objects["drills", "pay", "second"].get("status", {}))


async def test_a_drill_whose_status_forgets_nothing_goes_on_once_and_is_undone_the_second_time(
    api_server: ApiServer, cluster: Cluster
) -> None:
    under_cut(api_server)
    async with acting(cluster) as operator:
        await runs(api_server, operator)
        for times in (1, 2):
            status = api_server.objects[DRILL]["status"]
            saved = saved_of(status)
            assert saved is not None
            record = replace(saved.record, baseline={"health.latency": float(times)})
            overwrite(api_server, status | status_of(record, 1, SETUP, saved.plan))
            await becomes(lambda times=times: any(k.times == times for k in operator.conflicts._known.values()))  # type: ignore[misc]
            if times == 1:
                await asyncio.sleep(0.3)
                assert not told(api_server, "StatusOverwritten")()
        await becomes(lambda: POLICY not in api_server.objects)
        await becomes(told(api_server, "StatusOverwritten"))


async def test_a_drill_that_has_ended_is_not_judged_again_from_what_a_late_watch_said(
    api_server: ApiServer, cluster: Cluster
) -> None:
    late = under_cut(api_server)
    saved = saved_of(late["status"])
    assert saved is not None
    record = replace(saved.record, phase=Phase.FINISHED, changes=(), reported=True, verdict=Verdict.PASSED)
    overwrite(api_server, late["status"] | status_of(record, 1, SETUP, saved.plan))
    async with acting(cluster) as operator:
        await becomes(lambda: operator.metrics.registry.get_sample_value("gameday_leader") == 1)
        await operator.run_drill(late)
        assert operator.conflicts.count == 0
        assert api_server.objects[DRILL]["status"]["verdict"] == "Passed"


async def test_a_status_written_by_the_next_leader_ends_this_process(api_server: ApiServer, cluster: Cluster) -> None:
    status = under_cut(api_server)["status"]
    operator = Operator(cluster, Settings(OWN, "me", "image"), time.time, time.monotonic)
    leading = asyncio.create_task(operator.lead())
    await runs(api_server, operator)
    lease = api_server.objects[LEASE]
    api_server.put("leases", OWN, lease | {"spec": lease["spec"] | {"holderIdentity": "you"}})
    overwrite(api_server, status | {"operator": operator.settings.installation})
    with pytest.raises(LeaseLost):
        await asyncio.wait_for(leading, 20)
