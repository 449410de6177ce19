"""The tutorial, word for word: its files and commands lead from a namespace with a service to a verdict."""

import asyncio
import os
import subprocess
import sys
from typing import Final

import pytest

import tutorial
from e2e.dialling import ROOT, kubeconfig
from e2e.namespaces import TeamNamespace
from gameday.api.lines import events_of, expectations_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

INSTALLED: Final = "gameday-system"
"""Where the tutorial has the operator; that of a stage runs beside the cluster."""
LAST: Final = "Go on"
"""The section that takes things away again."""


def of(namespace: str, words: list[str]) -> list[str]:
    """A command of the page in another namespace."""
    moved = [namespace if words[index - 1] == "-n" else word for index, word in enumerate(words)]
    found = [str(ROOT / word) if words[index - 1] == "-k" else word for index, word in enumerate(moved)]
    return [sys.executable, "-m", "gameday.cli.main", *found[1:]] if found[0] == "gameday" else found


async def follow(ns: TeamNamespace, title: str) -> list[str]:
    """Run the commands of a section as a reader does, one after the other; what each of them says."""
    said = []
    for words in tutorial.commands()[title]:
        if INSTALLED in words:
            continue
        process = await asyncio.create_subprocess_exec(
            *of(ns.namespace, words),
            cwd=ns.folder,
            env=os.environ | {"KUBECONFIG": str(kubeconfig()), "PYTHONPATH": str(ROOT / "operator"), "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0, f"{' '.join(words)}: {out.decode()}"
        said.append(out.decode())
    return said


async def test_the_tutorial_leads_to_a_verdict_and_leaves_no_trace(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    tutorial.save(ns.folder, ns.namespace)
    *sections, last = tutorial.commands()
    assert last == LAST
    said = {}
    for title in sections:
        if title == "See what happened":
            # A pod of ours has up to 20 s to end, and the page says so.
            await ns.nothing_is_left()
        said[title] = await follow(ns, title)
    status = await ns.status(tutorial.DRILL)
    assert status["verdict"] == "Passed", status["message"]
    assert "Nothing refuses a drill now" in said["Write the plan"][-1]
    _, summary, expectations, explained = said["Read the verdict"]
    assert summary.startswith(f"GameDay {tutorial.GAMEDAY} in {ns.namespace} passed on ")
    assert len(expectations.splitlines()) == len(expectations_of(status)) == 4
    assert f"Drill {tutorial.DRILL} of GameDay {tutorial.GAMEDAY} in namespace {ns.namespace}: Passed" in explained
    timeline, left, _ = said["See what happened"]
    assert len(timeline.splitlines()) == len(events_of(status))
    assert left.startswith("No resources found")
    assert (ns.folder / f"{tutorial.DRILL}.html").read_text().startswith("<!doctype html>")
    await follow(ns, last)
