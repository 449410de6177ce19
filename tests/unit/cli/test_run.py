"""``gameday run`` as a process: what it prints, its exit code, its JUnit file, and what signals do to the drill."""

import asyncio
import contextlib
import json
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from gameday.cli import run as starting
from gameday.cli.progress import Happened
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, Object
from unit.api_server import ApiServer

ROOT = Path(__file__).parents[3]
PATIENCE = 30.0
READY = {"type": "Ready", "status": "True", "reason": "PlanValid", "message": "1 probe"}
BEGAN = "2026-11-24T12:00:00.000Z"
LINES = [f"{BEGAN} Preflight: looking", "2026-11-24T12:00:05.500Z CutProven: witnesses cut off"]
EXPECTATIONS = [
    'Outage "noticed": Met after 1.402 s ± 1 s at 2026-11-24T12:00:07.000Z',
    'Recovery "well again": Missed at 2026-11-24T12:00:30.000Z: it was false at the deadline',
]
DONE = {
    "phase": "Finished",
    "startedAt": BEGAN,
    "finishedAt": "2026-11-24T12:00:40.000Z",
    "timeline": [*LINES, "2026-11-24T12:00:40.000Z Finished: done"],
    "expectations": EXPECTATIONS,
    "measurements": {"timeToDetect": "1.402 seconds ± 1"},
}


class Running:
    """A process of the command, and the drill that it created."""

    def __init__(self, server: ApiServer, process: asyncio.subprocess.Process) -> None:
        self.server = server
        self.process = process

    async def drill(self) -> Object:
        """The drill, once it is there."""
        changed = asyncio.Event()
        self.server.store.listeners.append(lambda _: changed.set())
        async with asyncio.timeout(PATIENCE):
            while not (found := [thing for key, thing in self.server.objects.items() if key[0] == "drills"]):
                await changed.wait()
                changed.clear()
        return found[0]

    async def become(self, **status: Any) -> None:
        """What the operator writes."""
        metadata = (await self.drill())["metadata"]
        self.server.store.status(DRILLS, "shop", metadata["name"], metadata["uid"], **status)

    async def line(self) -> str:
        """Its next line on standard output."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return (await self.process.stdout.readline()).decode().rstrip()

    async def ends(self) -> tuple[int, str, str]:
        """Exit code, and the rest of both outputs."""
        async with asyncio.timeout(PATIENCE):
            out, err = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, (out or b"").decode(), (err or b"").decode()


def plan(server: ApiServer, ready: Object = READY, seen: int = 1) -> None:
    status = {"conditions": [ready], "observedGeneration": seen}
    server.put("gamedays", "shop", {"metadata": {"name": "redis"}, "spec": {}, "status": status})


def environment(server: ApiServer, folder: Path) -> dict[str, str]:
    config = str(server.kubeconfig(folder, "shop"))
    return os.environ | {"KUBECONFIG": config, "PYTHONPATH": str(ROOT / "operator"), "NO_COLOR": "1"}


@contextlib.asynccontextmanager
async def running(
    server: ApiServer, folder: Path, *arguments: str, terminal: int | None = None, given_up: float | None = None
) -> AsyncIterator[Running]:
    """Run ``gameday run``; ``terminal`` is the person's, where there is one; ``given_up`` shortens ``GIVEN_UP``."""
    sooner = f"from gameday.cli import main, run; run.GIVEN_UP = {given_up}; main.app()"
    program = ("-m", "gameday.cli.main") if given_up is None else ("-c", sooner)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, "run", *arguments,
        stdin=asyncio.subprocess.DEVNULL if terminal is None else terminal,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE if terminal is None else terminal,
        env=environment(server, folder),
    )  # fmt: skip
    try:
        yield Running(server, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_it_creates_a_drill_and_says_its_name(api_server: ApiServer, tmp_path: Path) -> None:
    plan(api_server)
    async with running(api_server, tmp_path, "redis") as one:
        code, out, _ = await one.ends()
        drill = await one.drill()
    assert code == 0
    assert out == f"drill.gameday.dev/{drill['metadata']['name']} created\n"
    assert drill["metadata"]["name"].startswith("redis-")
    assert drill["spec"] == {"gameDay": "redis"}


@pytest.mark.parametrize(
    ("verdict", "changed", "code"),
    [
        ("Passed", True, 0),
        ("Failed", True, 1),
        ("Inconclusive", True, 3),
        ("Inconclusive", None, 3),
        ("Aborted", False, 4),
        ("Inconclusive", False, 5),
    ],
)
async def test_its_exit_code_is_the_verdict(
    api_server: ApiServer, tmp_path: Path, verdict: str, changed: bool | None, code: int
) -> None:
    plan(api_server)
    told = {} if changed is None else {"changed": changed}
    async with running(api_server, tmp_path, "redis", "--wait") as one:
        await one.become(phase="Preflight", timeline=LINES[:1])
        await one.become(**DONE, **told, verdict=verdict, reason="Why", summary="GameDay redis ended")
        ended, out, err = await one.ends()
    assert (ended, err) == (code, "")
    assert out.splitlines()[-1] == f"{verdict} (Why): GameDay redis ended"


async def test_it_ends_once_the_gameday_shows_the_drill(api_server: ApiServer, tmp_path: Path) -> None:
    """`kubectl get gamedays` right behind it would show the verdict of the drill before."""
    plan(api_server)
    async with running(api_server, tmp_path, "redis", "--wait") as one:
        await one.become(**DONE, verdict="Passed", reason="Why", message="met", unreported=True)
        while not (line := await one.line()).endswith("done"):
            assert line
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one.process.wait(), 1.0)
        await one.become(**DONE, verdict="Passed", reason="Why", message="met", unreported=False)
        code, out, err = await one.ends()
    assert (code, out, err) == (0, "Passed (Why): met\n", "")


