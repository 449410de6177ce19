"""A drill whose namespace cannot be seen: it says so and what would help; one of a namespace that ends lets go."""

import pytest

from gameday.api.drill import FINALIZER
from gameday.cluster.client import Cluster
from unit.api_server import ApiServer
from unit.controller.process.test_operator import becomes
from unit.controller.test_halted_drill import acting, under_cut

DRILL = ("drills", "shop", "first")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameday.engine.drill.loop.BLIND_AFTER", 0.1)
    monkeypatch.setattr("gameday.engine.drill.loop.CATCH_UP", 0.1)


def stalled(server: ApiServer) -> str:
    """What the condition says, or nothing."""
    conditions = server.objects[DRILL]["status"].get("conditions", ())
    return next((c["message"] for c in conditions if c["type"] == "Stalled" and c["status"] == "True"), "")


def reasons(server: ApiServer) -> set[str]:
    """The reasons of all Events."""
    return {body["reason"] for (plural, _, _), body in server.objects.items() if plural == "events"}


async def test_a_drill_whose_namespace_cannot_be_read_says_what_would_help_until_it_can(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.forbidden = {"list pods"}
    drill = under_cut(api_server)
    async with acting(cluster) as operator:
        operator.supervisor.drill_seen(False, drill)
        await becomes(lambda: "kubectl apply -n shop -k manifests/namespace" in stalled(api_server), 5)
        await becomes(lambda: "Stalled" in reasons(api_server), 5)
        api_server.forbidden = set()
        await becomes(lambda: not stalled(api_server), 5)


async def test_a_deleted_drill_is_held_where_its_namespace_cannot_be_read(
    api_server: ApiServer, cluster: Cluster
) -> None:
    drill = _deleted(api_server)
    async with acting(cluster) as operator:
        operator.supervisor.drill_seen(False, drill)
        await becomes(lambda: bool(stalled(api_server)), 5)
        assert api_server.objects[DRILL]["metadata"]["finalizers"] == [FINALIZER]


async def test_a_drill_of_a_namespace_that_is_deleted_lets_go_although_nothing_can_be_read_any_more(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.ending = {"shop"}
    drill = _deleted(api_server)
    async with acting(cluster) as operator:
        operator.supervisor.drill_seen(False, drill)
        await becomes(lambda: DRILL not in api_server.objects, 5)


def _deleted(server: ApiServer) -> dict[str, object]:
    server.forbidden = {"list pods"}
    drill = under_cut(server)
    drill["metadata"] |= {"finalizers": [FINALIZER], "deletionTimestamp": "2026-11-24T12:00:00Z"}
    return server.put("drills", "shop", drill)
