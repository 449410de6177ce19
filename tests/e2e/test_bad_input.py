"""Bad input, all of it at once: taken, or refused with path and remedy; neither operator nor good drill minds."""

import asyncio
import os
import re
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from e2e.dialling import ROOT, until
from e2e.namespaces import OperatorProcess, TeamNamespace, condition, small
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, GAMEDAYS, Object, Resource
from gameday.errors import GameDayError
from specs import Case, drills, gamedays

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.alone]

KINDS = {"GameDay": GAMEDAYS, "Drill": DRILLS}
FINDING = re.compile(r"(spec(\.[A-Za-z]+(\[\d+\])?)*: .{9,}|the plan has \d+ bytes, .* fit: .+)", re.DOTALL)
REFUSAL = re.compile(
    r"(spec|metadata)[.\[:]|unknown field|name has at most|cannot unmarshal|cannot be handled", re.DOTALL
)
QUIET = 10.0
"""Seconds over which a process with nothing to do is watched."""


async def applied(admin: Cluster, namespace: str, case: Case) -> str:
    """Apply a case as kubectl does, unknown fields refused; the refusal, or "" where it was taken."""
    resource: Resource = KINDS[case.body["kind"]]
    try:
        await admin._call(
            "POST", resource, namespace, body=case.body, query={"fieldValidation": "Strict"}, verb="create"
        )
    except GameDayError as error:
        return str(error)
    return ""


async def metrics(operator: OperatorProcess) -> dict[str, float]:
    """The operator's metrics without labels."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{operator.port}/metrics") as answer,
    ):
        lines = (await answer.text()).splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def cpu_seconds(operator: OperatorProcess) -> float:
    """Processor time that the process has taken."""
    fields = Path(f"/proc/{operator.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def all_ready(ns: TeamNamespace, names: set[str]) -> dict[str, Object]:
    """The Ready condition of every GameDay that was taken, once each has one."""

    async def ask() -> dict[str, Object]:
        items, _ = await ns.admin.list(GAMEDAYS, ns.namespace)
        found = {g["metadata"]["name"]: condition(g.get("status", {}), "Ready") for g in items}
        return found if all(found.get(name) for name in names) else {}

    return await until(ask, "every GameDay has a Ready condition", 60)


async def test_more_than_two_hundred_specs_are_taken_or_refused_with_path_and_remedy(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    operator = await ns.operator()
    await ns.start(small(outage__duration="25s", recovery__within="40s"))
    await ns.in_phase("SteadyState")
    cases = gamedays()
    assert len(cases) >= 200
    began = time.monotonic()
    gate = asyncio.Semaphore(4)

    async def apply(case: Case) -> tuple[Case, str]:
        async with gate:
            return case, await applied(ns.admin, ns.namespace, case)

    answers = await asyncio.gather(*(apply(case) for case in cases))
    took = time.monotonic() - began
    taken = {case.name for case, refusal in answers if not refusal}
    ready = await all_ready(ns, taken)
    waited = time.monotonic() - began - took
    wrong = [f"{case.what}: {why[:300]}" for case, why in answers if why and not REFUSAL.search(why)]
    for case, refusal in answers:
        said = ready.get(case.name, {})
        if not refusal and said["status"] != "True" and not FINDING.match(said["message"]):
            wrong.append(f"{case.what}: Ready=False: {said['message'][:300]}")
    good = [name for name in taken if ready[name]["status"] == "True"]
    print(
        f"{len(cases)} specs in {took:.1f} s: {len(cases) - len(taken)} refused at apply, "
        f"{len(taken) - len(good)} not Ready with a finding, {len(good)} Ready; all told after {waited:.2f} s more"
    )
    assert not wrong, "\n".join(wrong)
    # One has its condition within 2 s, as test_wrong_yaml holds it; here all of them come at once, beside a drill.
    assert waited < 15
    assert min(len(good), len(taken) - len(good), len(cases) - len(taken)) > 10, "all three kinds occur"

    await odd_drills(ns, cases)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    await stays_well(operator)
    await ns.nothing_is_left()


async def odd_drills(ns: TeamNamespace, cases: list[Case]) -> None:
    """Drills with odd specs and odd metadata end with a reason that the page of reasons has."""
    page = (ROOT / "docs" / "reasons.md").read_text()
    odd = drills("small")
    refused: dict[str, str] = {}
    for case in odd:
        if why := await applied(ns.admin, ns.namespace, case):
            refused[case.what] = why
    # A drill of a plan that is not ready, with all its findings.
    late = {"gameDay": cases[1].name, "startBefore": "2020-01-01T00:00:00Z"}
    wrong = [f"{what}: {why}" for what, why in refused.items() if not REFUSAL.search(why)]
    assert not wrong, "\n".join(wrong)
    of_wrong = Case("of a wrong plan", odd[0].body | {"metadata": {"name": "late"}, "spec": late})
    assert not await applied(ns.admin, ns.namespace, of_wrong)

    async def over() -> list[Object]:
        items, _ = await ns.admin.list(DRILLS, ns.namespace)
        others = [item for item in items if item["metadata"]["name"] != "first"]
        return others if others and all(d.get("status", {}).get("phase") == "Finished" for d in others) else []

    ended = await until(over, "every odd drill has ended", 60)
    print(f"{len(odd) + 1} odd drills: {len(refused)} refused at apply, {len(ended)} ended")
    for drill in ended:
        status: Any = drill["status"]
        verdicts = {None} if drill["spec"].get("dryRun") else {"Inconclusive", "Aborted"}
        assert status.get("verdict") in verdicts, drill["metadata"]["name"]
        assert re.search(rf"^\| [^|]*\b{status['reason']}\b", page, re.MULTILINE), status["reason"]
        assert status["message"]


async def stays_well(operator: OperatorProcess) -> None:
    """The same process, without an error of its own, and idle once there is nothing to do."""
    assert operator.process.returncode is None
    assert (await metrics(operator))["gameday_internal_errors_total"] == 0
    assert "internal error" not in operator.says()
    assert "Traceback" not in operator.says()
    before = cpu_seconds(operator)
    await asyncio.sleep(QUIET)  # what is watched is that nothing happens
    share = (cpu_seconds(operator) - before) / QUIET
    print(f"processor afterwards: {100 * share:.1f} % of one core")
    assert share < 0.2