@pytest.mark.parametrize("deleted", [False, True], ids=["never shown", "deleted meanwhile"])
async def test_a_drill_that_no_gameday_shows_keeps_its_verdict(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, deleted: bool
) -> None:
    monkeypatch.setattr(starting, "SHOWN_WITHIN", PATIENCE if deleted else 0.3)
    api_server.put("drills", "shop", {"metadata": {"name": "first"}, "spec": {"gameDay": "redis"}})
    drill = api_server.objects["drills", "shop", "first"]
    drill["metadata"]["namespace"] = "shop"
    status = DONE | {"verdict": "Passed", "reason": "Why", "message": "met", "unreported": True}
    api_server.store.status(DRILLS, "shop", "first", drill["metadata"]["uid"], **status)

    def told(one: Happened) -> None:
        if deleted and one.reason == "Finished":
            asyncio.get_running_loop().call_soon(api_server.drop, "drills", "shop", "first")

    async with asyncio.timeout(PATIENCE / 2):
        outcome = await starting.wait(cluster, drill, told, starting.Signals())
    assert (outcome.code, outcome.message) == (0, "Passed (Why): met")


async def test_what_happens_is_shown_as_it_happens_and_once(api_server: ApiServer, tmp_path: Path) -> None:
    plan(api_server)
    async with running(api_server, tmp_path, "redis", "--wait") as one:
        assert (await one.line()).endswith(" created")
        await one.become(phase="Preflight", timeline=LINES[:1])
        assert await one.line() == "    0.0 s  Preflight              looking"
        await one.become(phase="Outage", timeline=LINES)
        assert await one.line() == "    5.5 s  CutProven              witnesses cut off"
        await one.become(**DONE, verdict="Failed", reason="ExpectationMissed", message="missed")
        code, out, _ = await one.ends()
    assert code == 1
    assert out.splitlines() == [
        "    7.0 s  Met                    noticed after 1.4 s",
        "   30.0 s  Missed                 well again: it was false at the deadline",
        "   40.0 s  Finished               done",
        "Failed (ExpectationMissed): missed",
    ]


async def test_a_summary_that_is_cut_says_where_the_rest_is(api_server: ApiServer, tmp_path: Path) -> None:
    plan(api_server)
    async with running(api_server, tmp_path, "redis", "--wait") as one:
        name = (await one.drill())["metadata"]["name"]
        await one.become(**DONE, verdict="Failed", reason="Why", summary="missed: a, b…", message="missed: a, b, c")
        _, out, _ = await one.ends()
    assert out.splitlines()[-2:] == [
        "Failed (Why): missed: a, b…",
        f"That was cut: `kubectl -n shop describe drill {name}` has all of it.",
    ]


async def test_what_is_left_in_the_cluster_is_said_loudly(api_server: ApiServer, tmp_path: Path) -> None:
    plan(api_server)
    left = {"type": "FaultsCleared", "status": "False", "reason": "UndoOverdue", "message": "still to be undone: x"}
    async with running(api_server, tmp_path, "redis", "--wait") as one:
        await one.become(**DONE, verdict="Inconclusive", changed=True, conditions=[left])
        code, out, _ = await one.ends()
    assert code == 3
    assert "SOMETHING IS LEFT: still to be undone: x" in out


