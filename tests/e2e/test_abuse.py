"""A hundred abusive GameDays beside one good drill: its samples stay on time, its verdict right, the operator small."""

import asyncio
import contextlib
import copy
import itertools
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from e2e.dialling import until
from e2e.namespaces import OperatorProcess, TeamNamespace, kubectl, small, team_namespace
from e2e.test_hostile import HTTP, ready, server
from gameday.api.lines import figures_of
from gameday.cluster.resources import DRILLS, GAMEDAYS, Object
from gameday.controller.gameday.gamedays import read_all
from gameday.errors import GameDayError
from gameday.model.wire import parse_line

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.alone]

ABUSERS = 3
"""Namespaces of abusers; each has a drill that runs, and the others wait for its end."""
GAMEDAYS_OF_EACH = 34
HOSTILE = ("list", "endless", "gzip-bomb", "tiny-chunks", "many-values", "dripping", "100-mb")
BUCKET = re.compile(r'gameday_sample_lag_seconds_bucket\{le="([^"]+)"\} (\S+)')
VICTIM: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "victim", "labels": {"app": "victim"}},
}


def worst(name: str, lasts: str) -> Object:
    """The worst plan that is taken: hostile servers asked each second, and expressions up to what they may cost."""
    gameday = small(outage__duration=lasts, recovery__within="60s", steadyState__expect=[])
    gameday["metadata"]["name"] = name
    spec = gameday["spec"]
    spec["probes"] = [
        {"name": re.sub(r"\W", "_", f"p{path}"), "timeout": "1s", "http": {"url": f"http://hostile:{HTTP}/{path}"}}
        for path in HOSTILE
    ]
    cut: Object = {"podSelector": {"matchLabels": {"app": "victim"}}, "openConnections": "Keep"}
    cut["to"] = ["hostile"]
    spec["dependencies"] = [{"name": "hostile", "tcp": {"service": {"name": "hostile", "port": HTTP}}}]
    spec["outage"]["faults"][0]["networkPartition"] = cut
    spec["outage"]["expect"], spec["recovery"]["expect"] = [], []
    for number in range(32):
        costly = f"plist.body.l.all(x, {'x<2&&' * (40 - number)}true) || pendless.ok || plist.status > {number}"
        spec["outage"]["expect"].append({"name": f"e{number}", "always": costly})
        try:
            read_all(gameday)
        except GameDayError:
            spec["outage"]["expect"].pop()
            break
    read_all(gameday)
    assert len(spec["outage"]["expect"]) >= 3
    return gameday


