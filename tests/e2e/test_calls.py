"""A drill calls a real HTTP API: a platform suspends a service that is nowhere in the cluster, and resumes it."""

import json
import time
from datetime import datetime

import pytest

from e2e.dialling import until
from e2e.namespaces import TeamNamespace, condition, kubectl, ready
from e2e.platforms import API, AUTH, TOKEN, calls, deployed, gameday
from gameday.api.lines import events_of
from gameday.api.undo_entries import undo_of
from gameday.cluster.resources import PODS
from gameday.model.labels import CALLER, ROLE

pytestmark = [pytest.mark.e2e]

AWAY = 25.0
"""Seconds for which the platform restarts a service."""


async def suspended(ns: TeamNamespace) -> None:
    """The fault is proven."""
    await ns.reaches(lambda s: "CutProven" in [line["reason"] for line in events_of(s)], "the call is proven")


async def test_a_service_is_suspended_and_resumed(ns: TeamNamespace) -> None:
    await deployed(ns)
    await ns.operator()
    await ns.start(gameday())
    status = await ns.finishes()
    assert (status["verdict"], status["message"]) == ("Passed", "3 of 3 expectations met")
    assert calls(ns) == ["suspend", "resume"]
    (entry,) = undo_of(status)
    assert entry["state"] == "Undone"
    assert TOKEN not in json.dumps(status)
    await ns.nothing_is_left()


async def test_a_kill_under_the_fault_leaves_nothing_suspended(ns: TeamNamespace) -> None:
    await deployed(ns)
    operator = await ns.operator()
    await ns.start(gameday(duration="15s"))
    await suspended(ns)
    await operator.kill()
    await ns.operator()
    status = await ns.finishes()
    assert status["verdict"] in {"Passed", "Inconclusive"}
    assert calls(ns)[0] == "suspend"
    assert calls(ns).count("suspend") == 1, "a later process finds the call that was made"
    assert calls(ns)[-1] == "resume"
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_the_fuse_resumes_it_when_no_operator_is_left(ns: TeamNamespace) -> None:
    await deployed(ns)
    operator = await ns.operator()
    await ns.start(gameday())
    await suspended(ns)
    await operator.kill()
    (entry,) = undo_of(await ns.status())
    deadline = datetime.fromisoformat(entry["fuse"]["deadline"]).timestamp()

    async def resumed() -> bool:
        return "resume" in calls(ns)

    assert time.time() < deadline
    await until(resumed, "the fuse resumes the service", deadline - time.time() + 20)
    assert deadline - 1 <= time.time() <= deadline + 8
    await ns.operator()
    status = await ns.finishes(patience=150)
    assert status["verdict"] == "Inconclusive"
    await ns.nothing_is_left()


async def test_a_token_that_the_platform_refuses_changes_nothing_and_keeps_no_namespace(ns: TeamNamespace) -> None:
    await deployed(ns, token="another-token")
    body = gameday()
    # Only what has effects is refused: the probe must see the service.
    body["spec"]["probes"][1]["http"] = {"url": "http://platform/services/site"}
    verify = {"seen": "service.status == 503", "undone": "service.status == 200"}
    body["spec"]["outage"]["faults"][0]["http"]["verify"] = verify
    await ns.operator()
    await ns.start(body)
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "NoEffect")
    assert "was answered with status 401" in status["message"]
    assert calls(ns) == []
    await ns.nothing_is_left()


async def test_a_call_that_cannot_be_taken_back_is_made_once_although_the_operator_is_killed(ns: TeamNamespace) -> None:
    await deployed(ns)
    body = gameday()
    body["spec"]["recovery"] = {"within": "2s", "expect": [{"name": "never", "eventually": "site.status == 1"}]}
    restart = {"url": f"{API}/restart", "method": "POST", "auth": AUTH}
    steps = [{"name": "restart site", "httpOnce": restart, "irreversible": True}]
    body["spec"]["rollback"] = {"ifMissed": ["never"], "within": "60s", "steps": steps}
    operator = await ns.operator()
    await ns.start(body)

    async def made() -> bool:
        pods, _ = await ns.admin.list(PODS, ns.namespace, f"{ROLE}={CALLER}")
        return any("restart" in pod["metadata"]["name"] for pod in pods)

    await until(made, "the step's call is under way", 120)
    await operator.kill()
    await ns.operator()
    status = await ns.finishes()
    assert status["verdict"] in {"Failed", "Inconclusive"}
    assert calls(ns).count("restart") == 1
    await ns.nothing_is_left()


@pytest.mark.parametrize("killed", [False, True], ids=["alone", "its operator killed"])
async def test_a_call_that_nothing_takes_back_is_waited_for_until_it_is_over(ns: TeamNamespace, killed: bool) -> None:
    await deployed(ns, restarts_for=AWAY)
    body = gameday()
    restart = {
        "do": {"url": f"{API}/restart", "method": "POST", "auth": AUTH},
        "verify": {"seen": "site.status == 503", "undone": "site.status == 200"},
        "withoutFuse": True,
    }
    body["spec"]["outage"]["faults"] = [{"name": "restart", "http": restart}]
    operator = await ns.operator()
    await ns.start(body)
    await ns.reaches(lambda s: "UndoByHand" in [line["reason"] for line in events_of(s)], "a person is asked")
    assert condition(await ns.status(), "FaultsCleared")["status"] == "False"
    if killed:
        await operator.kill()
        await ns.operator()
    status = await ns.finishes()
    assert status["verdict"] in ({"Passed", "Inconclusive"} if killed else {"Passed"}), status["message"]
    assert calls(ns) == ["restart"]
    (entry,) = undo_of(status)
    assert (entry["state"], "fuse" in entry) == ("Undone", False)
    assert condition(await ns.status(), "FaultsCleared")["status"] == "True"
    await ns.nothing_is_left()


async def test_nothing_is_called_where_the_administrator_does_not_allow_it(ns: TeamNamespace) -> None:
    await deployed(ns)
    kubectl("-n", ns.namespace, "delete", "configmap", "gameday-limits")
    await ns.operator()
    await ns.start(gameday())
    status = await ns.finishes()
    assert "limits.allowedFaults does not name http" in status["message"]
    assert calls(ns) == []
    readiness = await ready(ns, "platform")
    assert (readiness["status"], readiness["reason"]) == ("False", "LimitExceeded")