async def test_programs_get_the_drill_alone_on_standard_output(api_server: ApiServer, tmp_path: Path) -> None:
    plan(api_server)
    async with running(api_server, tmp_path, "redis", "--wait", "-o", "json") as one:
        await one.become(**DONE, verdict="Passed", changed=True)
        code, out, err = await one.ends()
    assert code == 0
    assert json.loads(out)["status"]["verdict"] == "Passed"
    assert "CutProven" in err
    async with running(api_server, tmp_path, "redis", "-o", "yaml") as one:
        _, out, _ = await one.ends()
    assert yaml.safe_load(out)["spec"] == {"gameDay": "redis"}
    async with running(api_server, tmp_path, "redis", "-o", "name") as one:
        _, out, _ = await one.ends()
    assert out.startswith("drill.gameday.dev/redis-")


async def test_ci_gets_junit(api_server: ApiServer, tmp_path: Path) -> None:
    plan(api_server)
    report = tmp_path / "report.xml"
    unknown = 'Recovery "jobs \\u0001flow": Unknown at 2026-11-24T12:00:30.000Z: no sample'
    never = 'Recovery "fast": Unknown at 2026-11-24T12:00:30.000Z (NotReached): it was never decided'
    async with running(api_server, tmp_path, "redis", "--junit", str(report)) as one:
        told = DONE | {"expectations": [*EXPECTATIONS, unknown, never]}
        await one.become(**told, verdict="Failed", reason="ExpectationMissed", message="missed: <it>", changed=True)
        code, *_ = await one.ends()
    assert code == 1
    (suite,) = ET.parse(report).getroot()  # noqa: S314  our own
    assert suite.attrib == {
        "name": "gameday.shop.redis", "tests": "5", "failures": "2", "errors": "1", "skipped": "1",
        "time": "40.000", "timestamp": BEGAN,
    }  # fmt: skip
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert [name for name, case in cases.items() if not len(case)] == ["noticed"]
    assert cases["noticed"].attrib == {"classname": "redis.Outage", "name": "noticed", "time": "1.402"}
    assert cases["verdict"][0].get("message") == "ExpectationMissed: missed: <it>"
    assert cases["well again"][0].tag == "failure"
    assert cases["jobs \ufffdflow"][0].tag == "error"
    assert cases["fast"][0].tag == "skipped"
    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert properties["timeToDetect"] == "1.402 seconds"
    assert properties["verdict"] == "Failed"


async def test_a_drill_that_tested_nothing_is_no_success_for_ci(api_server: ApiServer, tmp_path: Path) -> None:
    plan(api_server)
    report = tmp_path / "report.xml"
    async with running(api_server, tmp_path, "redis", "--junit", str(report)) as one:
        await one.become(phase="Finished", verdict="Inconclusive", reason="Busy", message="held", changed=False)
        code, *_ = await one.ends()
    assert code == 5
    (suite,) = ET.parse(report).getroot()  # noqa: S314  our own
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")


async def test_a_drill_that_was_deleted_is_no_success_for_ci(api_server: ApiServer, tmp_path: Path) -> None:
    plan(api_server)
    report = tmp_path / "report.xml"
    async with running(api_server, tmp_path, "redis", "--junit", str(report)) as one:
        await one.become(phase="Outage", timeline=LINES, expectations=EXPECTATIONS[:1])
        while "CutProven" not in await one.line():
            pass
        name = (await one.drill())["metadata"]["name"]
        api_server.drop("drills", "shop", name)
        code, *_ = await one.ends()
    assert code == 4
    (suite,) = ET.parse(report).getroot()  # noqa: S314  our own
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "1")
    error = suite.find("testcase[@name='verdict']/error")
    assert error is not None
    assert error.get("type") == "NoVerdict"
    assert f"drill {name} was deleted" in (error.text or "")


async def test_a_drill_that_no_operator_took_is_no_success_for_ci(api_server: ApiServer, tmp_path: Path) -> None:
    plan(api_server)
    report = tmp_path / "report.xml"
    async with running(api_server, tmp_path, "redis", "--junit", str(report), given_up=0.5) as one:
        code, *_ = await one.ends()
    assert code == 5
    (suite,) = ET.parse(report).getroot()  # noqa: S314  our own
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    error = suite.find("testcase[@name='verdict']/error")
    assert error is not None
    assert error.get("type") == "NoVerdict"
    assert "no operator has started drill" in (error.text or "")


REFUSED = READY | {"status": "False", "reason": "GameDayInvalid", "message": "spec.x: y"}