async def lags(operator: OperatorProcess) -> dict[float, float]:
    """How many samples were read within so many seconds."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{operator.port}/metrics") as answer,
    ):
        return {float(le): float(count) for le, count in BUCKET.findall(await answer.text())}


async def _once_up(operator: OperatorProcess) -> dict[float, float]:
    try:
        return await lags(operator) or {0.0: 0.0}
    except aiohttp.ClientError:
        return {}


def quantile(before: dict[float, float], after: dict[float, float], part: float) -> float:
    """The bucket that holds a part of what was read in between."""
    counts = {le: after[le] - before.get(le, 0.0) for le in sorted(after)}
    total = counts[float("inf")]
    return next(le for le, count in counts.items() if count >= part * total)


def memory(operator: OperatorProcess) -> float:
    """Memory of the process, in MiB."""
    text = Path(f"/proc/{operator.process.pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


async def good_drill(ns: TeamNamespace, operator: OperatorProcess, name: str) -> None:
    """Run the good drill and hold it to what it says when it is alone."""
    before = await until(lambda: _once_up(operator), "the operator answers")
    drill = {"apiVersion": DRILLS.api_version, "kind": "Drill", "metadata": {"name": name}}
    ns.apply(drill | {"spec": {"gameDay": "small"}})
    await ns.in_phase("Recovery", name)
    log = kubectl("-n", ns.namespace, "logs", f"{name}-observer").stdout
    sent = [sample.sent for sample in (parse_line("o", line) for line in log.splitlines()) if sample.name == "health"]
    status = await ns.finishes(name)
    after = await lags(operator)
    gaps = sorted(b - a for a, b in itertools.pairwise(sent))
    p50, p99 = (quantile(before, after, part) for part in (0.5, 0.99))
    took = {m["name"]: m["value"] for m in figures_of(status)}
    print(f"{name}: {status['verdict']}, {after[float('inf')] - before[float('inf')]:.0f} samples read, lag p50 <= "
          f"{p50 * 1000:g} ms, p99 <= {p99 * 1000:g} ms; the observer's samples at most {gaps[-1]:.2f} s apart; "
          f"{took}; operator {memory(operator):.0f} MiB")  # fmt: skip
    assert status["verdict"] == "Passed", status["message"]
    assert gaps[-1] < 3
    assert p50 <= 0.25
    assert p99 <= 2.5
    assert memory(operator) < 350


async def churn(ns: TeamNamespace, plans: list[Object]) -> None:
    """Change the GameDays again and again: each change has to be checked."""
    for number in itertools.count():
        plan = plans[number % len(plans)]
        with contextlib.suppress(GameDayError):
            await ns.admin.patch(
                GAMEDAYS, plan["metadata"]["namespace"], plan["metadata"]["name"],
                {"spec": {"description": f"change {number}"}},
            )  # fmt: skip
        await asyncio.sleep(0.1)


async def abusive(abuser: TeamNamespace, number: int) -> list[Object]:
    """What an abuser does: GameDays as bad as they may be, a drill of each, the first of which runs."""
    abuser.opt_in()
    victim = copy.deepcopy(VICTIM)
    victim["spec"] = copy.deepcopy(next(b for b in server() if b["kind"] == "Pod")["spec"])
    resources = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}}
    victim["spec"]["containers"][0] |= {"command": ["sleep", "3600"], "volumeMounts": [], "resources": resources}
    abuser.apply(*server(), victim)
    await ready(abuser)
    await ready(abuser, "victim")
    plans = []
    for index in range(GAMEDAYS_OF_EACH):
        plan = worst(f"abuse-{number}-{index}", "90s")
        plan["metadata"]["namespace"] = abuser.namespace
        plans.append(plan)
    drills: list[Any] = [
        {
            "apiVersion": DRILLS.api_version,
            "kind": "Drill",
            "metadata": {"name": f"{plan['metadata']['name']}", "namespace": abuser.namespace},
            "spec": {"gameDay": plan["metadata"]["name"], "startBefore": "2099-01-01T00:00:00Z"},
        }
        for plan in plans
    ]
    abuser.apply(*plans, *drills)
    return plans


async def test_a_hundred_abusive_gamedays_do_not_disturb_a_good_drill(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    async with contextlib.AsyncExitStack() as stack:
        abusers = [await stack.enter_async_context(team_namespace(f"abuser-{n}")) for n in range(ABUSERS)]
        operator = await ns.operator(also=[abuser.namespace for abuser in abusers])
        ns.apply(small(outage__duration="20s"))
        await good_drill(ns, operator, "alone")

        plans = list(itertools.chain(*[await abusive(abuser, n) for n, abuser in enumerate(abusers)]))
        assert len(plans) >= 100

        async def running() -> bool:
            drills = [d for a in abusers for d in (await ns.admin.list(DRILLS, a.namespace))[0]]
            phases = [d.get("status", {}).get("phase") for d in drills]
            return sum(phase in {"SteadyState", "Outage"} for phase in phases) >= ABUSERS

        await until(running, "an abusive drill runs in each namespace", 180)
        churning = asyncio.create_task(churn(ns, plans))
        await good_drill(ns, operator, "beside")
        churning.cancel()
        await asyncio.gather(churning, return_exceptions=True)
        phases = [
            str(d.get("status", {}).get("phase"))
            for a in abusers
            for d in (await ns.admin.list(DRILLS, a.namespace))[0]
        ]
        print(f"the abusers' drills afterwards: { ({phase: phases.count(phase) for phase in set(phases)}) }")
        assert operator.process.returncode is None
        assert "internal error" not in operator.says()
        await operator.end()
