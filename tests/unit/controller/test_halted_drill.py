"""A halt and a drill under its cut: reverted within 2 s, by an operator that knows it and by one that just began."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from gameday.actions.network_partition import policy
from gameday.actions.network_partition.action import cuts_of
from gameday.api.lines import events_of
from gameday.api.record import moment, saved_of, status_of
from gameday.api.undo_entries import undo_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import NETWORK_POLICIES, Object
from gameday.controller.drill.command_executor import CommandExecutor
from gameday.controller.drill.informers import DrillInformers
from gameday.controller.drill.log_follower import LogFollower
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.controller.drill.samples import SampleKeeper
from gameday.controller.gameday.gamedays import read
from gameday.controller.process.operator import Operator
from gameday.controller.settings import Settings
from gameday.engine.drill.command_outcomes import CommandOutcomes
from gameday.engine.drill.commands import Apply
from gameday.engine.drill.timeouts import fuse_of_faults
from gameday.errors import Rejected
from gameday.fuses import job as fuse
from gameday.model.change import Change, ChangeState
from gameday.model.plan import Plan, Via
from gameday.model.record import DrillRecord, Phase
from gameday.model.setup import Cut, CutDestination, CutPort, Pair, Setup
from unit.api.test_migration import VERSION_1
from unit.api_server import ApiServer
from unit.controller.process.test_operator import GAMEDAY, HALT, OWN, a_drill, becomes, only_when_told

END = CutDestination("shop", {"app": "redis"}, ("10.0.0.3",), ports=(CutPort(6379, 6379),))
THE_CUT = Cut("partition", Via.NETWORK_POLICY, END, (Pair("node-a", {"app": "api"}),), ("10.0.0.9",))
SETUP = Setup((THE_CUT,))
POLICY = ("networkpolicies", "shop", "first-partition")


UID = "uid-of-first"
SINCE = "2026-11-24T12:00:00Z"


@pytest.fixture(autouse=True)
def _only_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    only_when_told(monkeypatch)


def a_hold(fuse_uid: str, object_uid: str | None = None) -> Change:
    """The undo log's entry of the cut."""
    asked = time.time() - 10
    change = Change(
        "partition", "networkPartition", "NetworkPolicy", "first-partition", "first-fuse", ChangeState.ACTIVE
    )
    return replace(change, registered_at=asked, requested_at=asked, fuse_uid=fuse_uid, object_uid=object_uid)


def under_cut(server: ApiServer, *, armed: bool = False) -> Object:
    """A namespace with a drill that an earlier process left under its proven cut; the Drill.

    Where its fuse is ``armed``, the undo log says until when, as each version writes it.
    """
    labels = {"gameday.dev/opt-in": "true"}
    server.put("serviceaccounts", "shop", {"metadata": {"name": "gameday", "labels": labels}})
    server.put("gamedays", "shop", GAMEDAY)
    plan, text, digest = read(GAMEDAY)
    seconds = fuse_of_faults(plan)
    job = fuse.build("first", UID, "first-fuse", seconds, "image") | {"status": {"startTime": SINCE}}
    fuse_uid: str = server.put("jobs", "shop", job)["metadata"]["uid"]
    cut = server.put("networkpolicies", "shop", the_policy(plan, fuse_uid))
    change = a_hold(fuse_uid, cut["metadata"]["uid"])
    if armed:
        change = replace(change, fuse_deadline=moment(SINCE) + round(seconds))
    asked = change.registered_at
    record = DrillRecord(
        Phase.OUTAGE, asked, started_at=asked - 20, steady_from=asked - 10, inject_requested_at=asked,
        outage_started_at=asked + 1,
        proven_at=asked + 2, changes=(change,),
    )  # fmt: skip
    status = status_of(record, 1, SETUP, text) | {"planDigest": digest}
    drill = a_drill("first") | {"status": status}
    return server.put("drills", "shop", drill | {"metadata": drill["metadata"] | {"uid": UID}})


def the_policy(plan: Plan, fuse_uid: str) -> Object:
    return policy.build("first", "first-partition", cuts_of(plan)[0][1], THE_CUT, "first-fuse", fuse_uid)


@contextlib.asynccontextmanager
async def acting(cluster: Cluster) -> AsyncIterator[Operator]:
    """An operator that leads."""
    operator = Operator(cluster, Settings(OWN, "me", "image"), time.time, time.monotonic)
    task = asyncio.create_task(operator.lead())
    try:
        yield operator
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def told(server: ApiServer, reason: str) -> Callable[[], bool]:
    """Whether the drill's timeline says it."""
    drill = ("drills", "shop", "first")
    return lambda: reason in {e["reason"] for e in events_of(server.objects[drill].get("status", {}))}


