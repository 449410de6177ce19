"""Steps call a real HTTP API: a rollback or mitigation suspends, scales and resumes a service outside the cluster."""

from typing import Any

import pytest

from e2e.dialling import until
from e2e.namespaces import TeamNamespace, missed
from e2e.platforms import calls, deployed, gameday, once, request, suspending, with_worker
from gameday.api.lines import mitigations_of, steps_of
from gameday.api.undo_entries import undo_of
from gameday.cluster.resources import Object

pytestmark = [pytest.mark.e2e]

STOP, MORE, START = "stop the worker", "more instances", "start the worker"
ANSWERS_AFTER = 4.0
"""Seconds until the platform answers a call that it has carried out: the operator is killed meanwhile."""


def scaling(name: str, instances: int) -> Object:
    """A step that scales the worker up, and down again when the drill ends."""
    verify = {"seen": f"worker.body.numInstances == {instances}", "undone": "worker.body.numInstances == 1"}
    do, undo = request("scale", json={"numInstances": instances}), request("scale", json={"numInstances": 1})
    return {"name": name, "http": {"do": do, "undo": undo, "verify": verify, "within": "30s"}}


def rolling_back(*steps: Object, within: str = "60s") -> Object:
    """A drill whose recovery is missed until the rollback has scaled the worker."""
    body = with_worker(gameday())
    scaled: dict[str, Any] = {"name": "scaled", "eventually": "worker.body.numInstances == 3"}
    body["spec"]["recovery"] = {"within": "2s", "expect": [scaled]}
    body["spec"]["rollback"] = {"ifMissed": ["scaled"], "within": within, "steps": list(steps)}
    return body


def mitigating(*steps: Object) -> Object:
    """A drill under whose fault the team calls its platform."""
    body = with_worker(gameday(duration="15s"))
    one = {"name": "renew the worker", "when": "site.status == 503", "for": "1s", "within": "60s"}
    body["spec"]["mitigations"] = [one | {"steps": list(steps)}]
    body["spec"]["recovery"]["within"] = "60s"
    return body


def done(status: Object) -> dict[str, str]:
    return {one["name"]: one["state"] for one in steps_of(status)}


async def test_a_rollback_suspends_scales_and_resumes(ns: TeamNamespace) -> None:
    await deployed(ns)
    await ns.operator()
    await ns.start(rolling_back(suspending(STOP), scaling(MORE, 3), once(START, "resume")))
    status = await ns.finishes()
    assert (status["verdict"], status["recoveredBy"]) == ("Failed", "Rollback")
    assert missed(status) == {"scaled"}
    assert done(status) == dict.fromkeys((STOP, MORE, START), "Done")
    made = calls(ns, "worker")
    assert made[:3] == ["suspend", "scale", "resume"]
    assert sorted(made[3:]) == ["resume", "scale"], "each change is taken back, once"
    assert {entry["state"] for entry in undo_of(status)} == {"Undone"}
    assert calls(ns, "site") == ["suspend", "resume"]
    await ns.nothing_is_left()


@pytest.mark.parametrize("where", ["rollback", "mitigation"])
async def test_a_kill_before_the_answer_is_recorded_repeats_no_call(ns: TeamNamespace, where: str) -> None:
    """The next operator finds the answer that the call's pod has left, records it, and goes on."""
    await deployed(ns, answers_after=ANSWERS_AFTER)
    kind = rolling_back if where == "rollback" else mitigating
    operator = await ns.operator()
    await ns.start(kind(suspending(STOP), once("clear", "restart"), once(START, "resume")))

    async def made() -> bool:
        return "restart" in calls(ns, "worker")

    await until(made, "the platform was called", 150)
    await operator.kill()
    assert done(await ns.status()) == {STOP: "Done", "clear": "Intended"}
    await ns.operator()
    status = await ns.finishes()
    assert done(status) == dict.fromkeys((STOP, "clear", START), "Done")
    assert calls(ns, "worker").count("restart") == 1
    assert calls(ns, "worker").count("suspend") == 1
    assert calls(ns, "worker")[-1] == "resume"
    if where == "mitigation":
        assert [one["state"] for one in mitigations_of(status)] == ["Done"]
        assert status["verdict"] in {"Passed", "Inconclusive"}
    else:
        assert status["verdict"] == "Failed"
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_without_an_operator_the_fuse_of_a_step_resumes_the_worker(ns: TeamNamespace) -> None:
    await deployed(ns)
    body = rolling_back(suspending(STOP), scaling(MORE, 3), within="30s")
    # The second step is never seen, so that the first one stands until somebody ends it.
    body["spec"]["rollback"]["steps"][1]["http"]["verify"]["seen"] = "worker.body.numInstances == 4"
    operator = await ns.operator()
    await ns.start(body)

    async def scaled() -> bool:
        return "scale" in calls(ns, "worker")

    await until(scaled, "both steps were called", 150)
    await operator.kill()

    async def back() -> bool:
        made = calls(ns, "worker")
        return made.count("resume") >= 1 and made.count("scale") >= 2

    await until(back, "the fuses call back", 330)
    await ns.operator()
    status = await ns.finishes(patience=150)
    assert status["verdict"] in {"Failed", "Inconclusive"}
    await ns.nothing_is_left()
