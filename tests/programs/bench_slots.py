"""A thousand schedules due in the same minute, ours beside Kubernetes' own CronJobs: who is how late.

Both stand in the same namespaces, of the same minute, on the same API server. The CronJobs' Jobs are suspended, and
our Drills end at once because no namespace opted in: what is measured is the calendar. Both sides are seen by the same
process, which watches both kinds and notes when it hears of each new object: ``creationTimestamp`` has whole seconds.
"""

import asyncio
import json
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from e2e.dialling import until
from e2e.namespaces import OperatorProcess, TeamNamespace, kubectl, small, team_namespace
from gameday.cluster.client import Cluster
from gameday.cluster.informer import Informer
from gameday.cluster.resources import DRILLS, GAMEDAYS, JOBS, Object, Resource
from gameday.errors import GameDayError
from gameday.model.labels import SLOT

NAMESPACES = 50
LEAD = 40.0
"""Seconds from the last object's creation until the slot, at least: both sides are to have seen all of them."""
PATIENCE = 600.0


def bodies(cron: str, count: int) -> tuple[Object, Object]:
    """A GameDay and a CronJob, by number."""
    gameday = small()
    gameday["metadata"]["name"] = f"due-{count}"
    gameday["spec"]["schedule"] = {"cron": cron, "timeZone": "Etc/UTC", "startingDeadline": "10m"}
    pod = {"restartPolicy": "Never", "containers": [{"name": "none", "image": "localhost/none"}]}
    cron_job = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": f"due-{count}"},
        "spec": {
            "schedule": cron,
            "timeZone": "Etc/UTC",
            "jobTemplate": {"spec": {"suspend": True, "template": {"spec": pod}}},
        },
    }
    return gameday, cron_job


async def measure(count: int) -> tuple[dict[str, list[float]], int, int]:
    """Skews in seconds by kind, and the operator's RSS in MB before the slot and at most after it."""
    async with team_namespace("bench-slots") as ns:
        places = [f"{ns.namespace}-{number}" for number in range(NAMESPACES)]
        for place in places:
            kubectl("create", "namespace", place)
        try:
            return await _measure(ns, places, count)
        finally:
            kubectl("delete", "namespace", *places, "--wait=false")


async def _measure(ns: TeamNamespace, places: list[str], count: int) -> tuple[dict[str, list[float]], int, int]:
    operator = await ns.operator(everywhere=True)
    seen = {resource.kind: Receipts(ns.admin, resource, set(places)) for resource in (DRILLS, JOBS)}
    watching = [asyncio.create_task(one.run()) for one in seen.values()]
    try:
        return await _see(ns, operator, seen, places, count)
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


async def _see(
    ns: TeamNamespace, operator: OperatorProcess, seen: dict[str, "Receipts"], places: list[str], count: int
) -> tuple[dict[str, list[float]], int, int]:
    minutes = (time.time() + count * 0.06 + LEAD) // 60 + 1
    due = datetime.fromtimestamp(minutes * 60, UTC)
    cron = f"{due.minute} {due.hour} * * *"
    say(f"{count} GameDays and {count} CronJobs due at {due:%H:%M:%S}")
    await asyncio.gather(*(_fill(place, cron, range(n, count, NAMESPACES)) for n, place in enumerate(places)))
    await until(lambda: _all_ready(ns, count), "every GameDay was checked", PATIENCE)
    if time.time() > due.timestamp() - 5:
        raise SystemExit("the objects took too long to make: the minute has passed; give more LEAD")
    idle = rss(operator.process.pid)
    say(f"all are there {due.timestamp() - time.time():.0f} s before the slot; RSS {idle} MB")
    most = idle
    while any(len(one.at) < count for one in seen.values()) or not await _all_over(ns, places, count):
        if operator.process.returncode is not None:
            raise SystemExit(f"the operator ended:\n{operator.says()[-4000:]}")
        most = max(most, rss(operator.process.pid))
        await asyncio.sleep(2)
        if time.time() > due.timestamp() + PATIENCE:
            raise SystemExit("not every slot was seen to run")
    skews = {kind: [at - due.timestamp() for at in one.at.values()] for kind, one in seen.items()}
    return skews, idle, max(most, rss(operator.process.pid))


class Receipts(Informer):
    """When each object of the bench's namespaces was first heard of, as a Unix time, by namespace and name."""

    def __init__(self, cluster: Cluster, resource: Resource, places: set[str]) -> None:
        super().__init__(cluster, resource, None, lambda: None)
        self.places = places
        self.at: dict[tuple[str, str], float] = {}

    def _apply(self, kind: str, thing: Object) -> None:
        where = thing["metadata"].get("namespace", "")
        if kind == "ADDED" and where in self.places:
            self.at.setdefault((where, thing["metadata"]["name"]), time.time())
        super()._apply(kind, thing)


async def _fill(place: str, cron: str, numbers: range) -> None:
    made: list[Any] = [body for number in numbers for body in bodies(cron, number)]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    await asyncio.to_thread(kubectl, "-n", place, "create", "-f", "-", stdin=text)


async def _all_ready(ns: TeamNamespace, count: int) -> bool:
    try:
        found, _ = await ns.admin.list(GAMEDAYS, None)
    except GameDayError:
        return False  # the API server is busy with what was just made: it is asked again
    ready = [g for g in found if g.get("status", {}).get("nextRun") and g["status"].get("conditions")]
    return len([g for g in ready if g["metadata"]["name"].startswith("due-")]) >= count


async def _all_over(ns: TeamNamespace, places: list[str], count: int) -> bool:
    """Whether every Drill has ended. Asked for only once all objects are there: a long list would disturb them."""
    try:
        drills, _ = await ns.admin.list(DRILLS, None, SLOT)
    except GameDayError:
        return False
    here = [drill for drill in drills if drill["metadata"]["namespace"] in places]
    return len([drill for drill in here if drill.get("status", {}).get("phase") == "Finished"]) >= count


def rss(pid: int) -> int:
    """Resident memory in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return round(int(line.split()[1]) * 1024 / 1e6)


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


async def slots(count: int) -> list[str]:
    """The table's rows."""
    skews, idle, most = await measure(count)
    ours, theirs = skews[DRILLS.kind], skews[JOBS.kind]
    for kind, all_ in skews.items():
        deciles = " ".join(f"{at:.1f}" for at in [min(all_), *statistics.quantiles(all_, n=10), max(all_)])
        say(f"{len(all_)} {kind}s, seconds late from the first to the last by tenths: {deciles}")
    rows = []
    for name, percent in (("p50", 50), ("p99", 99)):
        a, b = (statistics.quantiles(side, n=100)[percent - 1] for side in (ours, theirs))
        ratio = f"{a / b:.2f}" if b else ""
        rows.append(
            f"| {count} slots in one minute, {name} lateness (raw: CronJobs) | {a:.1f} s | {b:.1f} s | {ratio} | ≤ 1 |"
        )
    rows.append(f"| RSS of the operator with {count} GameDays on a schedule | {idle} MB |  |  | ≤ 180 MB |")
    rows.append(f"| the same, highest while their {count} drills began and ended | {most} MB |  |  | |")
    return rows