@pytest.mark.parametrize(
    ("ready", "forbidden", "said"),
    [
        (None, "", "there is no GameDay redis in namespace shop; those that are there: none"),
        (REFUSED, "", "GameDay redis is not ready (GameDayInvalid): spec.x: y"),
        (READY, "create drills", "user jane may not create drills.gameday.dev in namespace shop"),
        (READY, "list drills", "user jane may not list drills.gameday.dev in namespace shop"),
    ],
)
async def test_where_no_drill_is_created_it_ends_with_2(
    api_server: ApiServer, tmp_path: Path, ready: Object | None, forbidden: str, said: str
) -> None:
    if ready is not None:
        plan(api_server, ready)
    api_server.forbidden |= {forbidden}
    async with running(api_server, tmp_path, "redis", "--wait") as one:
        code, out, err = await one.ends()
    assert (code, out) == (2, "")
    assert said in err
    assert not [key for key in api_server.objects if key[0] == "drills"]


async def test_a_refusal_of_an_older_plan_counts_for_nothing(api_server: ApiServer, tmp_path: Path) -> None:
    plan(api_server, READY | {"status": "False", "message": "old"}, seen=0)
    async with running(api_server, tmp_path, "redis") as one:
        assert (await one.ends())[0] == 0


async def test_a_report_that_could_not_be_written_starts_no_drill(api_server: ApiServer, tmp_path: Path) -> None:
    plan(api_server)
    async with running(api_server, tmp_path, "redis", "--junit", str(tmp_path / "none" / "report.xml")) as one:
        code, _, err = await one.ends()
    assert code == 2
    assert "no drill was started: --junit" in err
    assert not [key for key in api_server.objects if key[0] == "drills"]


UNDO = [
    {
        "name": "scale workers", "kind": "scale", "changes": "Deployment/worker (u)",
        "fusedBy": "Job/redis-fuse-scale (f) until 2026-11-24T12:10:00.000Z",
        "times": "registered 2026-11-24T12:00:04.000Z, requested +0.500 s", "state": "Active",
        "before": '{"replicas": 3}',
    },
    {
        "name": "partition", "kind": "networkPartition", "changes": "NetworkPolicy/redis-partition",
        "fusedBy": "Job/redis-fuse (g) until 2026-11-24T12:10:00.000Z",
        "times": "registered 2026-11-24T12:00:04.000Z, requested +0.500 s, undo requested +1.000 s, undone +2.000 s",
        "state": "Undone",
    },
    {"name": "by hand", "kind": "manual", "changes": "Drill/redis", "times": "registered ?", "state": "Requested"},
]  # fmt: skip
HELD = {"type": "FaultsCleared", "status": "False", "reason": "Held", "message": "not undone yet: Deployment worker"}
CLEARED = {"type": "FaultsCleared", "status": "True", "reason": "NothingHeld", "message": "nothing is left"}


async def deleted_in(server: ApiServer, folder: Path, **status: Any) -> tuple[int, str, str]:
    """Exit code, what is said, and the name of a drill that is deleted with this status."""
    plan(server)
    async with running(server, folder, "redis", "--wait") as one:
        if status:
            await one.become(**status)
            while "CutProven" not in await one.line():
                pass
        else:
            await one.line()
        name = (await one.drill())["metadata"]["name"]
        server.drop("drills", "shop", name)
        code, out, _ = await one.ends()
    return code, out, name


async def test_a_drill_that_is_deleted_counts_as_aborted(api_server: ApiServer, tmp_path: Path) -> None:
    code, out, name = await deleted_in(api_server, tmp_path, phase="Outage", timeline=LINES, conditions=[CLEARED])
    assert code == 4
    assert f"drill {name} was deleted; when it was last seen, nothing of it was left in the cluster" in out


async def test_a_drill_that_is_deleted_before_an_operator_took_it_says_so(
    api_server: ApiServer, tmp_path: Path
) -> None:
    code, out, name = await deleted_in(api_server, tmp_path)
    assert code == 4
    assert f"drill {name} was deleted; when it was last seen, no operator had started it" in out


async def test_a_drill_that_is_deleted_with_something_to_undo_says_what(api_server: ApiServer, tmp_path: Path) -> None:
    """Somebody took its finalizer off: nobody has looked whether anything of it is left."""
    held = {"conditions": [HELD], "undo": UNDO}
    code, out, name = await deleted_in(api_server, tmp_path, phase="Outage", timeline=LINES, **held)
    assert code == 4
    text = " ".join(out.split())
    assert f"drill {name} was deleted, and it is not known whether all that it changed was undone" in text
    assert (
        'scale workers (Active): Deployment worker, before: {"replicas": 3}; '
        "Job redis-fuse-scale undoes it, at 2026-11-24T12:10:00.000Z at the latest" in text
    )
    assert "by hand (Requested): Drill/redis; the rest of its entry cannot be read" in text
    assert "redis-partition" not in text, "it was undone"
    assert f"`kubectl -n shop get networkpolicies,ciliumnetworkpolicies,jobs,pods -l gameday.dev/drill={name}`" in text


