"""What a finished drill leaves in its GameDay: the newest stays, and no process that dies takes it away."""

import asyncio
from dataclasses import replace

import pytest

from gameday.api.drill import FINALIZER
from gameday.api.lines import measured
from gameday.api.record import status_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller.gameday.gamedays import last_drill, show_last_drill
from gameday.errors import Forbidden
from gameday.model.plan import Stage
from gameday.model.record import DrillRecord, Phase, Result, ResultState, Verdict
from unit.api_server import ApiServer
from unit.controller.process.test_operator import GAMEDAY, a_drill, becomes
from unit.controller.test_halted_drill import acting

ENDED = DrillRecord(Phase.FINISHED, since=1000.0, started_at=900.0, finished_at=1000.0, verdict=Verdict.PASSED)
FIGURES: tuple[dict[str, str | float], ...] = ({"name": "timeToDetect", "value": 4.25, "unit": "seconds"},)
SMALL = ("gamedays", "shop", "small")


def an_ended_drill(server: ApiServer, name: str, record: DrillRecord, *, held: bool = True) -> Object:
    """A Drill whose operator died right after its verdict was saved."""
    server.put("serviceaccounts", "shop", {"metadata": {"name": "gameday", "labels": {"gameday.dev/opt-in": "true"}}})
    drill = a_drill(name) | {"status": status_of(record, 1) | {"measurements": measured(FIGURES)}}
    drill["metadata"] |= {"finalizers": [FINALIZER] if held else []}
    return server.put("drills", "shop", drill)


async def test_an_older_drill_that_comes_late_does_not_hide_a_newer_one(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.put("gamedays", "shop", GAMEDAY)
    newer = last_drill("newer", replace(ENDED, finished_at=1001.0), FIGURES)
    assert await show_last_drill(cluster, "shop", "small", newer)
    assert not await show_last_drill(cluster, "shop", "small", last_drill("older", ENDED, ()))
    assert api_server.objects[SMALL]["status"]["lastDrill"] == "newer"
    assert api_server.objects[SMALL]["status"]["lastDetect"] == "4.2s"


async def test_showing_a_drill_again_writes_nothing_and_a_gameday_that_is_gone_is_no_error(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.put("gamedays", "shop", GAMEDAY)
    for _ in range(2):
        assert await show_last_drill(cluster, "shop", "small", last_drill("first", ENDED, ()))
    assert cluster.requests["update", "gamedays"] == 1
    api_server.drop(*SMALL)
    assert not await show_last_drill(cluster, "shop", "small", last_drill("first", ENDED, ()))


async def test_a_gameday_that_may_not_be_written_is_an_error(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.put("gamedays", "shop", GAMEDAY)
    api_server.forbidden = {"update gamedays"}
    with pytest.raises(Forbidden):
        await show_last_drill(cluster, "shop", "small", last_drill("first", ENDED, ()))


@pytest.mark.parametrize("held", [True, False], ids=["held by our finalizer", "never begun"])
async def test_the_next_process_shows_and_counts_a_drill_whose_operator_died_before(
    held: bool, api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.put("gamedays", "shop", GAMEDAY)
    drill = an_ended_drill(api_server, "first", ENDED, held=held)
    assert drill["status"]["unreported"] is True
    async with acting(cluster) as operator:
        await becomes(lambda: api_server.objects[SMALL].get("status", {}).get("lastDrill") == "first", 20)
        await becomes(lambda: "unreported" not in api_server.objects["drills", "shop", "first"]["status"], 20)
        await becomes(lambda: not api_server.objects["drills", "shop", "first"]["metadata"]["finalizers"], 20)
        labels = {"namespace": "shop", "gameday": "small", "verdict": "Passed"}
        counted = operator.metrics.registry.get_sample_value
        assert counted("gameday_drills_total", labels) == 1
        # The watch tells of the state before once more: the drill is over all the same.
        operator.store.drill_seen(False, drill)
        await asyncio.sleep(0.2)
        assert counted("gameday_drills_total", labels) == 1
        assert counted("gameday_drills_total", labels | {"verdict": "Failed"}) == 0
    assert api_server.objects[SMALL]["status"]["lastDetect"] == "4.2s"


async def test_a_gameday_that_cannot_be_written_does_not_hold_a_drill_for_ever(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gameday.engine.drill.timeouts.CLEAN_UP", 0.5)
    api_server.put("gamedays", "shop", GAMEDAY)
    api_server.forbidden = {"update gamedays"}
    an_ended_drill(api_server, "first", ENDED)
    async with acting(cluster):
        await becomes(lambda: not api_server.objects["drills", "shop", "first"]["metadata"]["finalizers"], 20)
        status = api_server.objects["drills", "shop", "first"]["status"]
        assert status["unreported"] is True
        assert "cannot update resource" in next(c for c in status["conditions"] if c["type"] == "Stalled")["message"]
        api_server.forbidden = set()
        await becomes(lambda: api_server.objects[SMALL].get("status", {}).get("lastDrill") == "first", 20)
        await becomes(lambda: "unreported" not in api_server.objects["drills", "shop", "first"]["status"], 20)


async def test_an_ended_drill_that_somebody_aborts_says_that_its_newest_spec_was_seen(
    api_server: ApiServer, cluster: Cluster
) -> None:
    """Else kubectl wait and Flux would wait for ever: for them it would be under way."""
    api_server.put("gamedays", "shop", GAMEDAY)
    results = (Result(Stage.OUTAGE, "reported", ResultState.MET, 950.0, 2.5, 1.0),)
    record = replace(ENDED, reason="AllExpectationsMet", reported=True, results=results).note(1000.0, "Finished", "x")
    drill = an_ended_drill(api_server, "first", record, held=False)
    spec = drill["spec"] | {"abort": True}
    api_server.put("drills", "shop", drill | {"spec": spec, "metadata": drill["metadata"] | {"generation": 2}})

    def status() -> Object:
        found: Object = api_server.objects["drills", "shop", "first"]["status"]
        return found

    async with acting(cluster):
        await becomes(lambda: status()["observedGeneration"] == 2, 20)
    assert (status()["phase"], status()["verdict"], status()["reason"]) == ("Finished", "Passed", "AllExpectationsMet")
    for field in ("expectations", "timeline", "measurements", "finishedAt"):
        assert status()[field] == drill["status"][field]
