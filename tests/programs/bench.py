"""``make bench``: what a drill costs, against the same policy written by hand. Writes the table of docs/benchmark.md.

Both sides are seen by the same pod, which dials Redis every 10 ms and never waits for an earlier dial; all clocks are
one node's. Ratios of one run are what counts; the absolute numbers are this machine's.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.dialling import ROOT, until
from e2e.namespaces import TeamNamespace, cluster_output, kubectl, redis_failover, small, team_namespace
from gameday.api.lines import events_of
from gameday.api.record import moment
from gameday.api.undo_entries import undo_of
from gameday.cluster.informer import follow_log
from gameday.cluster.resources import CILIUM_NETWORK_POLICIES, PODS, Object
from gameday.model.labels import AGENT
from programs.bench_slots import slots

POLLER = """
import asyncio, json, sys, time
host = sys.argv[1]
async def dial(sent):
    ok = False
    try:
        async with asyncio.timeout(0.25):
            reader, writer = await asyncio.open_connection(host, 6379)
            writer.write(b"PING\\r\\n")
            ok = bool(await reader.read(1))
            writer.transport.abort()
    except (OSError, TimeoutError):
        pass
    print(json.dumps([sent, ok]), flush=True)
async def main():
    due = time.time()
    tasks = set()
    while True:
        task = asyncio.create_task(dial(time.time()))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        due += 0.01
        await asyncio.sleep(max(0, due - time.time()))
asyncio.run(main())
"""
STATUS = "print(open('/proc/1/status').read())"
"""What an agent is asked for its memory: its image has python and no cat."""
QUIET = 5.0
"""Seconds without a change in the cluster before each measurement."""
SHARED = ('"configmaps",verb="get"', '"drills",verb="list"', '"gamedays",verb="list"')
"""What the operator asks as often for one drill as for many."""
HEAD = "| what | ours | raw policy | ratio | goal |\n| --- | --- | --- | --- | --- |"
MARKS = ("<!-- bench -->", "<!-- /bench -->")
"""Between these the table stands in its page."""
PAGE = ROOT / "docs" / "benchmark.md"
ROW = "| {what} | {ours} | {raw} | {ratio} | {goal} |"


@dataclass
class Poller:
    """What the polling pod saw: when each dial was sent, and whether it came through."""

    dials: list[tuple[float, bool]] = field(default_factory=list)

    def first(self, *, good: bool, since: float) -> float | None:
        """When the first dial since then of that outcome was sent, once later dials agree."""
        after = sorted(dial for dial in self.dials if dial[0] >= since)
        for index, (sent, ok) in enumerate(after):
            following = [o for _, o in after[index : index + 5]]
            if ok is good and len(following) == 5 and all(o is good for o in following):
                return sent
        return None

    async def sees(self, *, good: bool, since: float) -> float:
        """Seconds until the first dial of that outcome."""

        async def ask() -> float | None:
            return self.first(good=good, since=since)

        found = await until(ask, "the poller sees the change", 30)
        assert found is not None
        return found - since


async def poller(ns: TeamNamespace) -> tuple[Poller, asyncio.Task[None]]:
    """Start the polling pod with a target's labels; it never gets ready, so no Service sends it anything."""
    redis = (await ns.admin.list(PODS, ns.namespace, "app=redis"))[0][0]["status"]["podIP"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "poller", "labels": {"app": "api"}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "readinessGates": [{"conditionType": "gameday.dev/never-ready"}],
            "containers": [
                {
                    "name": "poller",
                    "image": "localhost/gameday-shop:dev",
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["python3", "-uc", POLLER, redis],
                }
            ],
        },
    }
    ns.apply(pod)
    seen = Poller()

    async def running() -> bool:
        found = await ns.admin.get(PODS, ns.namespace, "poller")
        return found is not None and found.get("status", {}).get("phase") == "Running"

    await until(running, "the poller runs")

    async def follow() -> None:
        async for line in follow_log(ns.admin, ns.namespace, "poller"):
            seen.dials.append(tuple(json.loads(line)))
            del seen.dials[:-20000]

    task = asyncio.create_task(follow())
    await seen.sees(good=True, since=time.time())
    return seen, task


