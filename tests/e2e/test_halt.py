"""The administrator halts all drills: each cut is reverted within 2 s, none starts, whatever the operator does."""

import os
import subprocess
import sys

import aiohttp
import pytest

from e2e.dialling import ROOT, kubeconfig, until
from e2e.namespaces import OperatorProcess, TeamNamespace, condition, happens, kubectl, small, team_namespace
from gameday.cluster.resources import EVENTS, GAMEDAYS, LEASES

pytestmark = pytest.mark.e2e

WITHIN = 2.0
"""Seconds from the ConfigMap's creation until no cut is left."""


def gameday(ns: TeamNamespace, *arguments: str) -> str:
    """The ``gameday`` command, as a person with the cluster's kubeconfig; its output."""
    command = [sys.executable, "-m", "gameday.cli.main", *arguments]
    place = ["--namespace", ns.namespace, "--kubeconfig", str(kubeconfig())]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "operator")}
    done = subprocess.run([*command, *place], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def halt(ns: TeamNamespace, reason: str) -> None:
    """What kubectl alone does."""
    kubectl("-n", ns.namespace, "create", "configmap", "gameday-halt", f"--from-literal=reason={reason}")


async def halted_metric(operator: OperatorProcess) -> str:
    """What Prometheus would read of the halt."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{operator.port}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(line for line in lines if line.startswith("gameday_halted "))


async def under_cut(*towns: TeamNamespace) -> None:
    """A drill under its cut in each."""
    for ns in towns:
        await ns.shop(parts=("api", "redis"), replicas=1)
    for ns in towns:
        await ns.start(small(outage__duration="60s"))
    for ns in towns:
        await ns.under_cut()


async def waits_halted(ns: TeamNamespace, name: str) -> None:
    """The drill waits, and says that it is for the halt."""

    def says(status: dict[str, object]) -> bool:
        return condition(status, "Complete").get("reason") == "Halted" and status["phase"] == "Pending"

    status = await ns.reaches(says, "the drill says that it waits for the halt's end", 20, name)
    assert condition(status, "Halted")["status"] == "True"
    assert "startedAt" not in status


async def test_a_halt_reverts_every_cut_within_two_seconds(ns: TeamNamespace) -> None:
    async with team_namespace("halt-other") as other:
        other.opt_in()
        operator = await ns.operator(also=[other.namespace])
        await under_cut(ns, other)
        assert await halted_metric(operator) == "gameday_halted 0.0"
        halt(ns, "a launch")

        async def reverted() -> bool:
            return await ns.policies() == [] == await other.policies()

        assert await happens(reverted, "every cut is reverted", 20) <= WITHIN
        for one in (ns, other):
            status = await one.finishes(patience=30)
            assert (status["verdict"], status["reason"]) == ("Aborted", "Halted")
            assert "a launch" in status["message"]
            assert condition(status, "Halted")["status"] == "True"
            await one.nothing_is_left()
        assert await halted_metric(operator) == "gameday_halted 1.0"

    async def shown() -> bool:
        plan = await ns.admin.get(GAMEDAYS, ns.namespace, "small")
        status = (plan or {}).get("status", {})
        return condition(status, "Halted").get("status") == "True" and condition(status, "Ready")["status"] == "True"

    await until(shown, "the GameDay says that it is halted", 10)
    events, _ = await ns.admin.list(EVENTS, ns.namespace)
    subjects = {e["regarding"]["kind"] for e in events if e["reason"] == "Halted" and e["type"] == "Warning"}
    assert subjects == {"Drill", "ConfigMap"}
    kubectl("-n", ns.namespace, "create", "configmap", "gameday-limits", "--from-literal=limits.yaml=maxPods: 10")

    async def counted() -> bool:
        events, _ = await ns.admin.list(EVENTS, ns.namespace)
        halts = [e for e in events if e["reason"] == "Halted" and e["regarding"]["kind"] == "ConfigMap"]
        return [e.get("series", {}).get("count") for e in halts] == [2]

    await until(counted, "the same Event is counted, not made anew", 10)
    drills = [e for e in events if e["regarding"]["kind"] == "Drill"]
    assert {e["related"]["name"] for e in drills} == {"small"}
    assert {"Check", "Cut", "Revert", "Judge"} <= {e["action"] for e in drills}


@pytest.mark.slow
async def test_while_halted_none_starts_also_after_a_restart_and_resume_lets_them(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    first = await ns.operator()
    assert "no drill starts until" in gameday(ns, "halt", "--reason", "a launch")
    await ns.start(small())
    await waits_halted(ns, "first")
    await first.end()
    second = await ns.operator()

    async def leads() -> bool:
        return "leading as" in second.says()

    await until(leads, "the second operator leads", 30)
    kubectl("-n", ns.namespace, "delete", "drill", "first")
    await ns.start(small(), "second")
    await waits_halted(ns, "second")
    assert await ns.admin.get(LEASES, ns.namespace, "gameday") is None
    assert "a launch" in gameday(ns, "halt", "--status")
    assert "resumed" in gameday(ns, "resume")
    assert gameday(ns, "halt", "--status").startswith("not halted")
    status = await ns.finishes("second")
    assert status["verdict"] == "Passed", status["message"]
    assert condition(status, "Halted") == {}
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_halt_while_no_operator_lives_is_the_first_thing_that_the_next_one_does(ns: TeamNamespace) -> None:
    first = await ns.operator()
    await under_cut(ns)
    await first.end()
    halt(ns, "a launch")
    assert await ns.policies(), "with no operator the cut waits for its fuse"
    second = await ns.operator()

    async def leads() -> bool:
        return "leading as" in second.says()

    async def reverted() -> bool:
        return await ns.policies() == []

    await until(leads, "the second operator leads", 30)
    assert await happens(reverted, "the cut is reverted", 20) <= WITHIN
    status = await ns.finishes(patience=30)
    assert (status["verdict"], status["reason"]) == ("Aborted", "Halted")
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_without_the_right_to_know_none_starts(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    operator = await ns.operator()
    ns.revokes("the operator loses the right to know whether drills are halted")
    kubectl("-n", ns.namespace, "delete", "rolebinding", "gameday-operator")
    kubectl(
        "-n",
        ns.namespace,
        "create",
        "role",
        "lease-alone",
        "--verb=get,update,create",
        "--resource=leases.coordination.k8s.io",
    )
    account = f"{ns.namespace}:gameday-operator"
    kubectl("-n", ns.namespace, "create", "rolebinding", "lease", "--role=lease-alone", f"--serviceaccount={account}")
    await operator.end()
    await ns.operator()
    await ns.start(small())
    status = await ns.reaches(
        lambda s: condition(s, "Complete").get("reason") == "HaltUnknown", "the drill says that it cannot be told", 40
    )
    assert "kubectl apply -k manifests/operator" in condition(status, "Complete")["message"]
    assert status["phase"] == "Pending"
