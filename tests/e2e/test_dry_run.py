"""A dry run on a cluster: it names what a drill would act on, changes nothing, and leaves nothing."""

import re

import aiohttp
import pytest

from e2e.namespaces import TeamNamespace, small
from gameday.cluster.resources import GAMEDAYS, JOBS, LEASES, PODS, Object

pytestmark = [pytest.mark.e2e]


async def planned(ns: TeamNamespace, gameday: Object, name: str = "first") -> Object:
    """The status of a dry run of a GameDay, once everything of it is gone."""
    before = {pod["metadata"]["uid"] for pod in await pods(ns)}
    await ns.start(gameday, name, dryRun=True)
    status = await ns.finishes(name)
    await ns.nothing_is_left()
    assert {pod["metadata"]["uid"] for pod in await pods(ns)} == before
    assert "verdict" not in status
    assert (status["changed"], status["undo"], status["expectations"]) == (False, [], [])
    return status


async def pods(ns: TeamNamespace) -> list[Object]:
    """The pods of the namespace."""
    found, _ = await ns.admin.list(PODS, ns.namespace)
    return list(found)


async def test_a_dry_run_says_what_a_drill_would_do_and_a_drill_runs_afterwards(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=2)
    operator = await ns.operator()
    status = await planned(ns, small(), "dry")
    assert (status["reason"], status["phase"]) == ("Planned", "Finished"), status["message"]
    found = status["dryRun"]
    names = sorted(p["metadata"]["name"] for p in await pods(ns) if p["metadata"]["labels"].get("app") == "api")
    assert found["targets"] == [f"partition (networkPartition): Deployment api, 2 pods: {', '.join(names)}"]
    assert "2 of 2 ready pods of Deployment api, 100%" in found["limits"][0]
    assert any(line.startswith("pods: list, watch, create, delete") for line in found["rights"])
    assert not any("missing" in line for line in found["rights"])
    assert all(": ok after " in line for line in found["probes"])
    assert len(found["expectations"]) == len(small()["spec"]["outage"]["expect"]) + sum(
        len(small()["spec"][stage].get("expect", ())) for stage in ("steadyState", "recovery")
    )
    gameday = await ns.admin.get(GAMEDAYS, ns.namespace, "small")
    assert gameday is not None
    assert "lastDrill" not in gameday["status"]
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{operator.port}/metrics") as answer:
        counted = [line for line in (await answer.text()).splitlines() if line.startswith("gameday_drills_total{")]
    assert counted
    assert all(line.endswith(" 0.0") for line in counted), counted

    await ns.start(small(), "real")
    real = await ns.finishes("real")
    assert real["verdict"] == "Passed", real["message"]
    assert "dryRun" not in real
    (target,) = real["targets"]
    assert re.fullmatch(
        r"Deployment api: template [0-9a-z]+; \w+=localhost/gameday-shop:\S+( \([0-9a-f]{12}\))?", target
    )


async def test_a_dry_run_refuses_what_a_drill_would_and_says_why(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    nobody = small(outage__faults__0__networkPartition__podSelector={"matchLabels": {"app": "nobody"}})
    status = await planned(ns, nobody, "nobody")
    assert status["reason"] == "Refused"
    assert any("no running pod matches" in line for line in status["dryRun"]["refusals"])
    assert status["dryRun"]["targets"] == ["partition (networkPartition): no pod of this namespace"]
    assert "probes" not in status["dryRun"], "nothing was started"

    unsteady = small(steadyState__expect=[{"name": "odd", "always": "health.status == 418"}])
    status = await planned(ns, unsteady, "unsteady")
    assert status["reason"] == "Refused"
    assert "steadyState: odd is false now; make it true first" in status["dryRun"]["refusals"]


async def test_a_dry_run_whose_operator_dies_leaves_nothing(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    operator = await ns.operator()
    await ns.start(small(), dryRun=True)
    await ns.in_phase("SteadyState")
    await operator.kill()
    jobs, _ = await ns.admin.list(JOBS, ns.namespace)
    assert not jobs, "a dry run arms no fuse"
    agents = [pod for pod in await pods(ns) if "gameday.dev/agent" in pod["metadata"]["labels"]]
    assert all(pod["spec"]["activeDeadlineSeconds"] <= 240 + 30 for pod in agents)
    await ns.operator()
    status = await ns.finishes()
    assert status["reason"] == "Planned", status["message"]
    await ns.nothing_is_left()
    assert await ns.admin.get(LEASES, ns.namespace, "gameday") is None
