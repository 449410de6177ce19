"""What a case does to a drill must be seen to happen: with the action patched away, its row is not injected."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp.web
import pytest

from chaos import agents, case, clocks, freezes, kills, outages, pods, takeover, uninstall
from chaos.__main__ import all_cases
from chaos.case import CLOCK, FAULTS, FREEZE, KILL, REPLICAS, SCALED, Case, ChaosNamespace, Trial, attempt
from chaos.operator_namespace import OPERATOR, OperatorNamespace
from chaos.operator_under_test import NotInjected, OperatorUnderTest
from chaos.points import point
from chaos.row import Row
from e2e.namespaces import OperatorProcess, TeamNamespace
from gameday.cluster.client import Cluster
from gameday.cluster.resources import SERVICE_ACCOUNTS
from gameday.model.labels import DRILL
from unit.api_server import ApiServer

AT = point(FAULTS, "before the policy is created")
Run = Callable[[Trial], Awaitable[None]]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case, "SEEN_WITHIN", 0.3)
    monkeypatch.setattr(case, "SECONDS_TO_CLEAR", 0.3)
    monkeypatch.setattr("chaos.case.version", lambda: "abc1234")


@pytest.fixture
def ns(cluster: Cluster, api_server: ApiServer, tmp_path: Path) -> TeamNamespace:
    api_server.put("deployments", "shop", {"metadata": {"name": SCALED}, "spec": {"replicas": REPLICAS}})
    return TeamNamespace(cluster, "shop", tmp_path)


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[OperatorUnderTest]:
    """A process in the place of an operator, which only sleeps."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(600)")
    yield OperatorUnderTest(OperatorProcess(process, tmp_path / "log", 1), tmp_path / "mark", AT)
    if process.returncode is None:
        process.kill()
        await process.wait()


async def row_of(ns: TeamNamespace, run: Run, *injects: str) -> Row:
    return await attempt(Case("g", "c", run, injects), ChaosNamespace(ns), ns.folder / "logs")


def a_trial(ns: TeamNamespace, victim: OperatorUnderTest) -> Trial:
    """A trial whose namespace starts this victim."""

    class Prepared(ChaosNamespace):
        async def operator(self, *_: Any, **__: Any) -> OperatorUnderTest:
            return victim

    return Trial(Prepared(ns), None, Row("g", "c"))  # type: ignore[arg-type]


def marked(operator: OperatorUnderTest, pid: int = 0, name: str = AT.name) -> None:
    operator.mark.write_text(f"{time.time()} {pid or operator.pid} {name}\n")


def test_every_case_says_what_it_does_to_the_drill() -> None:
    cases = all_cases()
    assert len(cases) >= 267
    known = {case.KILL, case.FREEZE, case.CLOCK, case.POD, case.EVICTION, case.IMAGE, case.OUTAGE}
    known |= {case.TAKE_OVER, case.REMOVAL}
    assert {what for case in cases for what in case.injects} == known
    parts = (kills, freezes, clocks, takeover, agents, pods, uninstall, outages)
    assert all(part.cases() for part in parts)
    with pytest.raises(AssertionError, match="injects nothing"):
        Case("g", "c", kills.alone, ())


async def test_a_case_that_does_what_it_says_is_good(ns: TeamNamespace) -> None:
    async def run(trial: Trial) -> None:
        trial.proves(KILL, "process 1 ended by SIGKILL")

    row = await row_of(ns, run, KILL)
    assert row.faults() == []
    assert (row.commit, row.proofs) == ("abc1234", {KILL: "process 1 ended by SIGKILL"})


async def test_a_case_that_does_nothing_is_not_injected(ns: TeamNamespace) -> None:
    async def run(_: Trial) -> None:
        pass

    assert (await row_of(ns, run, KILL, CLOCK)).faults() == ["not injected: kill", "not injected: clock step"]


