"""The administrator halts all drills: every cut is lifted within 2 s, none starts, whatever becomes of the operator."""

import os
import subprocess
import sys

import aiohttp
import pytest

from e2e.dialling import ROOT, kubeconfig, until
from e2e.stage import OperatorProcess, Stage, condition, happens, kubectl, small, stage
from gameday.cluster.kinds import EVENTS, GAMEDAYS, LEASES

pytestmark = pytest.mark.e2e

WITHIN = 2.0
"""Seconds from the ConfigMap's creation until no cut is left."""


def gameday(town: Stage, *arguments: str) -> str:
    """The ``gameday`` command, as a person with the cluster's kubeconfig; its output."""
    command = [sys.executable, "-m", "gameday.cli.main", *arguments]
    place = ["--namespace", town.namespace, "--kubeconfig", str(kubeconfig())]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "operator")}
    done = subprocess.run([*command, *place], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def halt(town: Stage, reason: str) -> None:
    """What kubectl alone does."""
    kubectl("-n", town.namespace, "create", "configmap", "gameday-halt", f"--from-literal=reason={reason}")


async def halted_metric(operator: OperatorProcess) -> str:
    """What Prometheus would read of the halt."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{operator.port}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(line for line in lines if line.startswith("gameday_halted "))


async def under_cut(*towns: Stage) -> None:
    """A drill under its cut in each."""
    for town in towns:
        await town.shop(parts=("api", "redis"), replicas=1)
    for town in towns:
        await town.start(small(outage__duration="60s"))
    for town in towns:
        await town.under_cut()


async def waits_halted(town: Stage, name: str) -> None:
    """The drill waits, and says that it is for the halt."""

    def says(status: dict[str, object]) -> bool:
        return condition(status, "Complete").get("reason") == "Halted" and status["phase"] == "Pending"

    status = await town.reaches(says, "the drill says that it waits for the halt's end", 20, name)
    assert condition(status, "Halted")["status"] == "True"
    assert "startedAt" not in status


async def test_a_halt_lifts_every_cut_within_two_seconds(town: Stage) -> None:
    async with stage("halt-other") as other:
        other.opt_in()
        operator = await town.operator(also=[other.namespace])
        await under_cut(town, other)
        assert await halted_metric(operator) == "gameday_halted 0.0"
        halt(town, "a launch")

        async def lifted() -> bool:
            return await town.policies() == [] == await other.policies()

        assert await happens(lifted, "every cut is lifted", 20) <= WITHIN
        for one in (town, other):
            status = await one.finishes(patience=30)
            assert (status["verdict"], status["reason"]) == ("Aborted", "Halted")
            assert "a launch" in status["message"]
            assert condition(status, "Halted")["status"] == "True"
            await one.nothing_is_left()
        assert await halted_metric(operator) == "gameday_halted 1.0"

    async def shown() -> bool:
        plan = await town.admin.get(GAMEDAYS, town.namespace, "small")
        status = (plan or {}).get("status", {})
        return condition(status, "Halted").get("status") == "True" and condition(status, "Ready")["status"] == "True"

    await until(shown, "the GameDay says that it is halted", 10)
    events, _ = await town.admin.list(EVENTS, town.namespace)
    subjects = {e["regarding"]["kind"] for e in events if e["reason"] == "Halted" and e["type"] == "Warning"}
    assert subjects == {"Drill", "ConfigMap"}
    kubectl("-n", town.namespace, "create", "configmap", "gameday-limits", "--from-literal=limits.yaml=maxPods: 10")

    async def counted() -> bool:
        events, _ = await town.admin.list(EVENTS, town.namespace)
        halts = [e for e in events if e["reason"] == "Halted" and e["regarding"]["kind"] == "ConfigMap"]
        return [e.get("series", {}).get("count") for e in halts] == [2]

    await until(counted, "the same Event is counted, not made anew", 10)
    drills = [e for e in events if e["regarding"]["kind"] == "Drill"]
    assert {e["related"]["name"] for e in drills} == {"small"}
    assert {"Check", "Cut", "Revert", "Judge"} <= {e["action"] for e in drills}


@pytest.mark.slow
async def test_while_halted_none_starts_also_after_a_restart_and_resume_lets_them(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    first = await town.operator()
    assert "no drill starts until" in gameday(town, "halt", "--reason", "a launch")
    await town.start(small())
    await waits_halted(town, "first")
    await first.end()
    second = await town.operator()

    async def leads() -> bool:
        return "leading as" in second.says()

    await until(leads, "the second operator leads", 30)
    kubectl("-n", town.namespace, "delete", "drill", "first")
    await town.start(small(), "second")
    await waits_halted(town, "second")
    assert await town.admin.get(LEASES, town.namespace, "gameday") is None
    assert "a launch" in gameday(town, "halt", "--status")
    assert "resumed" in gameday(town, "resume")
    assert gameday(town, "halt", "--status").startswith("not halted")
    status = await town.finishes("second")
    assert status["verdict"] == "Passed", status["message"]
    assert condition(status, "Halted") == {}
    await town.nothing_is_left()


@pytest.mark.slow
async def test_a_halt_while_no_operator_lives_is_the_first_thing_that_the_next_one_does(town: Stage) -> None:
    first = await town.operator()
    await under_cut(town)
    await first.end()
    halt(town, "a launch")
    assert await town.policies(), "with no operator the cut waits for its fuse"
    second = await town.operator()

    async def leads() -> bool:
        return "leading as" in second.says()

    async def lifted() -> bool:
        return await town.policies() == []

    await until(leads, "the second operator leads", 30)
    assert await happens(lifted, "the cut is lifted", 20) <= WITHIN
    status = await town.finishes(patience=30)
    assert (status["verdict"], status["reason"]) == ("Aborted", "Halted")
    await town.nothing_is_left()


@pytest.mark.slow
async def test_without_the_right_to_know_none_starts(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    operator = await town.operator()
    town.revokes("the operator loses the right to know whether drills are halted")
    kubectl("-n", town.namespace, "delete", "rolebinding", "gameday-operator")
    kubectl(
        "-n",
        town.namespace,
        "create",
        "role",
        "lease-alone",
        "--verb=get,update,create",
        "--resource=leases.coordination.k8s.io",
    )
    account = f"{town.namespace}:gameday-operator"
    kubectl("-n", town.namespace, "create", "rolebinding", "lease", "--role=lease-alone", f"--serviceaccount={account}")
    await operator.end()
    await town.operator()
    await town.start(small())
    status = await town.reaches(
        lambda s: condition(s, "Complete").get("reason") == "HaltUnknown", "the drill says that it cannot be told", 40
    )
    assert "kubectl apply -k manifests/operator" in condition(status, "Complete")["message"]
    assert status["phase"] == "Pending"
