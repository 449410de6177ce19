"""``gameday plan`` against a real cluster: what it shows is so, and whatever it created is gone afterwards."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
import yaml

from e2e.dialling import ROOT, until
from e2e.namespaces import TeamNamespace, small
from e2e.people import person
from e2e.test_commands import gameday
from gameday.cluster.resources import DRILLS, GAMEDAYS, PODS, Object

pytestmark = pytest.mark.e2e


def written(folder: Path, body: Object, name: str = "gameday.yaml") -> str:
    """A GameDay as a file of a team's repository."""
    path = folder / name
    path.write_text(yaml.safe_dump(body))
    return str(path)


async def left(ns: TeamNamespace) -> list[str]:
    """All GameDays, Drills and agents in the namespace but the team's own GameDay."""
    found: list[str] = []
    for resource in (GAMEDAYS, DRILLS):
        items, _ = await ns.admin.list(resource, ns.namespace)
        found += [f"{resource.kind} {one['metadata']['name']}" for one in items if one["metadata"]["name"] != "small"]
    return [*found, *await ns.left_behind()]


async def all_gone(ns: TeamNamespace) -> None:
    """Wait until it is: what a Drill owns is collected a moment after it."""

    async def gone() -> bool:
        return not await left(ns)

    try:
        await until(gone, "all of the dry run is gone", 60)
    except AssertionError:
        raise AssertionError(f"left: {await left(ns)}") from None


async def test_a_gameday_of_the_cluster_is_planned_by_who_may_run_it(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    ns.apply(small(schedule={"cron": "0 10 * * 2", "timeZone": "Europe/Berlin"}))
    sre, developer = person(ns, "sre").config, person(ns, "developer").config

    shown = gameday(sre, "plan", "small", "-n", ns.namespace)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert shown.stdout.startswith(f"Dry run of GameDay small in namespace {ns.namespace}: Planned\n")
    await all_gone(ns)
    pods, _ = await ns.admin.list(PODS, ns.namespace)
    (api,) = [pod["metadata"]["name"] for pod in pods if pod["metadata"]["labels"].get("app") == "api"]
    assert f"\n  partition (networkPartition): Deployment api, 1 pod: {api}\n" in shown.stdout
    assert "\n  health: ok after " in shown.stdout
    assert "\n  SteadyState \"healthy\": true: always health.body.redis == 'ok'\n" in shown.stdout
    assert shown.stdout.count(":00 CE") == 3

    refused = gameday(developer, "plan", "small", "-n", ns.namespace)
    assert refused.returncode == 2
    assert f"may not create drills.gameday.dev in namespace {ns.namespace}" in refused.stderr
    small_one = await ns.admin.get(GAMEDAYS, ns.namespace, "small")
    assert small_one is not None
    assert "lastDrill" not in small_one["status"]


async def test_a_file_is_planned_and_nothing_of_it_stays(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    lord = person(ns, "lord").config
    body = small(schedule={"cron": "* * * * *", "timeZone": "Etc/UTC"})
    shown = gameday(lord, "plan", written(ns.folder, body), "-n", ns.namespace, "-o", "json")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    found = json.loads(shown.stdout)
    assert (found["gameDay"], found["reason"]) == ("small", "Planned")
    assert len(found["nextRuns"]) == 3
    await all_gone(ns)
    assert await ns.admin.get(GAMEDAYS, ns.namespace, "small") is None, "it never had its own name in the cluster"

    nobody = small(outage__faults__0__networkPartition__podSelector={"matchLabels": {"app": "nobody"}})
    shown = gameday(lord, "plan", written(ns.folder, nobody, "nobody.yaml"), "-n", ns.namespace)
    assert shown.returncode == 1, shown.stdout + shown.stderr
    assert "\nRefused by\n" in shown.stdout
    assert "no running pod matches: correct the labels, or start the workload" in shown.stdout
    await all_gone(ns)


async def test_ctrl_c_deletes_what_was_created(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    lord = person(ns, "lord").config
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gameday.cli.main", "plan", written(ns.folder, small()), "-n", ns.namespace,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"KUBECONFIG": str(lord), "PYTHONPATH": str(ROOT / "operator"), "NO_COLOR": "1"},
    )  # fmt: skip

    async def measuring() -> bool:
        drills, _ = await ns.admin.list(DRILLS, ns.namespace)
        return any(one.get("status", {}).get("phase") == "SteadyState" for one in drills)

    await until(measuring, "its agents are started", 60)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert process.returncode == 130, err.decode()
    assert out == b""
    await all_gone(ns)
