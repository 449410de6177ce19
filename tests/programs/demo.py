"""``make demo``: a whole drill against the demo shop, shown as it goes. The exit code is 0 when it passed."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from gameday.api.lines import events_of, expectations_of, figures_of
from gameday.cluster.client import Cluster
from gameday.cluster.informer import Informer
from gameday.cluster.resources import (
    CILIUM_NETWORK_POLICIES,
    DRILLS,
    JOBS,
    LEASES,
    NETWORK_POLICIES,
    PODS,
    Object,
)
from gameday.errors import NotFound
from gameday.model.labels import DRILL, ROLE

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "tests" / "cluster" / "cluster"
NAMESPACE = "shop"
COLOURS = {"Passed": "green", "Failed": "red", "Inconclusive": "yellow", "Aborted": "yellow"}
STATES = {"Met": "green", "AlwaysTrue": "green", "Missed": "red", "Unknown": "yellow"}
PATIENCE = 600.0
"""Seconds after which the demo gives up; the drill goes on."""

console = Console(highlight=False, soft_wrap=True)


def cluster(*arguments: str) -> str:
    """What ``tests/cluster/cluster`` answers."""
    return subprocess.run([str(CLUSTER), *arguments], check=True, capture_output=True, text=True).stdout.strip()


def kubectl(*arguments: str) -> str:
    """Run kubectl and show the command, so that a reader can do the same."""
    console.print(f"[dim]$ kubectl {' '.join(arguments)}[/dim]")
    done = subprocess.run(["kubectl", *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        console.print(done.stderr, style="red", markup=False)
        raise SystemExit(1)
    return done.stdout.strip()


async def follow(api: Cluster, name: str) -> Object:
    """Show the drill's timeline as it grows; its last state."""
    changed = asyncio.Event()
    informer = Informer(api, DRILLS, NAMESPACE, changed.set, fields=f"metadata.name={name}")
    watching = asyncio.create_task(informer.run())
    shown = judged = 0
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                await changed.wait()
                changed.clear()
                drill = informer.objects.get(name, {})
                status = drill.get("status", {})
                lines, expectations = events_of(status), expectations_of(status)
                for line in sorted(lines[shown:] + [judgement(e) for e in expectations[judged:]], key=_at):
                    tell(line, lines[0]["at"])
                shown, judged = len(lines), len(expectations)
                if status.get("phase") == "Finished" and not drill["metadata"].get("finalizers"):
                    return drill
    finally:
        watching.cancel()


def judgement(expectation: dict[str, Any]) -> dict[str, Any]:
    """What came of an expectation, as a line of the timeline."""
    after = f" after {expectation['seconds']:.1f} s" if "seconds" in expectation else ""
    text = f"{expectation['name']}{after}"
    bad = expectation["state"] in {"Missed", "Unknown"}
    return {"at": expectation["at"], "reason": expectation["state"], "message": text} | (
        {"warning": True} if bad else {}
    )


def _at(line: dict[str, Any]) -> str:
    at: str = line["at"]
    return at


def tell(line: dict[str, Any], began: str) -> None:
    """One line of the timeline, with the seconds since the drill began."""
    since = (datetime.fromisoformat(line["at"]) - datetime.fromisoformat(began)).total_seconds()
    style = "yellow" if line.get("warning") else "bold" if line["reason"] in PHASES else ""
    console.print(f"{since:7.1f} s  {line['reason']:<22} {line['message']}", style=style, markup=False)


PHASES = {"Preflight", "SteadyState", "Outage", "Recovery", "Rollback", "Finished"}


def report(status: dict[str, Any]) -> None:
    """The verdict, each expectation, each figure."""
    table = Table(title="expectations", title_justify="left")
    for column in ("stage", "expectation", "state", "after"):
        table.add_column(column)
    for e in expectations_of(status):
        after = f"{e['seconds']:.1f} s" if "seconds" in e else ""
        table.add_row(e["stage"], e["name"], f"[{STATES.get(e['state'], '')}]{e['state']}[/]", after)
    console.print(table)
    figures = Table(title="measured", title_justify="left")
    for column in ("figure", "value", "unit", "resolution"):
        figures.add_column(column)
    for f in figures_of(status):
        figures.add_row(f["name"], f"{f['value']:g}", f["unit"], f"± {f['resolution']:g}" if "resolution" in f else "")
    console.print(figures)
    colour = COLOURS[status["verdict"]]
    console.print(f"verdict: [bold {colour}]{status['verdict']}[/] ({status['reason']}): {status['message']}")


async def left_behind(api: Cluster) -> list[str]:
    """What the drill left in the cluster; its own record is none."""
    left = []
    for resource in (CILIUM_NETWORK_POLICIES, NETWORK_POLICIES):
        with contextlib.suppress(NotFound):  # the kind is not installed
            items, _ = await api.list(resource, NAMESPACE, DRILL)
            left += [f"{resource.kind} {item['metadata']['name']}" for item in items]
    for resource in (PODS, JOBS):
        items, _ = await api.list(resource, NAMESPACE, DRILL)
        left += [f"{resource.kind} {i['metadata']['name']}" for i in items if i["metadata"]["labels"][ROLE] != "step"]
    if await api.get(LEASES, NAMESPACE, "gameday") is not None:
        left.append("Lease gameday")
    return left


async def clean(api: Cluster) -> None:
    """Wait until the agents' pods have ended."""
    end = time.monotonic() + 30
    while left := await left_behind(api):
        if time.monotonic() > end:
            console.print(f"left behind: {', '.join(left)}", style="red")
            raise SystemExit(1)
        await asyncio.sleep(0.5)
    console.print("left behind in the cluster: nothing")


async def watch(name: str) -> Object:
    """Show the drill to its end; the Drill."""
    api = await Cluster.connect(Path(os.environ["KUBECONFIG"]))
    try:
        drill = await follow(api, name)
        report(drill["status"])
        await clean(api)
    finally:
        await api.close()
    return drill


def main() -> int:
    """Run the demo."""
    os.environ["PATH"] = f"{cluster('path')}:{os.environ['PATH']}"
    os.environ["KUBECONFIG"] = cluster("kubeconfig")
    kubectl("apply", "-k", "manifests/operator")
    kubectl("-n", "gameday-system", "rollout", "restart", "deployment/gameday-operator")
    kubectl("apply", "-k", "manifests/demo")
    kubectl("-n", "gameday-system", "rollout", "status", "deployment/gameday-operator", "--timeout=180s")
    kubectl("-n", NAMESPACE, "wait", "--for=condition=Available", "deployment", "--all", "--timeout=180s")
    name = kubectl("create", "-f", "manifests/demo/drill.yaml", "-o", "name")
    drill = asyncio.run(watch(name.removeprefix("drill.gameday.dev/")))
    subprocess.run(["kubectl", "-n", NAMESPACE, "get", "gamedays,drills"], check=True)
    console.print(f"[dim]look around: export KUBECONFIG={os.environ['KUBECONFIG']}; end the cluster: make down[/dim]")
    return 0 if drill["status"]["verdict"] == "Passed" else 1


if __name__ == "__main__":
    sys.exit(main())
