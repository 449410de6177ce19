"""A drill whose namespace cannot be seen: it says so and what would help; one of a namespace that ends lets go."""

import copy
import time

import pytest

from gameday.api.drill import FINALIZER
from gameday.api.record import status_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller.gameday.gamedays import read
from gameday.model.change import Change, ChangeState
from gameday.model.record import DrillRecord, Phase
from unit.api_server import ApiServer
from unit.controller.process.test_operator import GAMEDAY, becomes
from unit.controller.test_halted_drill import POLICY, SETUP, acting, under_cut

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
        operator.store.drill_seen(False, drill)
        await becomes(lambda: "kubectl apply -n shop -k manifests/namespace" in stalled(api_server))
        await becomes(lambda: "Stalled" in reasons(api_server))
        api_server.forbidden = set()
        await becomes(lambda: not stalled(api_server))


async def test_a_deleted_drill_is_held_where_its_namespace_cannot_be_read(
    api_server: ApiServer, cluster: Cluster
) -> None:
    drill = _deleted(api_server)
    async with acting(cluster) as operator:
        operator.store.drill_seen(False, drill)
        await becomes(lambda: bool(stalled(api_server)))
        assert api_server.objects[DRILL]["metadata"]["finalizers"] == [FINALIZER]


async def test_a_drill_of_a_namespace_that_is_deleted_lets_go_although_nothing_can_be_read_any_more(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.ending = {"shop"}
    drill = _deleted(api_server)
    async with acting(cluster) as operator:
        operator.store.drill_seen(False, drill)
        await becomes(lambda: DRILL not in api_server.objects)


RIGHTS = {
    f"{verb} {plural}"
    for plural in ("networkpolicies", "jobs", "pods")
    for verb in ("get", "list", "create", "patch", "delete")
}
"""What the account loses with its RoleBinding."""


@pytest.mark.parametrize("breaks", [True, False], ids=["watches end", "watches say nothing"])
@pytest.mark.parametrize("ends", [True, False], ids=["its namespace ends", "its namespace stays"])
async def test_a_deleted_drill_that_may_do_nothing_any_more_lets_go_where_its_namespace_ends_and_only_there(
    api_server: ApiServer, cluster: Cluster, ends: bool, breaks: bool
) -> None:
    under_cut(api_server)
    async with acting(cluster):
        await becomes(lambda: api_server.watched("networkpolicies") and api_server.watched("jobs"))
        # The RoleBinding goes first, and no watch says that the policy is gone.
        api_server.forbidden, api_server.short, api_server.mute = RIGHTS, breaks, not breaks
        api_server.drop(*POLICY)
        api_server.mute = False
        await _lets_go(api_server, ends=ends)


@pytest.mark.parametrize("ends", [True, False], ids=["its namespace ends", "its namespace stays"])
async def test_a_deleted_drill_that_waits_for_a_person_lets_go_where_its_namespace_ends_and_only_there(
    api_server: ApiServer, cluster: Cluster, ends: bool
) -> None:
    _by_hand(api_server)
    async with acting(cluster):
        await becomes(lambda: api_server.watched("pods"))
        api_server.forbidden, api_server.short = RIGHTS, True
        api_server.put(
            "pods", "shop", {"metadata": {"name": "first-observer", "labels": {"gameday.dev/drill": "first"}}}
        )
        await _lets_go(api_server, ends=ends)


async def _lets_go(server: ApiServer, *, ends: bool) -> None:
    """The Drill is deleted, and goes; or is held where its namespace stays, which was asked more than once."""
    asked: list[str] = []

    def admits(plural: str, body: Object) -> Object:
        asked.append(plural)
        return body

    server.ending, server.admission = {"shop"} if ends else set(), admits
    drill = server.objects[DRILL]
    gone = {"finalizers": [FINALIZER], "deletionTimestamp": "2026-11-24T12:00:00Z"}
    server.put("drills", "shop", drill | {"metadata": drill["metadata"] | gone})
    if ends:
        await becomes(lambda: DRILL not in server.objects)
    else:
        await becomes(lambda: asked.count("leases") > 1)
        assert server.objects[DRILL]["metadata"]["finalizers"] == [FINALIZER]


def _by_hand(server: ApiServer) -> None:
    """A drill under a fault that only a person undoes, which makes no request that could be refused."""
    drill = under_cut(server)
    gameday = copy.deepcopy(GAMEDAY)
    act = {"do": "switch it off", "undo": "switch it on", "undone": "health.ok", "withoutFuse": True}
    gameday["spec"]["outage"]["faults"] = [{"name": "act", "manual": act}]
    server.put("gamedays", "shop", gameday)
    _, text, digest = read(gameday)
    asked = time.time() - 10
    change = Change(
        "act", "manual", "Drill", "first", "", ChangeState.ACTIVE, {"acted": False},
        {"acted": True, "undo": "switch it on"}, registered_at=asked, requested_at=asked, proven_at=asked + 1,
        effect_at=asked + 1,
    )  # fmt: skip
    record = DrillRecord(
        Phase.OUTAGE, asked, started_at=asked - 20, steady_from=asked - 10, inject_requested_at=asked,
        outage_started_at=asked + 1,
        proven_at=asked + 2, changes=(change,),
    )  # fmt: skip
    server.put("drills", "shop", drill | {"status": status_of(record, 1, SETUP, text) | {"planDigest": digest}})


def _deleted(server: ApiServer) -> dict[str, object]:
    server.forbidden = {"list pods"}
    drill = under_cut(server)
    drill["metadata"] |= {"finalizers": [FINALIZER], "deletionTimestamp": "2026-11-24T12:00:00Z"}
    return server.put("drills", "shop", drill)
