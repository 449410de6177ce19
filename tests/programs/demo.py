"""``make demo``: a whole drill against the demo shop, by the commands that people use. The exit code is the verdict's.

``gameday plan`` makes a dry run, ``gameday run --wait`` shows the drill as it goes, ``gameday explain`` says why it
ended so, ``gameday report`` writes its page. This program sets the shop up, and sees that nothing is left.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from gameday.cluster.client import Cluster
from gameday.cluster.resources import (
    CILIUM_NETWORK_POLICIES,
    JOBS,
    LEASES,
    NETWORK_POLICIES,
    PODS,
)
from gameday.errors import NotFound
from gameday.model.labels import DRILL, ROLE

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "tests" / "cluster" / "cluster"
NAMESPACE = "shop"
GAMEDAY: Final = "redis-failover"
REPORT: Final = Path("build") / "demo.html"
"""Where the report is written, in the repository."""

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


def gameday(*arguments: str, told: bool = False) -> tuple[int, str]:
    """Run a command of the program and show it; its exit code, and with ``told`` what it prints for programs."""
    console.print(f"[dim]$ gameday {' '.join(arguments)}[/dim]")
    command = [sys.executable, "-m", "gameday.cli.main", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE if told else None)
    return done.returncode, done.stdout or ""


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


async def see_that_nothing_is_left() -> None:
    """Look into the cluster with the administrator's rights."""
    api = await Cluster.connect(Path(os.environ["KUBECONFIG"]))
    try:
        await clean(api)
    finally:
        await api.close()


def main() -> int:
    """Run the demo."""
    os.environ["PATH"] = f"{cluster('path')}:{os.environ['PATH']}"
    os.environ["KUBECONFIG"] = cluster("kubeconfig")
    kubectl("apply", "-k", "manifests/operator")
    kubectl("-n", "gameday-system", "rollout", "restart", "deployment/gameday-operator")
    kubectl("apply", "-k", "manifests/demo")
    kubectl("-n", "gameday-system", "rollout", "status", "deployment/gameday-operator", "--timeout=180s")
    kubectl("-n", NAMESPACE, "wait", "--for=condition=Available", "deployment", "--all", "--timeout=180s")
    return show()


def show() -> int:
    """Plan, run, explain and report a drill of the shop that is there; the exit code of ``gameday run --wait``."""
    gameday("plan", GAMEDAY, "-n", NAMESPACE)
    # What happens stands on standard error while a program is told the drill's name.
    code, name = gameday("run", GAMEDAY, "-n", NAMESPACE, "--wait", "-o", "name", told=True)
    if not name.strip():
        return code
    drill = name.strip().removeprefix("drill.gameday.dev/")
    gameday("explain", drill, "-n", NAMESPACE)
    (ROOT / REPORT).parent.mkdir(exist_ok=True)
    gameday("report", drill, "-n", NAMESPACE, "-f", str(REPORT))
    asyncio.run(see_that_nothing_is_left())
    subprocess.run(["kubectl", "-n", NAMESPACE, "get", "gamedays,drills"], check=True)
    console.print(f"[dim]look around: export KUBECONFIG={os.environ['KUBECONFIG']}; end the cluster: make down[/dim]")
    return code


if __name__ == "__main__":
    sys.exit(main())
