"""A drill that deletes pods: those of its undo log and no other, whoever dies, alone and beside a cut."""

import json

import pytest

from e2e.namespaces import TeamNamespace, small
from e2e.test_several_faults import SCALED, proven, shop
from gameday.api.lines import events_of
from gameday.api.undo_entries import undo_of
from gameday.cluster.resources import PODS, Object

pytestmark = pytest.mark.e2e

LOST = {"name": "lost-pod", "podDelete": {"deployment": SCALED, "pods": 1}}


def alone(**changes: object) -> Object:
    """A GameDay whose only fault deletes one of two pods, which the other one makes up for."""
    gameday = small(**changes)
    spec = gameday["spec"]
    spec["outage"]["faults"] = [LOST]
    spec["probes"] = [
        {"name": "payments", "interval": "1s", "timeout": "1s", "http": {"url": "http://payments/healthz"}}
    ]
    spec["steadyState"]["expect"] = [{"name": "up", "always": "payments.ok"}]
    spec["outage"]["expect"] = [{"name": "the other pod answers", "always": "payments.ok", "tolerates": "4s"}]
    spec["recovery"]["expect"] = [{"name": "up again", "eventually": "payments.ok", "for": "2s"}]
    return gameday


async def pods(ns: TeamNamespace) -> dict[str, str]:
    """UIDs of the workload's pods that are not ending, by name."""
    found, _ = await ns.admin.list(PODS, ns.namespace, f"app={SCALED}")
    return {
        one["metadata"]["name"]: one["metadata"]["uid"] for one in found if "deletionTimestamp" not in one["metadata"]
    }


async def lost_one(ns: TeamNamespace, status: Object, before: dict[str, str]) -> None:
    """See that the pod which the undo log names is gone, and that all others are still there."""
    (entry,) = (one for one in undo_of(status) if one["name"] == LOST["name"])
    deleted = json.loads(entry["wanted"])["pods"]
    after = await pods(ns)
    assert deleted.items() <= before.items()
    assert set(before.values()) - set(after.values()) == set(deleted.values())
    assert (len(deleted), len(after)) == (1, len(before))


async def test_one_pod_of_two_is_deleted_and_replaced(ns: TeamNamespace) -> None:
    await shop(ns)
    await ns.operator()
    before = await pods(ns)
    await ns.start(alone())
    status = await ns.finishes(patience=120)
    assert (status["verdict"], status["reason"]) == ("Passed", "AllExpectationsMet"), status["message"]
    told = {event["reason"]: event["message"] for event in events_of(status)}
    assert "of payments is gone" in told["CutProven"]
    assert told["Undone"].endswith("stays gone: the controller of payments creates new ones")
    await lost_one(ns, status, before)
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_cut_and_a_deleted_pod_are_each_proven(ns: TeamNamespace) -> None:
    await shop(ns)
    await ns.operator()
    before = await pods(ns)
    gameday = small()
    gameday["spec"]["outage"]["faults"].append(LOST)
    await ns.start(gameday)
    await ns.under_cut()
    status = await ns.finishes(patience=120)
    assert (status["verdict"], status["reason"]) == ("Passed", "AllExpectationsMet"), status["message"]
    assert proven(status) == ["partition", "lost-pod"]
    await lost_one(ns, status, before)
    await ns.nothing_is_left()


async def test_an_operator_that_is_killed_deletes_no_second_pod(ns: TeamNamespace) -> None:
    await shop(ns)
    operator = await ns.operator()
    before = await pods(ns)
    await ns.start(alone(outage__duration="15s"))
    await ns.under_cut()
    await operator.kill()
    await ns.operator()
    status = await ns.finishes(patience=120)
    assert status["verdict"] in {"Passed", "Inconclusive"}, status["message"]
    await lost_one(ns, status, before)
    await ns.nothing_is_left()


async def test_what_cannot_be_deleted_is_refused_all_at_once(ns: TeamNamespace) -> None:
    await shop(ns)
    await ns.operator()
    gameday = small()
    faults = gameday["spec"]["outage"]["faults"]
    faults.append({"name": "many", "podDelete": {"deployment": SCALED, "pods": 3}})
    faults.append({"name": "cut-off", "podDelete": {"deployment": "redis", "pods": 1}})
    await ns.start(gameday)
    status = await ns.finishes(patience=60)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert (
        f"faults[many].podDelete.pods: Deployment {SCALED} has 2 ready pods, but the fault is to delete 3"
        in status["message"]
    )
    assert "redis is the dependency that networkPartition cuts off" in status["message"]
    assert not status["changed"]
    await ns.nothing_is_left()