async def timings(runs: int) -> list[str]:
    """Inject and undo, ours against raw."""
    async with team_namespace("bench-timing") as ns:
        ns.opt_in()
        await ns.shop(parts=("api", "redis"), replicas=1)
        seen, task = await poller(ns)
        await ns.operator()
        ours: tuple[list[float], list[float]] = ([], [])
        raw: tuple[list[float], list[float]] = ([], [])
        for run in range(runs):
            injected, undone, policy, pods = await _drill(ns, seen, f"run-{run}")
            ours[0].append(injected)
            ours[1].append(undone)
            injected, undone = await _raw(ns, seen, policy, pods)
            raw[0].append(injected)
            raw[1].append(undone)
            say(f"run {run + 1}/{runs}: inject {ours[0][-1]:.3f} / {raw[0][-1]:.3f} s, ", ours[1][-1], raw[1][-1])
        task.cancel()
    names = ("inject to first failed dial", "undo to first good dial")
    return [_versus(name, ours[i], raw[i], runs) for i, name in enumerate(names)]


def say(text: str, ours: float, raw: float) -> None:
    """Progress, on standard error."""
    print(f"{text}undo {ours:.3f} / {raw:.3f} s", file=sys.stderr)


async def _drill(ns: TeamNamespace, seen: Poller, name: str) -> tuple[float, float, Object, list[Object]]:
    """Times of inject and undo, the policy, and the agents' pods."""
    await ns.start(small(steadyState__duration="5s", outage__duration="8s"), name)
    await ns.reaches(lambda s: any(e["reason"] == "CutProven" for e in events_of(s)), "cut", name=name)
    ours = f"gameday.dev/drill={name}"
    (policy,) = (await ns.admin.list(CILIUM_NETWORK_POLICIES, ns.namespace, ours))[0]
    pods = (await ns.admin.list(PODS, ns.namespace, ours))[0]
    status = await ns.finishes(name)
    assert status["verdict"] == "Passed", status["message"]
    hold = undo_of(status)[0]
    requested, undo = moment(hold["requestedAt"]), moment(hold["undoRequestedAt"])
    times = await seen.sees(good=False, since=requested), await seen.sees(good=True, since=undo)
    # Pods that end make the CNI work: the raw side is to meet it as quiet as the drill did.
    await ns.nothing_is_left()
    return *times, policy, [pod for pod in pods if pod["metadata"]["labels"][AGENT] != "closer"]


async def _raw(ns: TeamNamespace, seen: Poller, policy: Object, pods: list[Object]) -> tuple[float, float]:
    """The same policy by hand, among pods that do what the drill's agents did."""
    for pod in pods:
        metadata = {"name": f"raw-{pod['metadata']['name']}", "labels": pod["metadata"]["labels"]}
        spec = {k: v for k, v in pod["spec"].items() if k not in {"nodeName", "volumes"}}
        spec["volumes"] = [v for v in pod["spec"].get("volumes", ()) if not v["name"].startswith("kube-api-access")]
        await ns.admin.create(PODS, ns.namespace, {"metadata": metadata, "spec": spec})

    async def running() -> bool:
        found = (await ns.admin.list(PODS, ns.namespace, "gameday.dev/drill"))[0]
        return len(found) == len(pods) and all(pod["status"]["phase"] == "Running" for pod in found)

    await until(running, "the copies run")
    await asyncio.sleep(QUIET)
    metadata = {"name": "raw", "labels": policy["metadata"]["labels"]}
    body = {"apiVersion": policy["apiVersion"], "kind": policy["kind"], "metadata": metadata, "spec": policy["spec"]}
    began = time.time()
    await ns.admin.create(CILIUM_NETWORK_POLICIES, ns.namespace, body)
    injected = await seen.sees(good=False, since=began)
    await asyncio.sleep(QUIET)
    began = time.time()
    await ns.admin.delete(CILIUM_NETWORK_POLICIES, ns.namespace, "raw")
    undone = await seen.sees(good=True, since=began)
    for pod in pods:
        await ns.admin.delete(PODS, ns.namespace, f"raw-{pod['metadata']['name']}")
    await ns.nothing_is_left()
    await asyncio.sleep(QUIET)
    return injected, undone


def _versus(what: str, ours: list[float], raw: list[float], runs: int) -> str:
    a, b = statistics.median(ours), statistics.median(raw)
    return ROW.format(
        what=f"{what}, median of {runs}",
        ours=f"{a * 1000:.0f} ms",
        raw=f"{b * 1000:.0f} ms",
        ratio=f"{a / b:.2f}",
        goal="≤ 1.2",
    )


def _figure(what: str, ours: str, goal: str) -> str:
    return ROW.format(what=what, ours=ours, raw="", ratio="", goal=goal)