async def test_a_drill_that_is_deleted_in_a_status_without_conditions_is_not_called_undone(
    api_server: ApiServer, tmp_path: Path
) -> None:
    code, out, _ = await deleted_in(api_server, tmp_path, phase="Outage", timeline=LINES)
    assert code == 4
    assert "it is not known whether all that it changed was undone" in " ".join(out.split())


async def test_an_api_server_that_is_away_for_a_while_is_waited_for(api_server: ApiServer, tmp_path: Path) -> None:
    plan(api_server)
    async with running(api_server, tmp_path, "redis", "--wait") as one:
        await one.line()
        await one.become(phase="Outage", timeline=LINES)
        await one.line()
        api_server.down = True
        for stream in list(api_server.store.streams):
            stream.end()
        assert one.process.stderr is not None
        assert "the drill goes on" in (await one.process.stderr.readline()).decode()
        api_server.down = False
        await one.become(**DONE, verdict="Passed", changed=True)
        code, _, err = await one.ends()
    assert (code, err) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_without_a_terminal_leaves_the_drill_running(
    api_server: ApiServer, tmp_path: Path, number: signal.Signals
) -> None:
    plan(api_server)
    report = tmp_path / "report.xml"
    report.write_text("of an earlier run, which passed")
    async with running(api_server, tmp_path, "redis", "--junit", str(report)) as one:
        await one.line()
        await one.become(phase="Outage", timeline=LINES)
        await one.line()
        one.process.send_signal(number)
        code, _, err = await one.ends()
        drill = await one.drill()
    assert not report.exists(), "a pipeline would take it for this run's"
    name = drill["metadata"]["name"]
    assert code == 128 + number
    assert f"drill {name} goes on; to end it: gameday abort {name} -n shop" in err
    assert "abort" not in drill["spec"]


class Terminal:
    """A person's terminal."""

    def __init__(self) -> None:
        self.own, self.theirs = pty.openpty()
        self._seen = ""

    async def shows(self, text: str) -> None:
        """Wait until it has shown this since the last time."""
        async with asyncio.timeout(PATIENCE):
            while text not in self._seen:
                self._seen += (await asyncio.to_thread(os.read, self.own, 1000)).decode()
        self._seen = self._seen.split(text, 1)[1]

    def types(self, text: str) -> None:
        """What the person types."""
        os.write(self.own, text.encode())

    def close(self) -> None:
        """End it."""
        os.close(self.own)
        os.close(self.theirs)


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    one = Terminal()
    yield one
    one.close()


async def test_ctrl_c_asks_and_an_abort_is_followed_to_its_end(
    api_server: ApiServer, tmp_path: Path, terminal: Terminal
) -> None:
    plan(api_server)
    async with running(api_server, tmp_path, "redis", "--wait", terminal=terminal.theirs) as one:
        await one.line()
        await one.become(phase="Outage", timeline=LINES)
        await one.line()
        one.process.send_signal(signal.SIGINT)
        await terminal.shows("[l]eave it running, [a]bort it, or [w]atch on?")
        terminal.types("yes\n")
        await terminal.shows("[l]eave it running")
        terminal.types("w\n")
        await one.become(timeline=[*LINES, "2026-11-24T12:00:06.000Z ConnectionsClosed: all"])
        await one.line()
        assert "ConnectionsClosed" in await one.line()
        one.process.send_signal(signal.SIGINT)
        await terminal.shows("[a]bort it")
        terminal.types("a\n")
        await terminal.shows("will end; waiting until everything is put back")
        assert (await one.drill())["spec"]["abort"] is True
        await one.become(**DONE, verdict="Aborted", reason="Aborted", message="a person ended the drill")
        code, *_ = await one.ends()
    assert code == 4


async def test_a_second_ctrl_c_leaves_the_drill_running(
    api_server: ApiServer, tmp_path: Path, terminal: Terminal
) -> None:
    plan(api_server)
    async with running(api_server, tmp_path, "redis", "--wait", terminal=terminal.theirs) as one:
        await one.line()
        one.process.send_signal(signal.SIGINT)
        await terminal.shows("[w]atch on?")
        one.process.send_signal(signal.SIGINT)
        await terminal.shows("goes on; to end it: gameday abort redis-")
        code, *_ = await one.ends()
        assert "abort" not in (await one.drill())["spec"]
    assert code == 130
