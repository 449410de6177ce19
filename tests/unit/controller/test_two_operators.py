"""Two installations of the operator that see one namespace: one carries a drill out, the other says why it does not."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gameday.api.drill import is_over
from gameday.cluster.client import Cluster
from gameday.cluster.lease import LOCK, OPERATOR, lock_namespace, unlock_namespace
from gameday.cluster.resources import Object
from gameday.controller.process.operator import Operator
from gameday.controller.settings import Settings
from unit.api_server import ApiServer
from unit.controller.process.test_operator import GAMEDAY, HALT, a_drill, becomes, limits
from unit.controller.test_halted_drill import POLICY, under_cut

ONE, OTHER = "gameday-one", "gameday-other"
"""Namespaces of the two."""
DRILL = ("drills", "shop", "first")


@contextlib.asynccontextmanager
async def installed(cluster: Cluster, *namespaces: str) -> AsyncIterator[list[Operator]]:
    """Operators that lead, each in its own namespace; all of them must be alive at the end."""
    operators = [Operator(cluster, Settings(name, name, "image"), time.time, time.monotonic) for name in namespaces]
    tasks = [asyncio.create_task(operator.lead()) for operator in operators]
    try:
        yield operators
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def second(api_server: ApiServer, tmp_path: Path) -> AsyncIterator[Cluster]:
    connected = await api_server.connect(tmp_path)
    yield connected
    await connected.close()


def events(server: ApiServer, reason: str) -> list[Object]:
    found = [body for (plural, _, _), body in server.objects.items() if plural == "events"]
    return [body for body in found if body["reason"] == reason]


async def test_of_two_that_see_a_new_drill_one_claims_it_before_anything_and_both_live(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.put("gamedays", "shop", GAMEDAY)
    async with installed(cluster, ONE, OTHER) as operators:
        await becomes(lambda: all(operator.store.listed for operator in operators), 20)
        drill = api_server.put("drills", "shop", a_drill("first"))
        for operator in operators:
            operator.store.drill_seen(False, drill)
        await becomes(lambda: "operator" in api_server.objects[DRILL].get("status", {}), 20)
        owner = api_server.objects[DRILL]["status"]["operator"]
        assert owner in {operator.settings.installation for operator in operators}
        # It is refused by its preflight, and so it ends, once, by its own operator.
        await becomes(lambda: api_server.objects[DRILL]["status"].get("phase") == "Finished", 20)
        await becomes(lambda: bool(events(api_server, "ClaimedElsewhere")), 20)
        assert api_server.objects[DRILL]["status"]["operator"] == owner
        await becomes(lambda: ("leases", "shop", LOCK) not in api_server.objects, 20)
        counts = [
            operator.metrics.registry.get_sample_value(
                "gameday_drills_total", {"namespace": "shop", "gameday": "small", "verdict": "Inconclusive"}
            )
            for operator in operators
        ]
        await becomes(lambda: "unreported" not in api_server.objects[DRILL]["status"], 20)
        assert sum(count or 0 for count in counts) <= 1


async def test_what_another_operator_has_claimed_is_left_alone_until_a_person_gives_it_away(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gameday.engine.drill.loop.CATCH_UP", 0.1)
    drill = under_cut(api_server)
    drill["status"] |= {"operator": f"{OTHER}/gameday-operator"}
    drill = api_server.put("drills", "shop", drill)
    async with installed(cluster, ONE) as (operator,):
        await becomes(lambda: bool(events(api_server, "ClaimedElsewhere")), 20)
        await asyncio.sleep(0.3)
        assert api_server.objects[DRILL] == drill
        assert POLICY in api_server.objects
        (event,) = events(api_server, "ClaimedElsewhere")
        assert event["regarding"]["name"] == "first"
        assert f"operator {OTHER}/gameday-operator has claimed it" in event["note"]
        assert "kubectl -n shop patch drill first --subresource=status --type=merge" in event["note"]
        given = drill | {"status": {k: v for k, v in drill["status"].items() if k != "operator"}}
        operator.store.drill_seen(False, api_server.put("drills", "shop", given))
        await becomes(lambda: POLICY not in api_server.objects, 20)
        # A cut is reverted before anything is saved.
        await becomes(lambda: api_server.objects[DRILL]["status"].get("operator", "").startswith(ONE), 20)


async def test_a_drill_that_is_given_away_while_it_runs_is_taken_over_and_its_first_operator_lives(
    api_server: ApiServer, cluster: Cluster
) -> None:
    drill = under_cut(api_server)
    api_server.put("configmaps", OTHER, HALT)
    async with installed(cluster, ONE) as (operator,):
        await becomes(lambda: operator.supervisor.runs(drill["metadata"]["uid"]), 20)
        status = api_server.objects[DRILL]["status"] | {"operator": f"{OTHER}/gameday-operator"}
        api_server.put("drills", "shop", drill | {"status": status})
        await becomes(lambda: not operator.supervisor.runs(drill["metadata"]["uid"]), 20)
        await becomes(lambda: bool(events(api_server, "ClaimedElsewhere")), 20)
        async with installed(cluster, OTHER):
            await becomes(lambda: POLICY not in api_server.objects, 20)


async def test_a_namespace_that_another_operator_holds_is_busy_and_says_whose_it_is(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.put("gamedays", "shop", GAMEDAY)
    api_server.put("drills", "shop", a_drill("theirs") | {"status": {"phase": "Outage", "operator": f"{OTHER}/lease"}})
    uid = api_server.objects["drills", "shop", "theirs"]["metadata"]["uid"]
    assert await lock_namespace(cluster, "shop", "theirs", uid, f"{OTHER}/lease", lambda _: False, is_over) is None
    api_server.drop("drills", "shop", "theirs")
    async with installed(cluster, ONE) as (operator,):
        operator.store.drill_seen(False, api_server.put("drills", "shop", a_drill("first")))

        def waiting() -> str:
            conditions = api_server.objects[DRILL].get("status", {}).get("conditions", ())
            return next((c["message"] for c in conditions if c["reason"] == "Busy"), "")

        await becomes(lambda: bool(waiting()), 20)
        assert f"theirs of operator {OTHER}/lease" in waiting()
        assert "kubectl -n shop delete lease gameday" in waiting()
        lease = api_server.objects["leases", "shop", LOCK]
        assert lease["metadata"]["annotations"] == {OPERATOR: f"{OTHER}/lease"}
        await unlock_namespace(cluster, "shop", uid)
        await becomes(lambda: "startedAt" in api_server.objects[DRILL]["status"], 20)


async def test_two_that_do_not_agree_on_a_gameday_do_not_write_it_in_turns(
    api_server: ApiServer, cluster: Cluster, second: Cluster
) -> None:
    api_server.put("gamedays", "shop", GAMEDAY)
    api_server.put("configmaps", OTHER, limits("maxOutage: 5m"))
    async with installed(cluster, ONE) as (one,), installed(second, OTHER) as (other,):
        gameday = ("gamedays", "shop", "small")

        def told() -> None:
            for operator in (one, other):
                operator.store.gameday_seen(False, api_server.objects[gameday])

        await becomes(lambda: cluster.requests["update", "gamedays"] + second.requests["update", "gamedays"] >= 2, 20)
        for _ in range(5):
            told()
            await asyncio.sleep(0.1)
        assert cluster.requests["update", "gamedays"] <= 2
        assert second.requests["update", "gamedays"] <= 2