async def test_a_kill_that_does_not_kill_is_not_injected(
    ns: TeamNamespace, operator: OperatorUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def spared(_: OperatorProcess) -> None:
        pass

    async def run(trial: Trial) -> None:
        await trial.kill(operator)

    with monkeypatch.context() as patch:
        patch.setattr(OperatorProcess, "kill", spared)
        row = await row_of(ns, run, KILL)
    assert row.faults() == [
        "not injected: kill",
        f"not injected: process {operator.pid} did not end by SIGKILL, but with None",
    ]
    assert (await row_of(ns, run, KILL)).faults() == []
    assert "had ended before, with -9" in (await row_of(ns, run, KILL)).faults()[1]


async def test_an_operator_that_ends_by_itself_was_not_killed_at_its_point(
    ns: TeamNamespace, operator: OperatorUnderTest
) -> None:
    operator.process.process.send_signal(signal.SIGTERM)
    await operator.process.process.wait()
    with pytest.raises(NotInjected, match="with -15"):
        await operator.dies(ns)


@pytest.mark.parametrize(("pid", "name"), [(1, AT.name), (0, "after the policy is created")])
async def test_a_death_at_another_point_or_of_another_process_is_none(
    ns: TeamNamespace, operator: OperatorUnderTest, pid: int, name: str
) -> None:
    marked(operator, pid, name)
    await operator.process.kill()
    with pytest.raises(NotInjected, match="reached"):
        await operator.dies(ns)


async def test_a_death_at_the_point_is_told(ns: TeamNamespace, operator: OperatorUnderTest) -> None:
    marked(operator)
    await operator.process.kill()
    assert await operator.dies(ns) == f"process {operator.pid} ended by SIGKILL before the policy is created"


async def test_a_death_without_a_point_that_was_reached_is_none(ns: TeamNamespace, operator: OperatorUnderTest) -> None:
    await operator.process.kill()
    with pytest.raises(NotInjected, match="wrote nothing"):
        await operator.dies(ns)


async def test_a_freeze_that_does_not_stop_the_process_is_not_injected(
    ns: TeamNamespace, operator: OperatorUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = a_trial(ns, operator)
    _still(monkeypatch)
    marked(operator)
    with pytest.raises(NotInjected, match="is stopped before the policy is created"):
        await freezes.frozen(trial, AT, FAULTS)
    assert trial.row.proofs == {}


async def test_a_process_that_passes_its_point_while_it_is_frozen_is_not_injected(
    ns: TeamNamespace, operator: OperatorUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = a_trial(ns, operator)
    _still(monkeypatch)
    marked(operator)
    operator.passed.touch()
    operator.process.process.send_signal(signal.SIGSTOP)
    with pytest.raises(NotInjected, match="went on while another one"):
        await freezes.frozen(trial, AT, FAULTS)
    assert not operator.stopped(), "it is thawed"


async def test_a_frozen_process_is_seen_to_be_stopped(
    ns: TeamNamespace, operator: OperatorUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = a_trial(ns, operator)
    _still(monkeypatch)
    marked(operator)
    operator.process.process.send_signal(signal.SIGSTOP)
    # Thawed it ends, as one does that leads no more; and it does not go on behind its point.
    monkeypatch.setattr(freezes, "ENDS_WITHIN", 0.2)
    with pytest.raises(TimeoutError):
        await freezes.frozen(trial, AT, FAULTS)
    assert trial.row.proofs == {FREEZE: f"process {operator.pid} is stopped before the policy is created"}


def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drill that is over as soon as it begins."""

    async def nothing(*_: Any, **__: Any) -> None:
        pass

    monkeypatch.setattr(TeamNamespace, "start", nothing)
    monkeypatch.setattr(TeamNamespace, "nothing_is_left", nothing)
    monkeypatch.setattr(Trial, "ends", nothing)


@pytest.fixture
async def heart(operator: OperatorUnderTest) -> AsyncIterator[list[float]]:
    """The operator's metrics: by how many seconds its clock is off."""
    off = [0.0]

    async def metrics(_: aiohttp.web.Request) -> aiohttp.web.Response:
        beat = time.time() + off[0]
        return aiohttp.web.Response(text=f"gameday_leader 1.0\ngameday_heartbeat_timestamp_seconds {beat}\n")

    app = aiohttp.web.Application()
    app.add_routes([aiohttp.web.get("/metrics", metrics)])
    runner = aiohttp.web.AppRunner(app, access_log=None)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    operator.process.port = runner.addresses[0][1]
    yield off
    await runner.cleanup()


@pytest.mark.parametrize("by", clocks.STEPS)
async def test_a_clock_that_does_not_step_is_not_injected(
    ns: TeamNamespace, operator: OperatorUnderTest, heart: list[float], by: int
) -> None:
    trial = a_trial(ns, operator)
    await clocks.right(operator)
    with pytest.raises(NotInjected, match="the operator's heartbeat is off by"):
        await clocks.steps(trial, operator, by)
    heart[0] = by
    await clocks.steps(trial, operator, by)
    assert trial.row.proofs == {CLOCK: f"the operator's heartbeat is off by {by:+d} s"}
    with pytest.raises(NotInjected, match="before its step"):
        await clocks.right(operator)


@pytest.mark.parametrize(("refused", "answered"), [(0, []), (19, [3.0])])
def test_an_outage_in_which_a_request_is_answered_is_none(refused: int, answered: list[float]) -> None:
    outage = outages.Outage("etcd", outages.STOPPED, refused=refused, answered=answered)
    with pytest.raises(NotInjected):
        outage.proof()


def test_an_outage_asks_on_and_on(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [False, True, False]
    monkeypatch.setattr(outages, "AWAY", 0.05)
    monkeypatch.setattr(outages, "ASK_EVERY", 0.02)
    monkeypatch.setattr(outages, "cluster_output", lambda *_: "")
    monkeypatch.setattr(outages, "_asks", lambda *_: answers.pop() if answers else False)
    outage = outages.Outage("etcd", outages.STOPPED)
    outage._away()
    assert outage.refused >= 1
    assert len(outage.answered) == 1


async def test_an_eviction_that_evicts_nobody_is_not_injected(
    ns: TeamNamespace, operator: OperatorUnderTest, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(*_: object) -> None:
        pass

    monkeypatch.setattr(OperatorNamespace, "evict", nobody)
    here = OperatorNamespace(ns.admin, "office", "shop")
    trial = a_trial(ns, operator)
    with pytest.raises(NotInjected, match="no pod acts"):
        await pods.evict(trial, here, f"{OPERATOR}-0")
    api_server.put("pods", "office", {"metadata": {"name": f"{OPERATOR}-0"}})
    with pytest.raises(NotInjected, match="is evicted"):
        await pods.evict(trial, here, f"{OPERATOR}-0")
    api_server.drop("pods", "office", f"{OPERATOR}-0")
    assert trial.row.proofs == {}


@pytest.mark.parametrize("how", [agents.KILLED, agents.DELETED])
async def test_a_pod_that_does_not_end_is_not_injected(
    ns: TeamNamespace, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async def kept(*_: object, **__: object) -> bool:
        return True

    def pod(*ends: dict[str, Any]) -> None:
        status = {"containerStatuses": [{"state": end} for end in ends]}
        metadata = {"name": "first-client", "uid": "one", "labels": {DRILL: "first"}}
        api_server.put("pods", "shop", {"metadata": metadata, "status": status})

    async def run(trial: Trial) -> None:
        await agents.end_pod(trial, "first-client", how)

    monkeypatch.setattr(agents, "cluster_output", lambda *_: "")
    assert "there is no pod first-client" in (await row_of(ns, run, case.POD)).faults()[1]
    pod({"running": {}})
    with monkeypatch.context() as patch:
        patch.setattr(Cluster, "delete", kept)
        assert (await row_of(ns, run, case.POD)).faults()[0] == "not injected: pod's end"
    # Ended with grace it was not killed.
    pod({"terminated": {"exitCode": 0}})
    monkeypatch.setattr(agents, "cluster_output", lambda *_: pod({"terminated": {"exitCode": 137}}))
    assert case.POD in (await row_of(ns, run, case.POD)).proofs


async def test_what_is_not_removed_or_was_never_there_is_not_injected(
    ns: TeamNamespace, operator: OperatorUnderTest, api_server: ApiServer
) -> None:
    trial = a_trial(ns, operator)
    with pytest.raises(NotInjected, match="there is no ServiceAccount"):
        await uninstall._there(trial, SERVICE_ACCOUNTS, "gameday")
    api_server.put("serviceaccounts", "shop", {"metadata": {"name": "gameday"}})
    with pytest.raises(NotInjected, match="ServiceAccount gameday is gone"):
        await uninstall._removed(trial, SERVICE_ACCOUNTS, "gameday", 0.2)
    with pytest.raises(NotInjected, match="ServiceAccount gameday is deleted"):
        await uninstall._going(trial, SERVICE_ACCOUNTS, "gameday")
    api_server.drop("serviceaccounts", "shop", "gameday")
    await uninstall._removed(trial, SERVICE_ACCOUNTS, "gameday")
    assert trial.row.proofs == {case.REMOVAL: "ServiceAccount gameday is gone"}


async def test_a_take_over_in_which_the_lease_stays_is_not_injected(
    ns: TeamNamespace, operator: OperatorUnderTest, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second replica leads by the name in the Lease, which counts no change of hands."""
    trial = a_trial(ns, operator)

    def led_by(name: str) -> None:
        spec = {"holderIdentity": name, "leaseTransitions": 1}
        api_server.put("leases", "shop", {"metadata": {"name": "gameday-operator"}, "spec": spec})

    led_by("first")
    operator.process.log.write_text("")

    async def cut(*_: object, **__: object) -> None:
        pass

    async def kill(_: Trial, __: OperatorUnderTest) -> None:
        led_by("second")

    monkeypatch.setattr(Trial, "under_cut", cut)
    monkeypatch.setattr(Trial, "kill", kill)
    with pytest.raises(NotInjected, match="did not change hands"):
        await takeover.taken_over(trial)


def test_a_component_is_paused_once_it_was_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its end and its next start there is nobody to pause."""
    asked: list[tuple[str, ...]] = []

    def answers(*arguments: str) -> str:
        asked.append(arguments)
        assert arguments[0] != "pause" or len(asked) > 3, "kill: no such process"
        return ""

    monkeypatch.setattr(outages, "cluster_output", answers)
    monkeypatch.setattr(outages, "AWAY", 0.0)
    outages.Outage("etcd", outages.KILLED)._away()
    assert [verb for verb, _ in asked] == ["kill", "pause", "pause", "pause"]