async def requests(minutes: float) -> list[str]:
    """Requests that a drill of ten minutes causes, at two rates of sampling, side by side."""

    async def one(every: str) -> tuple[int, int]:
        async with team_namespace(f"bench-requests-{every}") as ns:
            ns.opt_in()
            await ns.shop()
            operator = await ns.operator()
            gameday = redis_failover()
            gameday["spec"]["outage"]["duration"] = f"{int(minutes * 60) - 60}s"
            for probe in gameday["spec"]["probes"]:
                probe["interval"] = every
            await until(lambda: _leads(ns), "the operator leads")
            before = await _counted(operator.port)
            await ns.start(gameday)
            status = await ns.finishes(patience=minutes * 60 + 300)
            assert status["verdict"] == "Passed", status["message"]
            await ns.nothing_is_left()
            after = await _counted(operator.port)
            assert after[0] > before[0], "a drill makes requests: none was counted"
            assert after[1] > before[1], "what is asked for all drills was not counted"
            return after[0] - before[0], after[1] - before[1]

    (often, shared), (seldom, _) = await asyncio.gather(one("1s"), one("5s"))
    return [
        _figure(f"requests of a drill of {minutes:g} min, probes every 1 s", f"{often}", "≤ 150"),
        _figure("the same, probes every 5 s", f"{seldom}", "the same"),
        _figure("in the same time, for all drills together", f"{shared}", ""),
    ]


async def _leads(ns: TeamNamespace) -> bool:
    return "leading" in ns.operators[0].says()


async def _counted(port: int) -> tuple[int, int]:
    """Requests so far, but for Leases and watches: of drills, and those that no number of drills makes more.

    The latter ask every few seconds whether drills are halted, and list every minute what is watched.
    """
    process = await asyncio.create_subprocess_exec(
        "curl", "-sf", f"http://127.0.0.1:{port}/metrics", stdout=asyncio.subprocess.PIPE
    )
    text = (await process.communicate())[0].decode()
    assert process.returncode == 0, f"the operator's metrics were not read: curl ended with {process.returncode}"
    counts = {True: 0.0, False: 0.0}
    for line in text.splitlines():
        if line.startswith("gameday_api_requests_total") and "leases" not in line and 'verb="watch"' not in line:
            counts[any(one in line for one in SHARED)] += float(line.rsplit(" ", 1)[1])
    return int(counts[False]), int(counts[True])


async def memory() -> list[str]:
    """RSS of the operator while idle, of an observer and of a witness in the middle of a drill."""
    async with team_namespace("bench-memory") as ns:
        ns.opt_in()
        await ns.shop(parts=("api", "redis"), replicas=1)
        operator = await ns.operator()
        await until(lambda: _leads(ns), "the operator leads")
        await asyncio.sleep(5)
        idle = _rss(_own(operator.process.pid))
        await ns.start(small(outage__duration="20s"))
        await ns.under_cut()
        pods = {}
        for name in ("observer", "witness-0"):
            told = kubectl("-n", ns.namespace, "exec", f"first-{name}", "--", "python3", "-c", STATUS)
            pods[name] = _rss(told.stdout)
        await ns.finishes()
    return [
        _figure("RSS of the operator, idle", f"{idle} MB", "≤ 110 MB"),
        _figure("RSS of the observer", f"{pods['observer']} MB", "≤ 50 MB"),
        _figure("RSS of a witness", f"{pods['witness-0']} MB", "≤ 25 MB"),
    ]


def _own(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


def _rss(status: str) -> int:
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return round(int(line.split()[1]) * 1024 / 1e6)


def published(page: str, rows: list[str]) -> str:
    """The page with these rows as its table."""
    before, _, rest = page.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    assert after, f"the page has no {' and '.join(MARKS)}"
    return "\n".join([before + MARKS[0], HEAD, *rows, MARKS[1] + after])


def main() -> None:
    """Measure, print, and write the page where every part was measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="drills and raw policies to time")
    parser.add_argument("--minutes", type=float, default=10, help="length of the drill whose requests are counted")
    parser.add_argument("--slots", type=int, default=1000, help="GameDays, and CronJobs, that are due at once")
    parser.add_argument("--only", choices=["timings", "requests", "memory", "slots"], action="append")
    options = parser.parse_args()
    os.environ["PATH"] = f"{cluster_output('path')}:{os.environ['PATH']}"
    os.environ["GAMEDAY_KUBECONFIG"] = cluster_output("kubeconfig")
    kubectl("delete", "namespace", "gameday-system", "--ignore-not-found")
    kubectl("apply", "-k", str(ROOT / "crds"))
    parts: dict[str, Callable[[], Any]] = {
        "timings": lambda: timings(options.runs),
        "memory": memory,
        "slots": lambda: slots(options.slots),
        "requests": lambda: requests(options.minutes),
    }
    rows: list[str] = []
    for name, part in parts.items():
        if not options.only or name in options.only:
            rows += asyncio.run(part())
    print("\n".join([HEAD, *rows]))
    if not options.only:
        PAGE.write_text(published(PAGE.read_text(), rows))


if __name__ == "__main__":
    main()
