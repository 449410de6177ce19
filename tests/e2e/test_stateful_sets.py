"""A StatefulSet is scaled as a fault and as a step, and has its exact number again, whoever dies."""

import json

import pytest

from e2e.namespaces import TeamNamespace, happens, kubectl, small
from gameday.api.undo_entries import undo_of
from gameday.cluster.resources import STATEFUL_SETS, Object

pytestmark = pytest.mark.e2e

NAME = "ledger"
REPLICAS = 2
SCALE = {"scale": {"statefulSet": NAME, "replicas": 0}}


async def shop(ns: TeamNamespace) -> None:
    """A shop with a StatefulSet, and a Deployment of the same name that nobody names."""
    await ns.shop(parts=("api", "redis", "payments"), replicas=1)
    payments = json.loads(kubectl("-n", ns.namespace, "get", "deployment", "payments", "-o", "json").stdout)
    template = payments["spec"]["template"]

    def workload(kind: str, replicas: int) -> Object:
        labels = {"app": f"{NAME}-{kind.lower()}"}
        pods = template | {"metadata": {"labels": labels}}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pods}
        return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": NAME}, "spec": spec}

    stateful = workload("StatefulSet", REPLICAS)
    stateful["spec"] |= {"serviceName": NAME, "podManagementPolicy": "Parallel"}
    await ns.deploy(stateful, workload("Deployment", 1))

    async def ready() -> bool:
        there = await found(ns)
        return int(there.get("status", {}).get("readyReplicas", 0)) == REPLICAS

    await happens(ready, "the StatefulSet is ready", 60)


async def found(ns: TeamNamespace) -> Object:
    there = await ns.admin.get(STATEFUL_SETS, ns.namespace, NAME)
    assert there is not None
    return there


async def replicas(ns: TeamNamespace) -> int:
    return int((await found(ns))["spec"]["replicas"])


def with_fault(**changes: object) -> Object:
    """The small GameDay with a scale after its cut."""
    gameday = small(**changes)
    gameday["spec"]["outage"]["faults"].append({"name": "no-ledger", **SCALE})
    return gameday


async def test_as_a_fault_it_is_gone_for_the_outage_and_back_afterwards(ns: TeamNamespace) -> None:
    await shop(ns)
    await ns.operator()
    await ns.start(with_fault())
    await ns.under_cut()
    assert await replicas(ns) == 0
    assert await ns.replicas(NAME) == 1, "the Deployment of that name was touched"
    status = await ns.finishes(patience=90)
    assert (status["verdict"], status["reason"]) == ("Passed", "AllExpectationsMet"), status["message"]
    entry = next(entry for entry in undo_of(status) if entry["name"] == "no-ledger")
    assert (entry["object"]["kind"], entry["object"]["name"]) == ("StatefulSet", NAME)
    assert await replicas(ns) == REPLICAS
    assert await ns.replicas(NAME) == 1
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_without_an_operator_its_fuse_puts_it_back(ns: TeamNamespace) -> None:
    await shop(ns)
    operator = await ns.operator()
    await ns.start(with_fault(outage__duration="10s"))
    await ns.under_cut()
    await operator.kill()

    async def back() -> bool:
        return not await ns.policies() and await replicas(ns) == REPLICAS

    await happens(back, "both fuses have fired", 260)
    await ns.operator()
    await ns.finishes(patience=120)
    await ns.nothing_is_left()
