"""The commands for people, run as a person of few rights against a real cluster."""

import asyncio
import contextlib
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from e2e.dialling import ROOT, until
from e2e.namespaces import TeamNamespace, kubectl, small
from e2e.people import person

pytestmark = pytest.mark.e2e


def gameday(config: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``gameday`` with a kubeconfig."""
    own = {"KUBECONFIG": str(config), "PYTHONPATH": str(ROOT / "operator"), "NO_COLOR": "1", **environment}
    command = [sys.executable, "-m", "gameday.cli.main", *arguments]
    return subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False)


async def test_a_person_sees_what_comes_and_ends_what_runs(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    weekly = small(schedule={"cron": "0 10 * * 2", "timeZone": "Europe/Berlin"}, outage__duration="50s")
    await ns.start(weekly)
    await ns.in_phase("SteadyState")
    sre, developer = person(ns, "sre").config, person(ns, "developer").config
    here = ("-n", ns.namespace)

    shown = gameday(developer, "next", *here)
    assert shown.returncode == 0, shown.stderr
    header, *rows = shown.stdout.splitlines()
    assert header.split() == ["NAME", "NEXT", "IN", "NOTE"]
    assert len(rows) == 3
    assert all(row.split()[:2] == ["small", "Tue"] and "10:00 CE" in row for row in rows)

    await ns.under_cut()
    refused = gameday(developer, "abort", "first", *here)
    assert refused.returncode == 1
    assert f"may not patch drills.gameday.dev in namespace {ns.namespace}" in refused.stderr
    assert "--verb=get,list,watch,create,patch,delete --resource=drills.gameday.dev" in refused.stderr
    ended = gameday(sre, "abort", "first", *here, "-o", "name")
    assert (ended.returncode, ended.stdout) == (0, "drill.gameday.dev/first\n"), ended.stderr
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Aborted", "Aborted")
    assert "has ended already, Aborted" in gameday(sre, "abort", "first", *here).stdout

    version = gameday(developer, "version", "-n", ns.namespace, "-o", "json")
    assert version.returncode == 0, version.stderr
    told = json.loads(version.stdout)
    assert told["resources"].startswith("gameday.dev/v1alpha1")
    assert "may not list deployments.apps" in told["operator"]
    await ns.nothing_is_left()


async def test_a_drill_is_run_to_its_verdict_and_ci_learns_it(ns: TeamNamespace, tmp_path: Path) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    ns.apply(small())
    report = tmp_path / "report.xml"
    sre = person(ns, "sre").config
    command = ("run", "small", "--junit", str(report), "-n", ns.namespace)
    done = await asyncio.to_thread(gameday, sre, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("drill.gameday.dev/small-")
    assert lines[-1].startswith(f"Passed (AllExpectationsMet): GameDay small in {ns.namespace} passed on ")
    shown = [line[11:].split() for line in lines[1:-1]]
    known = ["Preflight", "Outage", "CutProven", "Recovery", "Finished"]
    assert [words[0] for words in shown if words[0] in known] == known
    assert any(words[:2] == ["Met", "noticed"] for words in shown)
    (suite,) = ET.parse(report).getroot()  # noqa: S314  our own
    assert {case.get("name") for case in suite.iter("testcase")} == {"verdict", "healthy", "noticed", "healthy again"}
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")

    # Nothing notices: the system is as it was, and the plan expects what does not come.
    ns.apply(small(outage__expect=[{"name": "noticed", "becomes": "health.status == 599", "within": "6s"}]))
    failed = await asyncio.to_thread(gameday, sre, "run", "small", "--wait", "-n", ns.namespace, "-o", "json")
    assert failed.returncode == 1, failed.stderr
    drill = json.loads(failed.stdout)
    assert drill["status"]["verdict"] == "Failed"
    await ns.nothing_is_left()

    told = gameday(sre, "explain", drill["metadata"]["name"], "-n", ns.namespace)
    assert told.returncode == 0, told.stderr
    assert "Failed (ExpectationMissed)" in told.stdout.splitlines()[0]
    assert "under it the system missed what was expected: noticed." in told.stdout
    assert "Everything was put back." in told.stdout
    assert re.search(r"\d+\.\d s  CutProven: .*witnesses", told.stdout)
    assert "becomes health.status == 599, within 6.0s" in told.stdout

    past = gameday(sre, "history", "small", "-n", ns.namespace)
    assert past.returncode == 0, past.stderr
    header, passed, missed, _, *turn = past.stdout.splitlines()
    assert header.split()[:2] == ["DRILL", "STARTED"]
    assert (passed.split()[3], missed.split()[3]) == ("Passed", "Failed")
    assert f"{missed.split()[0]} is the first that failed after {passed.split()[0]} had passed" in turn[0]
    assert turn[1].startswith("  the plan differs in spec.outage.expect[0].becomes")
    assert turn[2] == "  the targets had the same images and pod templates"


async def test_ctrl_c_without_a_terminal_leaves_the_drill_to_the_operator(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    ns.apply(small())
    config = person(ns, "sre").config
    own = {"KUBECONFIG": str(config), "PYTHONPATH": str(ROOT / "operator")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gameday.cli.main", "run", "small", "--wait", "-n", ns.namespace,
        env=os.environ | own, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    name = (await process.stdout.readline()).decode().split()[0].partition("/")[2]
    while b"CutProven" not in await process.stdout.readline():
        assert not process.stdout.at_eof()
    process.send_signal(signal.SIGINT)
    _, said = await process.communicate()
    assert process.returncode == 130
    assert f"gameday abort {name} -n {ns.namespace}" in said.decode()
    status = await ns.finishes(name)
    assert status["verdict"] == "Passed", status["message"]
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_drill_is_watched_on_a_terminal_with_and_without_the_right_to_logs(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    await ns.start(small(outage__duration="50s", recovery__within="40s"))
    await ns.in_phase("SteadyState")
    screens = await asyncio.gather(*(watched(ns, person(ns, name).config) for name in ("lord", "sre")))
    whole, status_alone = screens
    for screen in screens:
        for text in ("SteadyState", "Outage", "Recovery", "noticed", "waits", "Met", "Passed"):
            assert text in screen, f"{text} is not shown"
        assert re.search(r"waits +in \d+\.\ds", screen), "no deadline is shown"
    assert re.search("health +[▁▂▃▄▅▆▇█×]+", whole), "no curve is shown"
    assert "without the probes" not in whole
    assert not re.search("health +[▁▂▃▄▅▆▇█×]+", status_alone)
    assert "Only the status is shown, without the probes: user" in status_alone
    assert "may not list pods in namespace" in status_alone
    lines = gameday(person(ns, "sre").config, "watch", "first", "-n", ns.namespace)
    assert lines.returncode == 0, lines.stderr
    assert re.search(r"\d+\.\d s  CutProven ", lines.stdout)
    await ns.nothing_is_left()


async def watched(ns: TeamNamespace, config: Path) -> str:
    """All that ``gameday watch`` draws on a terminal of 200 columns until the drill has ended."""
    own, theirs = pty.openpty()
    environment = {"KUBECONFIG": str(config), "PYTHONPATH": str(ROOT / "operator"), "NO_COLOR": "1", "COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gameday.cli.main", "watch", "-n", ns.namespace,
        stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | environment | {"TERM": "xterm", "LINES": "50"},
    )  # fmt: skip
    os.close(theirs)
    drawn = bytearray()
    reading = asyncio.create_task(asyncio.to_thread(_drained, own, drawn))
    async with asyncio.timeout(200):
        assert await process.wait() == 0, drawn.decode(errors="replace")[-2000:]
        await reading
    os.close(own)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode(errors="replace"))


def _drained(terminal: int, into: bytearray) -> None:
    """Read a terminal to its end, which Linux tells by an error."""
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 4096):
            into += piece


async def test_a_doctor_finds_what_is_wrong_and_nothing_else(ns: TeamNamespace) -> None:
    await ns.operator()
    lord = person(ns, "lord").config
    here = ("-n", ns.namespace, "--operator-namespace", ns.namespace, "-o", "json")

    def found() -> dict[str, str]:
        done = gameday(lord, "doctor", *here)
        assert done.returncode in {0, 1}, done.stderr
        return {one["check"]: one["state"] for one in json.loads(done.stdout)}

    async def well() -> bool:
        return found() | {"versions": "", "images": ""} == WELL

    await until(well, "the doctor finds nothing", 60)
    ns.apply(small(outage__expect=[{"name": "noticed", "becomes": "none.ok"}]))
    kubectl("-n", ns.namespace, "label", "serviceaccount", "gameday", "gameday.dev/opt-in-")

    async def ill() -> bool:
        return found() | {"versions": "", "images": ""} == WELL | {"opt-in": "failed", "gamedays": "failed"}

    await until(ill, "the doctor finds both", 60)


WELL = {
    "resources": "ok", "versions": "", "operator": "ok", "halt": "ok", "limits": "ok", "opt-in": "ok", "rights": "ok",
    "network": "ok", "images": "", "gamedays": "ok",
}  # fmt: skip


async def test_the_commands_that_an_error_names_grant_the_right(ns: TeamNamespace) -> None:
    developer = person(ns, "developer").config
    refused = gameday(developer, "halt", "-n", ns.namespace)
    assert refused.returncode == 1
    ns.apply(small())
    first = gameday(developer, "abort", "none", "-n", ns.namespace)
    assert "there is no Drill none" in first.stderr
    drill = {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "metadata": {"name": "first"}}
    ns.apply(drill | {"spec": {"gameDay": "small"}})
    refused = gameday(developer, "abort", "first", "-n", ns.namespace)
    for line in refused.stderr.splitlines()[1:]:
        kubectl(*shlex.split(line)[1:])

    async def granted() -> bool:
        return gameday(developer, "abort", "first", "-n", ns.namespace).returncode == 0

    await until(granted, "the right is granted", 10)
    assert (await ns.drill())["spec"]["abort"] is True
