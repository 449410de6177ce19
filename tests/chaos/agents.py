"""Our pods killed on their node, and deleted: the drill ends, says which one it lost, and leaves nothing."""

import functools
from typing import Final

from chaos.case import FAULTS, KILL, POD, ROLLBACK, SCALED, Case, Trial, plan
from chaos.operator_under_test import NotInjected
from e2e.dialling import until
from e2e.namespaces import LABEL, cluster_output
from gameday.api.lines import events_of
from gameday.cluster.resources import PODS
from gameday.model.labels import ROLE

AGENTS: Final = ("observer", "client", "witness-0", "control-0")
BY_SIGKILL: Final = 137
"""The exit code of a container that SIGKILL ended."""
KILLED, DELETED = "killed on its node", "deleted"


async def end_pod(trial: Trial, name: str, how: str) -> None:
    """End a pod by SIGKILL, or by its deletion without grace, and see that it ended so."""
    admin, namespace = trial.ns.admin, trial.ns.namespace
    pod = await admin.get(PODS, namespace, name)
    if pod is None:
        raise NotInjected(f"there is no pod {name}")

    async def killed() -> bool:
        return BY_SIGKILL in trial.seen.exits.get(name, ())

    async def gone() -> bool:
        there = await admin.get(PODS, namespace, name)
        return there is None or there["metadata"]["uid"] != pod["metadata"]["uid"]

    if how == KILLED:
        cluster_output("kill", name, namespace)
        await trial.happens(POD, killed, f"a container of pod {name} ended with {BY_SIGKILL}")
    else:
        await admin.delete(PODS, namespace, name, grace=0)
        await trial.happens(POD, gone, f"pod {name} is gone")


async def lost(trial: Trial, agent: str, how: str) -> None:
    """An agent ends under the cut."""
    await trial.place.operator()
    await trial.under_cut()
    await end_pod(trial, f"first-{agent}", how)
    status = await trial.ends("Inconclusive", patience=60)
    if status["reason"] != "AgentLost" or agent not in status["message"]:
        trial.wrong(f"it does not name the agent: {status['reason']}: {status['message']}")


async def counter_lost(trial: Trial, how: str) -> None:
    """The pod that counts connections ends before anything was cut."""
    await trial.place.operator()
    await trial.ns.start(plan(FAULTS, steadyState__duration="10s"))
    await trial.ns.reaches(
        lambda status: any(line["reason"] == "AgentsReady" for line in events_of(status)), "agents measure"
    )
    await end_pod(trial, "first-counter", how)
    status = await trial.ends("Inconclusive", patience=60)
    if status["reason"] != "AgentLost" or trial.seen.cuts:
        trial.wrong(f"{status['reason']}, {len(trial.seen.cuts)} cuts")


async def fuse_pod(trial: Trial) -> str:
    """Begin a rollback and wait until the Deployment is scaled; the name of the pod that is its fuse."""

    async def scaled() -> bool:
        return await trial.ns.replicas(SCALED) == 0

    await trial.ns.start(plan(ROLLBACK))
    await until(scaled, "the Deployment is scaled", 120)
    pods, _ = await trial.ns.admin.list(PODS, trial.ns.namespace, f"{LABEL},{ROLE}=fuse")
    (pod,) = pods
    name: str = pod["metadata"]["name"]
    return name


async def fuse_deleted(trial: Trial) -> None:
    """The pod of a scaling's fuse is deleted, as a drain does: its Job makes another, and the drill goes on."""
    await trial.place.operator()
    await end_pod(trial, await fuse_pod(trial), DELETED)
    status = await trial.ends("Failed", patience=90)
    if any(line["reason"] == "FuseLost" for line in events_of(status)):
        trial.wrong("the timeline says that the fuse was lost")


async def fuse_killed(trial: Trial) -> None:
    """The fuse of a scaling is killed, and so is the operator: the kubelet starts the fuse again, and it fires."""
    operator = await trial.place.operator()
    name = await fuse_pod(trial)
    await end_pod(trial, name, KILLED)
    await trial.kill(operator)
    await trial.undone()
    await trial.place.operator()
    await trial.ends("Failed", "Inconclusive")


def cases() -> list[Case]:
    """All of them."""
    found = [
        Case("agents", f"{agent} {how} under the cut", functools.partial(lost, agent=agent, how=how), (POD,))
        for agent in AGENTS
        for how in (KILLED, DELETED)
    ]
    found += [
        Case("agents", f"counter {how} before the cut", functools.partial(counter_lost, how=how), (POD,))
        for how in (KILLED, DELETED)
    ]
    found.append(Case("agents", "fuse pod of a scaling deleted", fuse_deleted, (POD,)))
    found.append(Case("agents", "fuse pod of a scaling killed on its node, and the operator", fuse_killed, (POD, KILL)))
    return found