async def test_an_operator_that_begins_while_halted_reverts_before_it_has_read_anything_else(
    api_server: ApiServer, cluster: Cluster
) -> None:
    under_cut(api_server)
    api_server.put("configmaps", OWN, HALT)
    async with acting(cluster):
        await becomes(lambda: POLICY not in api_server.objects)
        await becomes(told(api_server, "Halted"))


async def test_a_halt_reverts_within_two_seconds_whatever_the_drill_waits_for(
    api_server: ApiServer, cluster: Cluster
) -> None:
    under_cut(api_server)
    async with acting(cluster) as operator:
        await becomes(lambda: bool(operator.administrator.listeners))
        assert POLICY in api_server.objects
        api_server.put("configmaps", OWN, HALT)
        await becomes(lambda: POLICY not in api_server.objects)
        await becomes(told(api_server, "Halted"))


async def test_a_drill_that_was_taken_up_has_its_turn_although_its_object_was_removed_by_force(
    api_server: ApiServer, cluster: Cluster
) -> None:
    drill = under_cut(api_server)
    async with acting(cluster) as operator:
        await becomes(lambda: bool(operator.administrator.listeners))
        operator.store.drill_seen(True, drill)
        assert operator.concurrency.acquire("uid", "pay/other", 1) == ("shop/first",)


async def test_a_drill_that_was_removed_by_force_is_undone_to_its_end_although_nothing_can_be_saved(
    api_server: ApiServer, cluster: Cluster
) -> None:
    drill = under_cut(api_server)
    lock = {"metadata": {"name": "gameday"}, "spec": {"holderIdentity": f"{drill['metadata']['uid']}/first"}}
    api_server.put("leases", "shop", lock)
    async with acting(cluster) as operator:
        await becomes(lambda: bool(operator.administrator.listeners))
        api_server.drop("drills", "shop", "first")
        await becomes(lambda: POLICY not in api_server.objects)
        await becomes(lambda: ("jobs", "shop", "first-fuse") not in api_server.objects)
        await becomes(lambda: ("leases", "shop", "gameday") not in api_server.objects)


async def test_an_operator_that_begins_without_the_gamedays_kind_undoes_what_an_earlier_one_left(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gameday.engine.drill.loop.CATCH_UP", 0.1)
    under_cut(api_server)
    api_server.unserved = {"gamedays"}
    async with acting(cluster):
        await becomes(lambda: POLICY not in api_server.objects)
        await becomes(told(api_server, "GameDayDeleted"))


async def test_a_halt_that_the_watch_did_not_tell_of_is_seen_right_before_the_cut(
    api_server: ApiServer, cluster: Cluster
) -> None:
    operator = Operator(cluster, Settings(OWN, "me", "image"), time.time, time.monotonic)
    drill = under_cut(api_server)
    api_server.drop(*POLICY)
    persisted = PersistedDrill(cluster, drill, lambda _: None, lambda _, __: None, time.time)
    persisted.freeze(*read(GAMEDAY))
    follower = LogFollower(cluster, "shop", "first", operator.metrics, time.time)
    informers = DrillInformers(cluster, persisted, follower, operator.administrator, CommandOutcomes())
    samples = SampleKeeper(informers.account, persisted, informers, lambda: ())
    executor = CommandExecutor(
        cluster, persisted, informers, operator.settings, time.time, operator.supervisor.runs, operator.concurrency,
        operator.lock_waiters, samples,
    )  # fmt: skip
    api_server.put("configmaps", OWN, HALT)
    with pytest.raises(Rejected, match="halted all drills: a launch"):
        await executor.execute(Apply(a_hold("uid")))
    assert POLICY not in api_server.objects
    api_server.drop("configmaps", OWN, "gameday-halt")
    await executor.execute(Apply(a_hold("uid")))
    assert await cluster.get(NETWORK_POLICIES, "shop", "first-partition") is not None


async def test_a_drill_that_an_operator_of_version_1_left_under_its_cut_goes_on_and_is_saved_in_the_newest(
    api_server: ApiServer, cluster: Cluster
) -> None:
    drill = under_cut(api_server)
    (entry,) = undo_of(drill["status"])
    text = json.dumps(VERSION_1["halted drill"])
    status = json.loads(text.replace("FUSE", entry["fuse"]["uid"]).replace("CUT", entry["object"]["uid"]))
    api_server.put("drills", "shop", drill | {"status": status})
    async with acting(cluster) as operator:
        await becomes(lambda: bool(operator.administrator.listeners))
        assert POLICY in api_server.objects
        api_server.put("configmaps", OWN, HALT)
        await becomes(lambda: POLICY not in api_server.objects)
        await becomes(lambda: api_server.objects["drills", "shop", "first"]["status"]["phase"] == "Finished")
    status = api_server.objects["drills", "shop", "first"]["status"]
    assert (status["verdict"], status["reason"]) == ("Aborted", "Halted")
    assert "plan" not in status
    saved = saved_of(status)
    assert saved is not None
    assert saved.plan == VERSION_1["halted drill"]["plan"]
