"""The Lease of a namespace goes with the drill that holds it, however that ends; the next drill has its turn."""

import pytest

from gameday.cluster.client import Cluster
from gameday.cluster.lease import LOCK
from gameday.cluster.resources import Object
from unit.api_server import ApiServer
from unit.controller.process.test_operator import GAMEDAY, a_drill, becomes
from unit.controller.test_halted_drill import acting

DRILL = ("drills", "shop", "first")
LEASE = ("leases", "shop", LOCK)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameday.controller.drill.lock_waiters.PATIENCE", 0.1)


def held_by(server: ApiServer, drill: Object) -> None:
    """The namespace is a Drill's, by its UID."""
    server.put("gamedays", "shop", GAMEDAY)
    uid, name = drill["metadata"]["uid"], drill["metadata"]["name"]
    server.put("leases", "shop", {"metadata": {"name": LOCK}, "spec": {"holderIdentity": f"{uid}/{name}"}})


def complete(server: ApiServer) -> str:
    """The reason of the drill's condition Complete."""
    conditions = server.objects[DRILL].get("status", {}).get("conditions", ())
    return next((c["reason"] for c in conditions if c["type"] == "Complete"), "")


async def test_a_drill_that_waited_and_whose_attempt_failed_gives_the_namespace_back(
    api_server: ApiServer, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """It has the Lease, and its finalizer is refused, while its startBefore passes."""
    theirs = a_drill("theirs") | {"status": {"phase": "Outage", "operator": "another/operator"}}
    held_by(api_server, api_server.put("drills", "shop", theirs))
    api_server.forbidden = {"patch drills"}
    async with acting(cluster) as operator:
        operator.store.drill_seen(False, api_server.put("drills", "shop", a_drill("first")))
        uid = api_server.objects[DRILL]["metadata"]["uid"]
        await becomes(lambda: complete(api_server) == "Busy", 20)
        api_server.drop("drills", "shop", "theirs")
        await becomes(lambda: api_server.objects[LEASE]["spec"]["holderIdentity"] == f"{uid}/first", 20)
        await becomes(lambda: 'patch drills first: drills.gameday.dev "first" is forbidden' in caplog.text, 20)
        drill = api_server.objects[DRILL]
        api_server.put("drills", "shop", drill | {"spec": drill["spec"] | {"startBefore": "2026-01-01T00:00:00Z"}})
        await becomes(lambda: not operator.supervisor.runs(uid), 20)
        assert LEASE not in api_server.objects
        status = api_server.objects[DRILL]["status"]
        assert (status["phase"], status["reason"]) == ("Finished", "TooLate")
        assert 'drills.gameday.dev "first" is forbidden' in status["message"]


async def test_a_drill_has_its_turn_where_one_that_has_ended_still_has_the_lease(
    api_server: ApiServer, cluster: Cluster
) -> None:
    over = {"phase": "Finished", "verdict": "Inconclusive", "reason": "Busy"}
    held_by(api_server, api_server.put("drills", "shop", a_drill("theirs") | {"status": over}))
    async with acting(cluster) as operator:
        operator.store.drill_seen(False, api_server.put("drills", "shop", a_drill("first")))
        await becomes(lambda: "startedAt" in api_server.objects[DRILL].get("status", {}), 20)
